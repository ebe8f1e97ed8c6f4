#include "protocol/resp/request_scanner.hpp"

#include "protocol/resp/request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::resp {
namespace {

using Event = RequestScan::Event;

RequestScan scan_whole(std::string_view bytes, const RequestLimits& limits = {},
                       LoginState login = LoginState::done) {
    RequestScanner scanner;
    return scanner.scan(wire::as_bytes(bytes), limits, login);
}

/// Offers one byte more each time, as the slowest client sends them.
RequestScan scan_byte_by_byte(std::string_view bytes, const RequestLimits& limits = {},
                              LoginState login = LoginState::done) {
    RequestScanner scanner;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        const RequestScan scan = scanner.scan(wire::as_bytes(bytes.substr(0, size)), limits, login);
        if (scan.event != Event::incomplete) return scan;
    }
    return {};
}

TEST(RequestScanner, cuts_a_request_wherever_its_bytes_come_apart) {
    const std::vector<std::string> requests{
        "*1\r\n$4\r\nPING\r\n",
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n",
        "*2\r\n$3\r\nGET\r\n$4\r\n\r\n*1\r\n",
    };
    for (const std::string& request : requests) {
        const std::string more = request + "*1\r\n$4\r\nPING\r\n";
        for (const RequestScan& scan : {scan_whole(more), scan_byte_by_byte(more)}) {
            EXPECT_EQ(scan.event, Event::complete);
            EXPECT_EQ(scan.bytes, request.size());
        }
        for (std::size_t cut = 0; cut < request.size(); ++cut) {
            EXPECT_EQ(scan_whole(request.substr(0, cut)).event, Event::incomplete) << cut;
            RequestScanner scanner;
            EXPECT_EQ(
                scanner.scan(wire::as_bytes(request.substr(0, cut)), {}, LoginState::done).event,
                Event::incomplete);
            const RequestScan rest = scanner.scan(wire::as_bytes(more), {}, LoginState::done);
            EXPECT_EQ(rest.event, Event::complete);
            EXPECT_EQ(rest.bytes, request.size()) << cut;
        }
    }
}

/// A request that is there in full is told at once, one that comes in pieces step by step.
TEST(RequestScanner, finds_the_same_in_spoilt_requests_whole_and_in_pieces) {
    const RequestLimits limits{3, 12, 64};
    for (const std::string_view request :
         {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nabcdefghijkl\r\n", "*1\r\n$0\r\n\r\n"}) {
        for (std::size_t place = 0; place < request.size(); ++place) {
            for (const char letter : std::string_view("*$\r\n-0123456789x\0", 17)) {
                std::string spoilt(request);
                spoilt[place] = letter;
                const RequestScan whole = scan_whole(spoilt, limits);
                const RequestScan pieces = scan_byte_by_byte(spoilt, limits);
                ASSERT_EQ(whole.event, pieces.event) << spoilt;
                ASSERT_EQ(whole.bytes, pieces.bytes) << spoilt;
                ASSERT_EQ(whole.fault, pieces.fault) << spoilt;
            }
        }
    }
}

TEST(RequestScanner, reads_over_requests_without_arguments) {
    for (const std::string_view empty : {"*0\r\n", "*-1\r\n", "*-10\r\n"}) {
        const RequestScan scan = scan_byte_by_byte(empty);
        EXPECT_EQ(scan.event, Event::empty) << empty;
        EXPECT_EQ(scan.bytes, empty.size());
    }
}

TEST(RequestScanner, refuses_what_the_server_refuses_in_its_words) {
    struct Case {
        std::string_view bytes;
        ProtocolFault fault;
        std::string_view reply;
    };
    const std::vector<Case> cases{
        {"*x\r\n", ProtocolFault::invalid_multibulk_length,
         "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*3000000000\r\n", ProtocolFault::invalid_multibulk_length,
         "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*01\r\n", ProtocolFault::invalid_multibulk_length,
         "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\r\nPING\r\n", ProtocolFault::expected_dollar,
         "-ERR Protocol error: expected '$', got 'P'\r\n"},
        {"*1\r\n\n\r\n", ProtocolFault::expected_dollar,
         "-ERR Protocol error: expected '$', got ' '\r\n"},
        {"*1\r\n$-1\r\n", ProtocolFault::invalid_bulk_length,
         "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$x\r\n", ProtocolFault::invalid_bulk_length,
         "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$536870913\r\n", ProtocolFault::invalid_bulk_length,
         "-ERR Protocol error: invalid bulk length\r\n"},
        {"*1\r\n$4\r\nPINGx\n", ProtocolFault::bulk_without_end,
         "-ERR Protocol error: bulk without CRLF at its end\r\n"},
    };
    for (const Case& one : cases) {
        for (const RequestScan& scan : {scan_whole(one.bytes), scan_byte_by_byte(one.bytes)}) {
            EXPECT_EQ(scan.event, Event::violation) << one.bytes;
            EXPECT_EQ(scan.fault, one.fault) << one.bytes;
            std::string reply;
            append_protocol_error(reply, scan.fault, scan.found);
            EXPECT_EQ(reply, one.reply);
        }
    }
}

TEST(RequestScanner, holds_each_limit_at_its_maximum_and_not_one_beyond) {
    RequestLimits limits;
    limits.arguments_max = 2;
    limits.bulk_bytes_max = 5;
    limits.inline_bytes_max = 8;
    EXPECT_EQ(scan_whole("*2\r\n$1\r\na\r\n$5\r\nabcde\r\n", limits).event, Event::complete);
    EXPECT_EQ(scan_whole("*3\r\n", limits).fault, ProtocolFault::invalid_multibulk_length);
    EXPECT_EQ(scan_whole("*1\r\n$6\r\n", limits).fault, ProtocolFault::invalid_bulk_length);
    EXPECT_EQ(scan_byte_by_byte("PING abc\n", limits).event, Event::inline_line);
    EXPECT_EQ(scan_byte_by_byte("PING abcd\n", limits).fault,
              ProtocolFault::too_big_inline_request);
    EXPECT_EQ(scan_whole("PING abcd\n", limits).fault, ProtocolFault::too_big_inline_request);
}

TEST(RequestScanner, judges_a_line_when_it_has_ended_or_will_not) {
    struct Case {
        std::string line;  ///< Without its end, and without what fills it up.
        std::string before;
        ProtocolFault ended;
        ProtocolFault endless;
    };
    const std::vector<Case> cases{
        {"*x", "", ProtocolFault::invalid_multibulk_length, ProtocolFault::too_big_multibulk_line},
        {"$x", "*2\r\n$1\r\na\r\n", ProtocolFault::invalid_bulk_length,
         ProtocolFault::too_big_bulk_line},
        {"x", "*1\r\n", ProtocolFault::expected_dollar, ProtocolFault::too_big_bulk_line},
    };
    for (const Case& row : cases) {
        std::string text = row.before + row.line;
        text.append(row.before.size() + 65'536 - text.size(), 'x');
        EXPECT_EQ(scan_whole(row.before + row.line).event, Event::incomplete);
        EXPECT_EQ(scan_whole(row.before + row.line + "\r").event, Event::incomplete);
        EXPECT_EQ(scan_whole(row.before + row.line + "\r\n").fault, row.ended);
        EXPECT_EQ(scan_whole(text).event, Event::incomplete);
        EXPECT_EQ(scan_whole(text + "x").fault, row.endless);
        EXPECT_EQ(scan_whole(text + "x\r\n").fault, row.ended);
        EXPECT_EQ(scan_byte_by_byte(text + "x").fault, row.endless);
    }
    std::string out;
    append_protocol_error(out, ProtocolFault::too_big_multibulk_line);
    append_protocol_error(out, ProtocolFault::too_big_bulk_line);
    EXPECT_EQ(out,
              "-ERR Protocol error: too big mbulk count string\r\n"
              "-ERR Protocol error: too big bulk count string\r\n");
}

TEST(RequestScanner, takes_little_from_those_who_have_not_logged_in) {
    const auto scan = [](std::string_view bytes) {
        return scan_byte_by_byte(bytes, {}, LoginState::required);
    };
    EXPECT_EQ(scan("*10\r\n").event, Event::incomplete);
    EXPECT_EQ(scan("*11\r\n").fault, ProtocolFault::unauthenticated_multibulk_length);
    EXPECT_EQ(scan("*1\r\n$16384\r\n").event, Event::incomplete);
    EXPECT_EQ(scan("*1\r\n$16385\r\n").fault, ProtocolFault::unauthenticated_bulk_length);
}

TEST(RequestScanner, goes_on_when_the_front_of_a_large_request_has_left) {
    const std::string request = "*2\r\n$3\r\nGET\r\n$300\r\n" + std::string(300, 'x') + "\r\n";
    RequestScanner scanner;
    std::size_t sent = 0;
    std::string kept;
    RequestScan scan;
    for (const char letter : request + "*1\r\n") {
        kept += letter;
        scan = scanner.scan(wire::as_bytes(kept), {}, LoginState::done);
        if (scan.event != Event::incomplete) break;
        const std::size_t part = scanner.looked_at(wire::as_bytes(kept));
        scanner.passed(part);
        kept.erase(0, part);
        sent += part;
    }
    EXPECT_EQ(scan.event, Event::complete);
    EXPECT_EQ(sent + scan.bytes, request.size());
}

TEST(ArgumentReader, reads_what_there_is_and_nothing_else) {
    std::string request;
    append_request(request, "SET", "k", std::string("a\r\n\0b", 5));
    for (std::size_t cut = 0; cut <= request.size(); ++cut) {
        ArgumentReader reader(wire::as_bytes(request).first(cut));
        std::vector<std::string> read;
        while (const auto argument = reader.next())
            read.emplace_back(*argument);
        ASSERT_LE(read.size(), 3U);
        if (cut == request.size()) {
            EXPECT_EQ(read, (std::vector<std::string>{"SET", "k", std::string("a\r\n\0b", 5)}));
        }
    }
    EXPECT_EQ(ArgumentReader(wire::as_bytes("PING\r\n")).count(), 0U);
    EXPECT_EQ(ArgumentReader(wire::as_bytes("*-1\r\n")).count(), 0U);
}

}  // namespace
}  // namespace sluice::resp
