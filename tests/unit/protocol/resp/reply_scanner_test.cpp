#include "protocol/resp/reply_scanner.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::resp {
namespace {

using Event = ReplyScan::Event;

/// Each whole reply of both versions of the protocol.
const std::vector<std::string> replies{
    "+OK\r\n",
    "+\r\n",
    "-ERR no\r\n",
    ":-12\r\n",
    "$0\r\n\r\n",
    "$5\r\na\r\nbc\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*0\r\n",
    "*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n",
    "_\r\n",
    "#t\r\n",
    ",1.5\r\n",
    ",-inf\r\n",
    "(3492890328409238509324850943850943825024385\r\n",
    "!5\r\nERR x\r\n",
    "=7\r\ntxt:abc\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n",
    "%0\r\n",
    "~2\r\n:1\r\n:2\r\n",
    "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n",
    "|0\r\n*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n",
    "*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n",
};

/// What is left of the pieces, with the bytes that were taken, as one that keeps the rest does.
std::vector<std::size_t> scan_in_pieces(std::string_view bytes, std::size_t piece,
                                        std::vector<Event>& events) {
    ReplyScanner scanner;
    std::vector<std::size_t> ends;
    std::string kept;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        while (!kept.empty()) {
            const ReplyScan scan = scanner.next(wire::as_bytes(kept));
            if (scan.event == Event::violation) {
                events.push_back(scan.event);
                return ends;
            }
            kept.erase(0, scan.bytes);
            taken += scan.bytes;
            if (scan.event == Event::part) break;
            events.push_back(scan.event);
            ends.push_back(taken);
        }
    }
    EXPECT_TRUE(kept.empty() || scanner.within_reply() || ends.empty() || kept.size() < 32);
    return ends;
}

TEST(ReplyScanner, finds_the_ends_of_replies_in_pieces_of_any_size) {
    std::string all;
    std::vector<std::size_t> ends;
    for (const std::string& reply : replies) {
        all += reply;
        ends.push_back(all.size());
    }
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        std::vector<Event> events;
        ASSERT_EQ(scan_in_pieces(all, piece, events), ends) << piece;
        for (const Event event : events)
            EXPECT_EQ(event, Event::reply);
    }
}

TEST(ReplyScanner, tells_a_part_of_a_reply_from_a_whole_one_at_each_length) {
    for (const std::string& reply : replies) {
        for (std::size_t size = 0; size < reply.size(); ++size) {
            ReplyScanner scanner;
            const ReplyScan scan = scanner.next(wire::as_bytes(reply.substr(0, size)));
            EXPECT_EQ(scan.event, Event::part) << reply << size;
            EXPECT_LE(scan.bytes, size);
        }
    }
}

TEST(ReplyScanner, passes_a_large_bulk_in_the_pieces_it_comes_in) {
    ReplyScanner scanner;
    EXPECT_EQ(scanner.next(wire::as_bytes("$1000000\r\nabc")).bytes, 13U);
    EXPECT_TRUE(scanner.within_reply());
    const std::string rest(999'997, 'x');
    EXPECT_EQ(scanner.next(wire::as_bytes(rest)).bytes, rest.size());
    const ReplyScan end = scanner.next(wire::as_bytes("\r\n+OK\r\n"));
    EXPECT_EQ(end.event, Event::reply);
    EXPECT_EQ(end.bytes, 2U);
}

TEST(ReplyScanner, knows_pushes_and_takes_none_inside_a_reply) {
    ReplyScanner scanner;
    const std::string push = ">3\r\n+message\r\n+c\r\n$1\r\nx\r\n";
    const ReplyScan scan = scanner.next(wire::as_bytes(push + ":1\r\n"));
    EXPECT_EQ(scan.event, Event::push);
    EXPECT_EQ(scan.bytes, push.size());
    EXPECT_EQ(scanner.next(wire::as_bytes(":1\r\n")).event, Event::reply);
    EXPECT_EQ(scanner.next(wire::as_bytes("*1\r\n>1\r\n+x\r\n")).event, Event::violation);
}

TEST(ReplyScanner, stays_with_a_violation) {
    for (const std::string_view bytes :
         {"OK\r\n", "*x\r\n", "*-2\r\n", "$-2\r\n", "%-1\r\n", "*2000000000000\r\n", "$01\r\n",
          "$1\rx", "$?\r\n", "*1\r\n\r\n"}) {
        ReplyScanner scanner;
        EXPECT_EQ(scanner.next(wire::as_bytes(bytes)).event, Event::violation) << bytes;
        EXPECT_EQ(scanner.next(wire::as_bytes("+OK\r\n")).event, Event::violation) << bytes;
    }
    ReplyScanner scanner;
    EXPECT_EQ(scanner.next(wire::as_bytes(std::string_view("\0\r\n", 3))).event, Event::violation);
}

TEST(ReplyScanner, bounds_the_number_of_elements) {
    ReplyScanner scanner;
    std::string deep;
    for (int level = 0; level < 2000; ++level)
        deep += "*1000000000000\r\n";
    EXPECT_EQ(scanner.next(wire::as_bytes(deep)).event, Event::violation);
}

TEST(ReplyScanner, keeps_the_first_words_of_an_error) {
    ReplyScanner scanner;
    const std::string error = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    for (const char letter : error)
        (void)scanner.next(wire::as_bytes(std::string_view(&letter, 1)));
    EXPECT_TRUE(scanner.is_error());
    EXPECT_TRUE(scanner.error_text().starts_with("OOM command"));
    (void)scanner.next(wire::as_bytes("!7\r\nBUSY no\r\n"));
    EXPECT_TRUE(scanner.is_error());
    EXPECT_TRUE(scanner.error_text().starts_with("BUSY no"));
    (void)scanner.next(wire::as_bytes("*1\r\n-ERR inner\r\n"));
    EXPECT_FALSE(scanner.is_error());
}

}  // namespace
}  // namespace sluice::resp
