// Batches whose statement is out of date for what somebody else has done: sent once more, or left
// to PostgreSQL's own word.

#include "statement_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

using namespace std::string_view_literals;

const std::string outdated = frame('E',
                                   "SERROR\0C0A000\0Mcached plan must not change result type\0"
                                   "RRevalidateCachedQuery\0\0"sv);
const std::string bind_s = bind_frame("", "s");
const std::string run_s = bind_s + describe_frame('P', "") + execute_frame();

/// Where the backend has the client's statement "s".
struct Taught : Line {
    Taught() {
        ask(parse_frame("s", "SELECT 1") + sync_frame, "1 Z");
        sent();
        heard();
    }
};

TEST(Encore, sends_a_batch_again_with_its_statement_parsed_anew) {
    Taught line;
    line.send(run_s + sync_frame);
    EXPECT_EQ(line.sent(), "Bsluice_1 D E S");
    line.receive(outdated + replies("Z 3 1 2 T D C Z"));
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 D E S");
    EXPECT_EQ(line.heard(), "2TDCZ");
    EXPECT_TRUE(line.backend.releasable());
    EXPECT_FALSE(line.backend.error_outstanding());
    EXPECT_EQ(line.backend.error_count(), 0U);
    line.ask(run_s + sync_frame, "2 T D C Z");
    EXPECT_EQ(line.heard(), "2TDCZ");
}

TEST(Encore, sends_it_with_answers_of_ours_in_their_places) {
    Taught line;
    line.send(parse_frame("t", "SELECT 1") + bind_frame("", "t") + execute_frame() +
              close_frame('S', "s") + sync_frame);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
    line.receive(outdated + replies("Z 3 1 2 C Z"));
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 E S");
    EXPECT_EQ(line.heard(), "12C3Z");
    EXPECT_TRUE(line.backend.releasable());
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Bs S") << "closed, once";
}

TEST(Encore, tells_of_a_statement_that_cannot_be_parsed_any_more) {
    Taught line;
    line.send(run_s + sync_frame);
    line.receive(outdated + replies("Z 3 E Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(Encore, repeats_no_batch_twice) {
    Taught line;
    line.send(run_s + sync_frame);
    line.receive(outdated + replies("Z 3 1") + outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(Encore, repeats_nothing_that_has_been_answered_in_part) {
    Taught described;
    described.send(describe_frame('S', "s") + run_s + sync_frame);
    described.receive(replies("t T") + outdated + replies("Z"));
    EXPECT_EQ(described.heard(), "tTEZ");

    Taught line;
    line.send(run_s + run_s + sync_frame);
    line.receive(replies("2 T D C") + outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "2TDCEZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(Encore, repeats_nothing_inside_a_block) {
    Taught line;
    line.ask(query_frame("BEGIN"), "C ZT");
    line.heard();
    line.send(run_s + sync_frame);
    line.receive(outdated + replies("ZE"));
    EXPECT_EQ(line.heard(), "EZ");
}

TEST(Encore, repeats_nothing_that_other_requests_follow) {
    Taught line;
    line.send(run_s + sync_frame + run_s + sync_frame);
    line.receive(outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    line.receive(outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
    line.send(run_s + sync_frame);
    EXPECT_EQ(line.sent().substr(0, 5), "Bslui") << "what came before";
}

TEST(Encore, repeats_nothing_without_its_sync) {
    Taught line;
    line.send(run_s + flush_frame);
    line.receive(outdated);
    EXPECT_EQ(line.heard(), "E");
    line.ask(sync_frame, "Z");
    EXPECT_EQ(line.heard(), "Z");
}

TEST(Encore, repeats_nothing_long) {
    Taught line;
    std::string frames = bind_s;
    while (frames.size() <= Encore::bytes_max)
        frames += describe_frame('P', "");
    line.send(frames + sync_frame);
    line.receive(outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(Encore, leaves_other_refusals_of_features_alone) {
    Taught line;
    line.send(run_s + sync_frame);
    line.receive(frame('E', "SERROR\0C0A000\0Mno\0Rplan_anything\0\0"sv) + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(Encore, is_nobody_elses) {
    Taught line;
    line.send(run_s + sync_frame);
    line.backend.serve_statements_of(nullptr);
    line.receive(outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

}  // namespace
}  // namespace sluice::pg::test
