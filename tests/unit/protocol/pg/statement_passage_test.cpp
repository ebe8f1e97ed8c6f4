// Clients with statements of their own on a backend that they share: what goes to the backend, and
// what comes back. Every conversation is also held byte by byte.

#include "protocol/pg/statement_passage.hpp"

#include "protocol/pg/command_tag.hpp"

#include "statement_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

const std::string parse_s = parse_frame("s", "SELECT 1");
const std::string bind_s = bind_frame("", "s");
const std::string parse_unnamed = parse_frame("", "SELECT 1");
const std::string bind_unnamed = bind_frame("", "");

TEST(StatementPassage, prepares_under_a_name_of_ours_and_binds_it) {
    for (const bool bytewise : {false, true}) {
        Line line;
        const std::string frames =
            parse_s + describe_frame('S', "s") + bind_s + execute_frame() + sync_frame;
        if (bytewise) {
            for (const char byte : frames)
                line.send({&byte, 1});
        } else {
            line.send(frames);
        }
        EXPECT_EQ(line.sent(), "Psluice_1 Dsluice_1 Bsluice_1 E S");
        line.receive(replies("1 t T 2 C Z"));
        EXPECT_EQ(line.heard(), "1tT2CZ");
        EXPECT_TRUE(line.backend.releasable());
    }
}

TEST(StatementPassage, answers_parse_of_what_the_backend_has) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.heard();
    line.ask(parse_frame("t", "SELECT 1") + bind_frame("", "t") + sync_frame, "2 Z");
    EXPECT_EQ(line.sent(), "Bsluice_1 S");
    EXPECT_EQ(line.heard(), "12Z");
    line.send(parse_frame("u", "SELECT 1"));
    EXPECT_EQ(line.heard(), "") << "in its turn";
    line.send(flush_frame);
    EXPECT_EQ(line.heard(), "1") << "nobody else will say it";
    EXPECT_FALSE(line.backend.releasable());
    line.ask(sync_frame, "Z");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(StatementPassage, parses_anew_what_names_a_moment) {
    for (const char* text : {"SELECT 'now'::timestamptz", "SELECT DATE 'Today '", "SELECT $$now$$",
                             "SELECT E'\\'', 'tomorrow 10:00'::timestamp"}) {
        Line line;
        const std::string unnamed = parse_frame("", text) + bind_unnamed + execute_frame();
        for (int i = 0; i < 4; ++i) {
            line.ask(unnamed + sync_frame, "1 2 C Z");
            EXPECT_EQ(line.sent(), "P B E S") << text;
        }
        line.ask(parse_frame("s", text) + sync_frame, "1 Z");
        line.sent();
        line.send(parse_frame("t", text) + sync_frame);
        EXPECT_EQ(line.sent().substr(0, 1), "C") << "known, and parsed again";
    }
    Line line;
    const std::string shared = parse_frame("", "SELECT now(), 'know', 'nowhere', today FROM t");
    for (int i = 0; i < 3; ++i)
        line.ask(shared + bind_unnamed + sync_frame, i < 2 ? "1 2 Z" : "2 Z");
    EXPECT_EQ(line.sent(), "P B S Psluice_1 Bsluice_1 S Bsluice_1 S");
}

TEST(StatementPassage, teaches_another_backend_first) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    for (const std::string& use : {bind_s, describe_frame('S', "s")}) {
        line.lease_another_backend();
        line.sent();
        line.heard();
        line.send(use + sync_frame);
        EXPECT_EQ(line.sent(), std::string("Psluice_1 ") + use[0] + "sluice_1 S");
        line.receive(replies(use[0] == 'B' ? "1 2 Z" : "1 t T Z"));
        EXPECT_EQ(line.heard(), use[0] == 'B' ? "2Z" : "tTZ") << "its ParseComplete is for nobody";
    }
    line.lease_another_backend();
    line.send(bind_s + execute_frame() + sync_frame);
    line.receive(replies("E"));
    line.receive(replies("Z"));
    EXPECT_EQ(line.heard(), "EZ") << "its error is in place of the reply";
    line.sent();
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_1 Dsluice_1 H") << "and is not remembered as there";
}

TEST(StatementPassage, takes_back_what_an_error_made_the_backend_read_over) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.ask(
        bind_frame("", "never") + close_frame('S', "s") + parse_frame("t", "SELECT 2") + sync_frame,
        "E Z");
    line.sent();
    line.heard();
    line.send(bind_s + bind_frame("", "t") + sync_frame);
    EXPECT_EQ(line.sent(), "Bsluice_1 Bt S")
        << "s is there, and of t the backend says that it is not";
}

TEST(StatementPassage, drops_its_own_answers_with_what_was_read_over) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.heard();
    line.ask(
        bind_frame("", "never") + parse_frame("t", "SELECT 1") + close_frame('S', "s") + sync_frame,
        "E Z");
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_TRUE(line.backend.releasable());
}

TEST(StatementPassage, lets_the_backend_refuse_a_name_that_is_taken) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.send(parse_frame("s", "SELECT 2") + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_0 Psluice_0 Psluice_0 S");
    line.receive(replies("3 1 E Z"));
    EXPECT_EQ(line.heard(), "1ZEZ");
    EXPECT_EQ(line.backend.failed().twist, Twist::name_taken);
    EXPECT_EQ(line.client.statements()->name_of(line.backend.failed().slot), "s");
}

TEST(StatementPassage, asks_the_backend_where_the_transaction_may_have_failed) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.ask(query_frame("BEGIN; SELEKT"), "E ZE");
    line.sent();
    line.send(parse_frame("t", "SELECT 1") + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 S");
    line.receive(replies("3 E ZE"));
    line.send(close_frame('S', "s") + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_0 S");
}

TEST(StatementPassage, waits_for_the_batch_that_a_name_depends_on) {
    Line line;
    line.send(parse_s + sync_frame + bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_1 S");
    EXPECT_TRUE(line.client.waiting());
    line.receive(replies("1 Z"));
    EXPECT_FALSE(line.client.waiting());
    EXPECT_EQ(line.sent(), "Bsluice_1 S");
    Line failing;
    failing.send(parse_s + sync_frame + bind_s + sync_frame);
    failing.receive(replies("E Z"));
    EXPECT_EQ(failing.sent(), "Psluice_1 S Bs S");
}

TEST(StatementPassage, makes_room_before_it_prepares) {
    StatementPolicy policy;
    policy.max_prepared_statements = 2;
    Line line(policy);
    line.ask(parse_s + parse_frame("t", "SELECT 2") + sync_frame, "1 1 Z");
    EXPECT_EQ(line.sent(), "Psluice_1 Psluice_2 S");
    line.ask(bind_s + parse_frame("u", "SELECT 3") + bind_frame("", "t") + sync_frame,
             "2 3 1 3 1 2 Z");
    EXPECT_EQ(line.sent(), "Bsluice_1 Csluice_2 Psluice_3 Csluice_1 Psluice_2 Bsluice_2 S");
    EXPECT_EQ(line.heard(), "11Z212Z");
    EXPECT_EQ(line.desk.counters.evictions, 2U);
}

TEST(StatementPassage, lets_a_parse_beyond_the_limits_fail) {
    StatementPolicy policy;
    policy.max_client_statements = 2;
    Line line(policy);
    line.ask(parse_s + parse_frame("t", "SELECT 2") + sync_frame, "1 1 Z");
    line.sent();
    line.send(parse_frame("u", "SELECT 3") + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_0 Psluice_0 Psluice_0 S");
    line.receive(replies("3 1 E Z"));
    EXPECT_EQ(line.backend.failed().twist, Twist::beyond_limits);
    line.ask(close_frame('S', "t") + parse_frame("u", "SELECT 3") + sync_frame, "1 Z");
    EXPECT_EQ(line.sent(), "Psluice_3 S");
}

TEST(StatementPassage, leaves_portals_alone) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.send(close_frame('P', "s") + describe_frame('P', "s") + bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "C(portal)s Ds Bsluice_1 S");
}

TEST(StatementPassage, keeps_the_unnamed_statement_with_its_client) {
    StatementPolicy policy;
    policy.auto_prepare = AutoPrepare::off;
    Line line(policy);
    line.ask(parse_unnamed + sync_frame + bind_unnamed, "1 Z");
    EXPECT_EQ(line.sent(), "P S B");
    line.lease_another_backend();
    line.ask(bind_unnamed + execute_frame() + sync_frame, "1 2 C Z");
    EXPECT_EQ(line.sent(), "P B E S");
    line.ask(query_frame("SELECT 1"), "T D C Z");
    line.ask(bind_unnamed + sync_frame, "E Z");
    EXPECT_EQ(line.sent(), "Q B S") << "the query dropped it, and the backend says so";
}

TEST(StatementPassage, prepares_an_unnamed_statement_that_comes_again) {
    Line line;
    const std::string batch = parse_unnamed + bind_unnamed + execute_frame() + sync_frame;
    line.ask(batch, "1 2 C Z");
    EXPECT_EQ(line.sent(), "P B E S");
    line.ask(batch, "1 2 C Z");
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 E S");
    line.heard();
    line.ask(batch, "2 C Z");
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
    EXPECT_EQ(line.heard(), "12CZ");
    line.ask(query_frame("BEGIN"), "C ZT");
    line.ask(batch, "1 2 C ZT");
    EXPECT_EQ(line.sent(), "Q P B E S") << "inside a block it is the client's own";
    line.ask(query_frame("COMMIT"), "C Z");
    line.sent();
    line.desk.generation = {SchemaGeneration::step(SchemaChange::meanings)};
    line.ask(batch, "3 1 2 C Z");
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 E S") << "definitions have changed";
}

TEST(StatementPassage, parses_anew_where_the_result_may_be_another) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.desk.generation = {SchemaGeneration::step(SchemaChange::meanings)};
    line.ask(bind_s + sync_frame, "2 Z");
    EXPECT_EQ(line.sent(), "Bsluice_1 S") << "the server sees to that";
    line.desk.generation = {SchemaGeneration::step(SchemaChange::results)};
    line.ask(query_frame("BEGIN"), "C ZT");
    line.ask(bind_s + sync_frame, "2 ZT");
    EXPECT_EQ(line.sent(), "Q Bsluice_1 S") << "inside a block it is refused, as by the server";
    line.ask(query_frame("COMMIT"), "C Z");
    line.heard();
    line.ask(bind_s + bind_s + sync_frame, "3 1 2 2 Z");
    EXPECT_EQ(line.sent(), "Q Csluice_1 Psluice_1 Bsluice_1 Bsluice_1 S");
    EXPECT_EQ(line.heard(), "22Z");
}

TEST(StatementPassage, parses_anew_what_a_client_parses_behind_a_change) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.turn();
    line.desk.generation = {SchemaGeneration::step(SchemaChange::meanings)};
    line.send(parse_s + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 S") << "the text may be of another table now";
    line.receive(replies("3 1 Z"));
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Bsluice_1 S");
    line.receive(replies("2 Z"));
    line.backend = {};
    line.turn();
    line.desk.generation = {};
    line.ask(bind_s + sync_frame, "1 2 Z");
    line.turn();
    line.desk.generation = {SchemaGeneration::step(SchemaChange::meanings)};
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 S") << "nor does an older one do";
}

TEST(StatementPassage, parses_anew_what_the_backend_says_has_another_result) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.send(bind_s + sync_frame);
    line.sent();
    line.receive(frame('E', std::string_view("SERROR\0C0A000\0Mno\0\0", 19)) + reply("Z"));
    line.send(bind_s + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_1 Psluice_1 Bsluice_1 S");
}

TEST(StatementPassage, never_binds_an_unnamed_statement_of_another_client) {
    Line line;
    line.ask(parse_unnamed + sync_frame, "1 Z");
    line.client.lease_ended();
    line.client.forget_statements();
    line.sent();
    line.send(bind_unnamed + sync_frame);
    EXPECT_EQ(line.sent(), "C B S");
}

TEST(StatementPassage, keeps_names_like_ours_apart) {
    Line line;
    line.ask(parse_s + sync_frame, "1 Z");
    line.sent();
    line.send(bind_frame("", "sluice_1") + sync_frame);
    EXPECT_EQ(line.sent(), "BSluice_1 S");
    line.receive(replies("E Z"));
    line.send(close_frame('S', "sluice_1") + sync_frame);
    EXPECT_EQ(line.sent(), "Csluice_0 S");
}

TEST(StatementPassage, forgets_with_discard_all_and_deallocate_all) {
    for (const std::string_view tag : {"DISCARD ALL", "DEALLOCATE ALL"}) {
        Line line;
        line.ask(parse_s + sync_frame, "1 Z");
        line.send(query_frame(tag));
        line.receive(frame('C', zero_ended(tag)) + reply("Z"));
        line.sent();
        line.send(bind_s + sync_frame);
        EXPECT_EQ(line.sent(), "Bs S");
    }
}

TEST(CommandTag, tells_what_changes_definitions_and_what_drops_statements) {
    for (const std::string_view tag : {"CREATE TABLE", "DROP VIEW", "IMPORT FOREIGN SCHEMA"}) {
        EXPECT_TRUE(may_mean_something(tag.substr(0, 3))) << tag;
        EXPECT_EQ(meaning_of(tag), TagMeaning::schema_changed) << tag;
    }
    for (const std::string_view tag : {"ALTER TABLE", "CREATE VIEW", "CREATE FUNCTION"}) {
        EXPECT_TRUE(may_mean_something(tag.substr(0, 3))) << tag;
        EXPECT_EQ(meaning_of(tag), TagMeaning::result_changed) << tag;
    }
    EXPECT_EQ(meaning_of("DISCARD ALL"), TagMeaning::statements_discarded);
    EXPECT_TRUE(may_mean_something("DIS"));
    EXPECT_TRUE(may_mean_something("DEA"));
    EXPECT_EQ(meaning_of("DECLARE CURSOR"), TagMeaning::cursor_declared);
    EXPECT_TRUE(may_mean_something("DEC"));
    for (const std::string_view tag : {"CLOSE CURSOR", "CLOSE CURSOR ALL"}) {
        EXPECT_TRUE(may_mean_something(tag.substr(0, 3)));
        EXPECT_EQ(meaning_of(tag), TagMeaning::cursor_closed);
    }
    for (const std::string_view tag : {"BEGIN", "START TRANSACTION"}) {
        EXPECT_FALSE(may_mean_something(tag.substr(0, 3))) << "ReadyForQuery tells it";
        EXPECT_TRUE(may_begin_block(tag.substr(0, 3)));
        EXPECT_EQ(meaning_of(tag), TagMeaning::block_begun);
    }
    for (const std::string_view tag :
         {"SELECT 1", "INSERT 0 1", "UPDATE 1", "DELETE 1", "COMMIT", "ROLLBACK", "COPY 1", "SET",
          "FETCH 1", "SAVEPOINT", "", "D"}) {
        EXPECT_FALSE(may_mean_something(tag.substr(0, 3))) << tag;
        EXPECT_EQ(meaning_of(tag), TagMeaning::nothing) << tag;
    }
}

TEST(StatementFrames, put_the_clients_name_into_an_error) {
    const std::string text = "Mprepared statement \"sluice_1\" (not sluice_12) is there";
    const std::string error =
        frame('E', std::string("C42P05") + '\0' + text + std::string(2, '\0'));
    std::string out;
    append_renamed_error(out, wire::as_bytes(error), "sluice_1", "my own");
    EXPECT_NE(out.find("\"my own\" (not sluice_12)"), std::string::npos) << out;
    EXPECT_EQ(read_frame_header(wire::as_bytes(out)).body_bytes + frame_header_bytes, out.size());
}

}  // namespace
}  // namespace sluice::pg::test
