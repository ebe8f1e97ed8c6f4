// PREPARE, EXECUTE and DEALLOCATE of clients that share backends, beside the protocol's statements.

#include "statement_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

const std::string prepare_s = query_frame("PREPARE s AS SELECT 1");
const std::string execute_s = query_frame("EXECUTE s");
const std::string deallocate_s = query_frame("DEALLOCATE s");
const std::string parse_s = parse_frame("s", "SELECT 1");
const std::string bind_s = bind_frame("", "s");
/// How PREPARE is sent again, and how it is answered.
const std::string made_again = "Csluice_0 Psluice_0 Bsluice_0 E C(portal)sluice_0";

std::string done(std::string_view tag) {
    return frame('C', zero_ended(tag));
}
const std::string made_again_replies = replies("3 1 2") + done("PREPARE") + replies("3");

/// A query that is one command, with its answer.
void command(Line& line, const std::string& query, std::string_view tag) {
    line.send(query);
    line.receive(done(tag) + reply("Z"));
    line.sent();
    line.heard();
}

TEST(StatementNames, prepare_again_on_another_backend) {
    for (const bool bytewise : {false, true}) {
        Line line;
        command(line, prepare_s, "PREPARE");
        EXPECT_FALSE(line.client.pin());
        line.send(execute_s);
        EXPECT_EQ(line.sent(), "Q") << "here it is";
        line.receive(replies("T D C Z"));
        line.lease_another_backend();
        line.heard();
        if (bytewise) {
            for (const char byte : execute_s)
                line.send({&byte, 1});
        } else {
            line.send(execute_s);
        }
        EXPECT_EQ(line.sent(), made_again + " S") << "a batch of its own";
        line.receive(made_again_replies + replies("Z"));
        EXPECT_EQ(line.heard(), "");
        EXPECT_EQ(line.sent(), "Q");
        line.receive(replies("T D C Z"));
        EXPECT_EQ(line.heard(), "TDCZ");
        EXPECT_TRUE(line.backend.releasable());
        line.send(execute_s);
        EXPECT_EQ(line.sent(), "Q");
    }
}

TEST(StatementNames, answer_with_the_error_of_what_cannot_be_made_again) {
    Line line;
    command(line, prepare_s, "PREPARE");
    line.lease_another_backend();
    line.send(execute_s);
    line.sent();
    line.receive(replies("3 1 2 E Z"));
    EXPECT_EQ(line.heard(), "") << "tried apart";
    EXPECT_EQ(line.sent(), "Cs " + made_again + " Q S");
    line.receive(replies("3 3 1 2 E"));
    EXPECT_EQ(line.heard(), "E");
    line.receive(replies("Z"));
    EXPECT_EQ(line.heard(), "Z") << "that of the Sync, since the Query was read over";
    EXPECT_TRUE(line.backend.releasable());
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Cs " + made_again + " S") << "what is there is not known";
}

TEST(StatementNames, never_find_those_of_another_client) {
    Line line;
    command(line, prepare_s, "PREPARE");
    line.turn();
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Cs Q");
    line.receive(replies("3 E Z"));
    EXPECT_EQ(line.heard(), "EZ");
    command(line, query_frame("PREPARE s AS SELECT 2"), "PREPARE");
    line.turn();
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Cs " + made_again + " S");
    line.receive(reply("3") + made_again_replies + replies("Z"));
    EXPECT_EQ(line.sent(), "Q");
    line.receive(replies("T D C Z"));
    line.turn();
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Cs " + made_again + " Bs S");
    line.receive(reply("3") + made_again_replies + replies("2 Z"));
    line.turn();
    command(line, query_frame("DEALLOCATE ALL"), "DEALLOCATE ALL");
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Bs S") << "nothing is there";
}

TEST(StatementNames, are_closed_before_a_bind_of_a_name_that_is_none) {
    Line line;
    command(line, prepare_s, "PREPARE");
    line.turn();
    line.ask(parse_frame("t", "SELECT 1") + bind_s + sync_frame, "1 3 E Z");
    EXPECT_EQ(line.sent(), "Psluice_2 Cs Bs S");
    EXPECT_EQ(line.heard(), "1EZ");
}

TEST(StatementNames, share_a_version_by_text) {
    Line line;
    command(line, prepare_s, "PREPARE");
    line.turn();
    line.send(prepare_s);
    EXPECT_EQ(line.sent(), "Cs Q");
    line.receive(reply("3") + done("PREPARE") + reply("Z"));
    line.turn();
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Q") << "it is the same statement";
}

TEST(StatementNames, deallocate_what_parse_made) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.send(deallocate_s);
    EXPECT_EQ(line.sent(), "Ps Q S") << "an empty one in its place is enough";
    line.heard();
    line.receive(replies("1") + done("DEALLOCATE") + replies("Z Z"));
    EXPECT_EQ(line.heard(), "CZ");
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Bs S") << "PostgreSQL says that it is gone";
    line.receive(replies("E Z"));
    line.send(parse_s + sync_frame);
    EXPECT_EQ(line.sent(), "S") << "the pool has it still";
}

TEST(StatementNames, execute_what_parse_made) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Ps Q S");
    line.receive(replies("1 T D C Z Z"));
    line.send(execute_s + bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Q Bsluice_1 S");
    line.receive(replies("T D C Z 2 Z"));
    line.send(close_frame('S', "s") + sync_frame);
    line.receive(replies("Z"));
    line.sent();
    line.send(execute_s);
    EXPECT_EQ(line.sent(), "Cs Q");
}

TEST(StatementNames, bind_describe_and_close_what_prepare_made) {
    Line line;
    command(line, prepare_s, "PREPARE");
    line.ask(bind_s + describe_frame('S', "s") + sync_frame, "2 t T Z");
    EXPECT_EQ(line.sent(), "Bs Ds S");
    line.ask(parse_s + sync_frame, "3 1 E Z");
    EXPECT_EQ(line.sent(), "Csluice_0 Psluice_0 Psluice_0 S") << "the name is taken";
    line.ask(close_frame('S', "s") + parse_s + bind_s + sync_frame, "3 1 2 Z");
    EXPECT_EQ(line.sent(), "Cs Psluice_2 Bsluice_2 S");
}

TEST(StatementNames, wait_for_what_changes_them) {
    Line line;
    line.send(prepare_s + execute_s + bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Q");
    EXPECT_TRUE(line.client.waiting());
    line.receive(done("PREPARE") + reply("Z"));
    EXPECT_EQ(line.sent(), "Q Bs S");
    EXPECT_FALSE(line.client.waiting());
}

TEST(StatementNames, change_in_the_middle_of_a_batch) {
    Line line;
    line.send(parse_frame("x", "SELECT 1") + parse_frame("", "DEALLOCATE x") + bind_frame("", "") +
              execute_frame() + bind_frame("", "x") + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_1 Px P B E H") << "a Flush, since the next depends on it";
    line.receive(replies("1 1 1 2") + done("DEALLOCATE"));
    EXPECT_EQ(line.heard(), "112C");
    EXPECT_EQ(line.sent(), "Bx S");
    line.receive(replies("E Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(StatementNames, follow_a_text_as_far_as_its_tags_tell) {
    Line line;
    line.send(query_frame("PREPARE s AS SELECT 1; SELECT 1/0; DEALLOCATE s"));
    line.receive(done("PREPARE") + replies("E Z"));
    line.sent();
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Cs " + made_again + " Bs S")
        << "held; whether the last was carried out on this backend nobody said";
    EXPECT_FALSE(line.client.pin());
}

TEST(StatementNames, keep_the_backend_when_nobody_can_follow) {
    Line line;
    command(line, query_frame("EXPLAIN ANALYZE EXECUTE t"), "PREPARE");
    EXPECT_EQ(line.client.pin(), PinReason::sql_prepare);
    EXPECT_TRUE(line.client.needs_reset());
    EXPECT_TRUE(line.backend.names().uncertain());
}

TEST(StatementNames, are_uncertain_when_their_client_vanishes) {
    Line line;
    line.send(prepare_s);
    line.backend.serve_statements_of(nullptr);
    line.client.forget_statements();
    line.receive(done("PREPARE") + reply("Z"));
    EXPECT_TRUE(line.backend.releasable());
    EXPECT_TRUE(line.backend.names().uncertain()) << "so it is reset";
}

TEST(StatementNames, of_what_cannot_be_made_in_a_failed_transaction_are_stood_in_for) {
    Line line;
    line.ask(parse_frame("p", "SELECT $1::int + $2") + sync_frame, "1 Z");
    command(line, prepare_s, "PREPARE");
    line.lease_another_backend();
    line.ask(query_frame("BEGIN; SELECT 1/0"), "C E ZE");
    line.sent();
    for (const std::string_view name : {"p", "s"}) {
        line.ask(bind_frame("", name) + sync_frame, "3 1 E ZE");
        EXPECT_EQ(line.sent(), "Csluice_0 Psluice_0 Bsluice_0 S");
        EXPECT_EQ(line.client.statements()->name_of(line.backend.failed().slot), name);
    }
    line.ask(query_frame("ROLLBACK"), "C Z");
    line.sent();
    line.send(bind_frame("", "p") + bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 " + made_again + " Bs S");
}

TEST(StatementFrames, count_the_parameters_of_a_text) {
    const std::string none(3, '\0');
    EXPECT_EQ(parameter_count("SELECT 1" + none), 0U);
    EXPECT_EQ(parameter_count("SELECT $2, $1" + none), 2U);
    EXPECT_EQ(parameter_count("SELECT $x$ $" + none), 0U);
    EXPECT_EQ(parameter_count("SELECT $99999999999" + none), 0U);
    EXPECT_EQ(parameter_count(std::string("SELECT 1\0\0\3", 11) + std::string(12, '\0')), 3U);
    EXPECT_EQ(parameter_count(""), 0U);
}

TEST(StatementNames, have_limits) {
    StatementPolicy policy;
    policy.max_client_statements = 1;
    policy.max_prepared_statements = 1;
    Line line(policy);
    command(line, prepare_s, "PREPARE");
    line.send(query_frame("PREPARE t AS SELECT 1"));
    EXPECT_EQ(line.sent(), "Csluice_0 Psluice_0 Psluice_0 Q S");
    line.receive(replies("3 1 E Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_EQ(line.backend.failed().twist, Twist::beyond_limits);
    line.turn();
    line.ask(parse_frame("t", "SELECT 3") + sync_frame, "1 Z");
    line.sent();
    line.send(query_frame("EXECUTE t"));
    EXPECT_EQ(line.sent(), "Cs Pt Q S") << "the other's makes room";
    EXPECT_EQ(line.desk.counters.evictions, 1U);
}

TEST(StatementNames, like_ours_are_kept_apart) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.turn();
    line.send(query_frame("EXECUTE sluice_1"));
    EXPECT_EQ(line.sent(), "Csluice_1 Q") << "PostgreSQL says that there is none";
    line.receive(replies("3 E Z"));
    line.turn();
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 S");
}

TEST(StatementNames, cost_nothing_where_no_word_names_them) {
    Line line;
    line.ask(query_frame("SELECT 1"), "T D C Z");
    line.ask(query_frame("RESET ALL"), "C Z");
    line.ask(query_frame("FETCH 1 FROM c"), "C Z");
    EXPECT_EQ(line.sent(), "Q Q Q");
    EXPECT_EQ(line.reader.counters().misses, 1U) << "the word RESET is as telling as DISCARD";
}

const std::string look = "SELECT name FROM pg_prepared_statements";

TEST(StatementNames, are_all_that_the_list_of_statements_shows) {
    Line line;
    line.ask(parse_frame("two", "SELECT 2") + parse_s + sync_frame, "1 1 Z");
    command(line, query_frame("PREPARE three AS SELECT 3"), "PREPARE");
    line.send(query_frame(look));
    const std::string made = "Ptwo Ps Cthree " + made_again + " C";
    EXPECT_EQ(line.sent().substr(0, made.size()), made) << "in the order in which they were made";
    line.receive(replies("1 1 3") + made_again_replies + replies("3 3 3 Z"));
    EXPECT_EQ(line.sent(), "Csluice_0 Q");
    line.receive(replies("3 T D C Z"));
    EXPECT_EQ(line.heard(), "TDCZ");
    line.send(query_frame(look));
    EXPECT_EQ(line.sent(), "Csluice_0 S") << "they are there, and nothing else";
    line.receive(replies("3 Z"));
    EXPECT_EQ(line.sent(), "Csluice_0 Q");
    line.receive(replies("3 T D C Z"));
    line.send(bind_s + execute_frame() + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_2 Bsluice_2 E S") << "it is taught again";
}

TEST(StatementNames, of_others_are_not_in_the_list_of_statements) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.ask(query_frame(look), "1 3 3 T D C Z Z");
    line.turn();
    line.send(query_frame(look));
    EXPECT_EQ(line.sent(), "Cs Csluice_0 Q");
}

TEST(StatementNames, are_shown_to_each_execution_of_a_text_that_lists_them) {
    Line line;
    line.ask(parse_s + parse_frame("l", look) + sync_frame, "1 1 Z");
    line.sent();
    line.send(bind_frame("", "l") + execute_frame());
    EXPECT_EQ(line.sent().substr(0, 17), "Bsluice_3 Ps Pl C");
    line.send(bind_frame("", "l") + execute_frame() + sync_frame);
    const std::string again = line.sent();
    EXPECT_TRUE(again.starts_with("Psluice_3 Bsluice_3 C")) << again;
    EXPECT_TRUE(again.ends_with("Csluice_0 E S")) << again;
}

TEST(StatementNames, wait_to_be_listed_until_it_is_known_which_there_are) {
    Line line;
    line.send(parse_s + sync_frame + query_frame(look));
    EXPECT_EQ(line.sent(), "Psluice_1 S");
    line.receive(replies("1 Z"));
    EXPECT_EQ(line.sent().substr(0, 4), "Ps C");
}

}  // namespace
}  // namespace sluice::pg::test
