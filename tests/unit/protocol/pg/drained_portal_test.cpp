#include "protocol/pg/drained_portal.hpp"

#include "backend_talk.hpp"
#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

using End = DrainedPortal::End;

std::string execute(std::uint32_t rows, std::string_view portal = "p") {
    std::string body;
    wire::Writer(body).c_string(portal).u32(rows);
    return client_frame('E', body);
}
std::string complete(std::string_view tag) {
    return frame('C', zero_ended(tag));
}

/// A portal of which `stored` is left, and what its client has got of it.
struct Drained {
    explicit Drained(std::string left) : stored(std::move(left)) {
        useful = portal.finish(wire::as_bytes(stored));
        stored.erase(0, useful);
    }
    End ask(std::string_view client) {
        std::string words;
        const auto answer = portal.answer(wire::as_bytes(client), wire::as_bytes(stored), words);
        taken = answer.taken;
        got = stored.substr(0, answer.passed_on) + words;
        stored.erase(0, answer.passed_on + answer.left_behind);
        return answer.end;
    }

    DrainedPortal portal{"p"};
    std::string stored;
    std::string got;
    std::size_t useful = 0;
    std::size_t taken = 0;
};

const std::string three_rows = replies("T D D D");

TEST(DrainedPortal, asks_for_its_description_and_all_that_is_left) {
    std::string request;
    DrainedPortal("p").append_request(request);
    EXPECT_EQ(request, describe_frame('P', "p") + execute(0) + flush_frame);
}

TEST(DrainedPortal, serves_parts_as_postgresql_does) {
    Drained drained(three_rows + complete("SELECT 3"));
    EXPECT_GT(drained.useful, 0U);
    EXPECT_EQ(drained.ask(execute(2)), End::open);
    EXPECT_EQ(drained.got, replies("D D s"));
    EXPECT_EQ(drained.taken, execute(2).size());
    EXPECT_EQ(drained.ask(flush_frame), End::open);
    EXPECT_EQ(drained.got, "");
    EXPECT_EQ(drained.ask(describe_frame('P', "p")), End::open);
    EXPECT_EQ(drained.got, replies("T"));
    EXPECT_EQ(drained.ask(execute(1)), End::open);
    EXPECT_EQ(drained.got, replies("D s")) << "the limit is reached, whether more follows or not";
    EXPECT_EQ(drained.ask(execute(1)), End::open);
    EXPECT_EQ(drained.got, complete("SELECT 0"));
    EXPECT_EQ(drained.stored, "");
    EXPECT_EQ(drained.ask(execute(0)), End::open);
    EXPECT_EQ(drained.got, complete("SELECT 0"));
    EXPECT_EQ(drained.ask(sync_frame), End::over);
    EXPECT_EQ(drained.got, reply("ZI"));
}

TEST(DrainedPortal, counts_the_rows_of_a_part_alone) {
    for (const std::uint32_t rows : {0U, 4U, 0xffffffffU}) {
        Drained drained(replies("T D N D D") + complete("SELECT 3"));
        EXPECT_EQ(drained.ask(execute(rows)), End::open);
        EXPECT_EQ(drained.got, replies("D N D D") + complete("SELECT 3"));
    }
}

TEST(DrainedPortal, tells_of_an_error_where_it_was) {
    Drained drained(replies("T D D E"));
    EXPECT_EQ(drained.ask(execute(1)), End::open);
    EXPECT_EQ(drained.got, replies("D s"));
    EXPECT_EQ(drained.ask(execute(5)), End::failed);
    EXPECT_EQ(drained.got, replies("D E"));
}

TEST(DrainedPortal, is_of_no_use_for_what_leaves_traces) {
    EXPECT_EQ(Drained(three_rows + complete("INSERT 0 3")).useful, 0U);
    EXPECT_EQ(Drained(three_rows + complete("FETCH 3")).useful, 0U);
    EXPECT_EQ(Drained(replies("n") + complete("SELECT 3")).useful, 0U);
    EXPECT_EQ(Drained(replies("E")).useful, 0U);
    EXPECT_EQ(Drained("").useful, 0U);
}

TEST(DrainedPortal, ends_with_its_batch_or_when_closed) {
    Drained drained(three_rows + complete("SELECT 3"));
    EXPECT_EQ(drained.ask(close_frame('P', "p")), End::over);
    EXPECT_EQ(drained.got, reply("3"));
    for (const std::string& frame : {query_frame("SELECT 1"), terminate_frame}) {
        EXPECT_EQ(drained.ask(frame), End::over);
        EXPECT_EQ(drained.taken, 0U) << "that is for others to answer";
    }
}

TEST(DrainedPortal, is_lost_where_more_is_wanted_of_the_transaction) {
    for (const std::string& frame :
         {parse_frame("", "SELECT 1"), bind_frame("p", ""), execute(1, "q"),
          describe_frame('P', "q"), describe_frame('S', "p"), close_frame('S', "p"),
          close_frame('P', "q"), function_call_frame(1), client_frame('E', "p"),
          client_frame('E', ""), client_frame('D', ""), client_frame('S', "x"),
          client_frame('H', "x"), client_frame('~', ""), std::string("E\xff\xff\xff\xff", 5),
          std::string("S\0\0\x7f\xff", 5)}) {
        Drained drained(three_rows + complete("SELECT 3"));
        EXPECT_EQ(drained.ask(frame), End::lost) << frame[0];
        EXPECT_EQ(drained.taken, 0U);
        EXPECT_EQ(drained.got, "");
    }
}

TEST(DrainedPortal, waits_for_whole_frames) {
    const std::string frame = execute(2);
    for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
        Drained drained(three_rows + complete("SELECT 3"));
        EXPECT_EQ(drained.ask(frame.substr(0, bytes)), End::more_bytes);
        EXPECT_EQ(drained.taken, 0U);
    }
    Drained drained(three_rows + complete("SELECT 3"));
    EXPECT_EQ(drained.ask(frame + "behind"), End::open);
    EXPECT_EQ(drained.taken, frame.size());
}

TEST(DrainedPortal, takes_stray_copy_frames_as_postgresql_does) {
    Drained drained(three_rows + complete("SELECT 3"));
    for (const std::string& frame : {copy_data_frame("x"), client_frame('c', "")}) {
        EXPECT_EQ(drained.ask(frame), End::open);
        EXPECT_EQ(drained.got, "");
    }
}

}  // namespace
}  // namespace sluice::pg::test
