#include "server/admin/console_session.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/console_sample.hpp"
#include "tests/unit/server/snapshot_sample.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::server {
namespace {

/// A console client whose bytes arrive in portions of `portion_bytes`, and all that is answered.
struct Conversation {
    std::string reply;
    std::size_t gather_count = 0;
    bool is_closed = false;
    std::size_t left_bytes = 0;
};

Conversation converse(const std::string& sent, std::size_t portion_bytes = 1 << 20) {
    const config::Postgres postgres = postgres_sample();
    ConsoleSession session;
    Conversation seen;
    std::string inbox;
    for (std::size_t at = 0; at < sent.size() && !seen.is_closed; at += portion_bytes) {
        inbox += sent.substr(at, portion_bytes);
        for (bool goes_on = true; goes_on;) {
            const ConsoleStep step = session.bytes_received(wire::as_bytes(inbox));
            inbox.erase(0, step.bytes);
            seen.reply += step.reply;
            seen.is_closed = step.kind == ConsoleStep::Kind::close;
            goes_on = step.kind == ConsoleStep::Kind::gather;
            if (!goes_on) break;
            ++seen.gather_count;
            seen.reply += session.snapshot_arrived(snapshot_sample(), facts_sample(postgres));
        }
    }
    seen.left_bytes = inbox.size();
    return seen;
}

TEST(ConsoleSession, answers_simple_queries_in_order) {
    const Conversation seen =
        converse(query_frame("SHOW VERSION") + query_frame("") + query_frame("nonsense") +
                 query_frame("SET client_encoding = 'UTF8'") + query_frame("SHOW POOLS"));
    EXPECT_EQ(types_of(seen.reply), "TDCZIZEZCZTDDCZ");
    EXPECT_EQ(seen.gather_count, 2U);
    EXPECT_FALSE(seen.is_closed);
    EXPECT_EQ(seen.left_bytes, 0U);
}

TEST(ConsoleSession, asks_for_rows_only_where_they_are_shown) {
    for (const auto& [sql, detail] : {std::pair{"SHOW POOLS", SnapshotDetail::counters},
                                      std::pair{"SHOW CLIENTS", SnapshotDetail::rows},
                                      std::pair{"SHOW SERVERS", SnapshotDetail::rows}}) {
        ConsoleSession session;
        const ConsoleStep step = session.bytes_received(wire::as_bytes(query_frame(sql)));
        EXPECT_EQ(step.kind, ConsoleStep::Kind::gather);
        EXPECT_EQ(step.detail, detail) << sql;
    }
}

TEST(ConsoleSession, farewell_closes_without_a_word) {
    const Conversation seen = converse(client_frame('X', "") + query_frame("SHOW VERSION"));
    EXPECT_TRUE(seen.is_closed);
    EXPECT_EQ(seen.reply, "");
}

/// What a driver sends that speaks the extended protocol alone.
std::string extended_transcript() {
    return parse_frame("", "SET extra_float_digits = 3") + bind_frame("", "") +
           execute_frame("", 1) + sync_frame() +                                       // 1 2 C Z
           parse_frame("s", "SHOW POOLS") + describe_frame('S', "s") + sync_frame() +  // 1 t T Z
           bind_frame("", "s", "\1") + describe_frame('P', "") + execute_frame("") +
           close_frame('S', "s") + sync_frame() +  // 2 T D D C 3 Z
           parse_frame("", "") + bind_frame("", "") + describe_frame('P', "") + execute_frame("") +
           sync_frame() +  // 1 2 n I Z
           parse_frame("", "SHOW HELP") + client_frame('H', "") + bind_frame("p", "") +
           execute_frame("p", 5) + execute_frame("p", 3) + execute_frame("p", 5) +
           execute_frame("p") + sync_frame();  // 1 2 DDDDD s DDD s D C C Z
}

TEST(ConsoleSession, speaks_the_extended_protocol) {
    const Conversation seen = converse(extended_transcript());
    EXPECT_EQ(types_of(seen.reply), "12CZ1tTZ2TDDC3Z12nIZ12DDDDDsDDDsDCCZ");
    EXPECT_FALSE(seen.is_closed);
}

TEST(ConsoleSession, portions_of_bytes_change_nothing) {
    const std::string sent = query_frame("SHOW CLIENTS") + extended_transcript() +
                             execute_frame("gone") + parse_frame("", "SHOW POOLS") + sync_frame();
    const std::string whole = converse(sent).reply;
    for (const std::size_t portion : {1U, 2U, 3U, 7U, 64U}) {
        EXPECT_EQ(converse(sent, portion).reply, whole) << portion;
    }
}

TEST(ConsoleSession, half_a_frame_waits_for_the_rest) {
    const std::string sent = extended_transcript();
    for (std::size_t length = 0; length < sent.size(); ++length) {
        const Conversation seen = converse(sent.substr(0, length));
        EXPECT_FALSE(seen.is_closed) << length;
        EXPECT_LT(seen.left_bytes, 64U) << length;
    }
}

TEST(ConsoleSession, binary_results_where_they_are_asked_for) {
    const std::string asked = parse_frame("", "SHOW LISTS") + bind_frame("", "", {"\0\1", 2}) +
                              describe_frame('P', "") + execute_frame("", 1) + sync_frame();
    const auto frames = frames_of(converse(asked).reply);
    using namespace std::string_view_literals;
    EXPECT_EQ(frames[2].body.substr(frames[2].body.size() - 2), "\0\1"sv);
    EXPECT_EQ(frames[3].body,
              "\0\2\0\0\0\x9"
              "databases\0\0\0\4\0\0\0\2"sv);
}

TEST(ConsoleSession, an_error_skips_to_sync_and_no_further) {
    const std::string rest = parse_frame("", "SHOW VERSION") + bind_frame("", "") +
                             execute_frame("") + query_frame("SHOW VERSION") + sync_frame() +
                             query_frame("SHOW VERSION");
    const std::pair<std::string, const char*> cases[] = {
        {parse_frame("", "SELECT 1"), "42601"},
        {parse_frame("", "PAUSE"), "0A000"},
        {parse_frame("s", "SHOW HELP") + parse_frame("s", "SHOW HELP"), "42P05"},
        {bind_frame("", "gone"), "26000"},
        {describe_frame('S', "gone"), "26000"},
        {describe_frame('P', "gone"), "34000"},
        {describe_frame('?', ""), "08P01"},
        {execute_frame("gone"), "34000"},
        {close_frame('?', "gone"), "08P01"},
        {client_frame('P', "no end"), "08P01"},
        {client_frame('B', {"\0\0\0", 3}), "08P01"},
        {client_frame('E', ""), "08P01"},
        {client_frame('D', "S"), "08P01"},
        {client_frame('C', ""), "08P01"},
        {parse_frame("", "SHOW LISTS") + bind_frame("", "", "\1\1\1"), "08P01"},
        {parse_frame("", "SHOW LISTS") + bind_frame("", "", "\2"), "08P01"},
        {parse_frame("", "SHOW LISTS") +
             client_frame('B', std::string("\0\0\0\0\0\1\0\0\0\1x\0\0", 13)),
         "08P01"},
        {parse_frame("", "SHOW LISTS") + bind_frame("p", "") + bind_frame("p", ""), "42P03"},
    };
    for (const auto& [wrong, sqlstate] : cases) {
        const Conversation seen = converse(wrong + rest);
        EXPECT_EQ(sqlstate_of(seen.reply), sqlstate);
        EXPECT_TRUE(types_of(seen.reply).ends_with("EZTDCZ")) << types_of(seen.reply);
        EXPECT_FALSE(seen.is_closed);
    }
}

TEST(ConsoleSession, a_truncated_body_of_any_frame_is_an_error_and_no_end) {
    using namespace std::string_literals;
    const std::pair<char, std::string> frames[] = {
        {'Q', "SHOW HELP"}, {'P', "s\0SHOW HELP\0\0"s}, {'B', "q\0s\0\0\0\0\0\0\1\0"s},
        {'D', "Ss"},        {'E', "p\0\0\0\0"s},        {'C', "Ss"},
    };
    for (const auto& [type, body] : frames) {
        for (std::size_t length = 0; length <= body.size(); ++length) {
            const Conversation seen =
                converse(parse_frame("s", "SHOW LISTS") + bind_frame("p", "s") +
                         client_frame(type, body.substr(0, length)) + sync_frame());
            EXPECT_FALSE(seen.is_closed) << type << length;
            EXPECT_EQ(sqlstate_of(seen.reply), "08P01") << type << length;
        }
    }
}

TEST(ConsoleSession, frames_of_a_failed_copy_are_dropped) {
    const Conversation seen =
        converse(client_frame('d', "x") + client_frame('c', "") +
                 client_frame('f', std::string(1, '\0')) + query_frame("SHOW VERSION"));
    EXPECT_EQ(types_of(seen.reply), "TDCZ");
    EXPECT_EQ(text_of(converse(client_frame('F', "any")).reply),
              "E ERROR 0A000 the console has no functions to call ()\nZ I\n");
}

TEST(ConsoleSession, what_is_no_frame_closes_with_a_reason) {
    using namespace std::string_literals;
    for (const std::string& wrong :
         {client_frame('p', "password"), client_frame('!', ""), "Q\0\0\0\3"s, "Q\0\0\0\0"s,
          "Q\xff\xff\xff\xff"s, "Q\x7f\xff\xff\xff"s}) {
        const Conversation seen = converse(query_frame(";") + wrong + query_frame(";"));
        EXPECT_TRUE(seen.is_closed);
        EXPECT_EQ(types_of(seen.reply), "IZE");
        EXPECT_EQ(sqlstate_of(seen.reply), "08P01");
    }
}

TEST(ConsoleSession, frame_limit_holds_on_both_sides) {
    const std::size_t fitting = ConsoleSession::frame_bytes_max - pg::frame_header_bytes - 1;
    EXPECT_EQ(types_of(converse(query_frame(std::string(fitting, ' '))).reply), "IZ");
    const Conversation seen = converse(query_frame(std::string(fitting + 1, ' ')));
    EXPECT_TRUE(seen.is_closed);
    EXPECT_EQ(types_of(seen.reply), "E");
}

TEST(ConsoleSession, statement_and_portal_limits_hold_on_both_sides) {
    std::string statements, portals = parse_frame("", "SHOW HELP");
    for (std::size_t at = 0; at < ConsoleSession::statement_count_max; ++at) {
        statements += parse_frame("s" + std::to_string(at), "SHOW HELP");
    }
    for (std::size_t at = 0; at < ConsoleSession::portal_count_max; ++at) {
        portals += bind_frame("p" + std::to_string(at), "");
    }
    EXPECT_EQ(sqlstate_of(converse(statements).reply), "");
    EXPECT_EQ(sqlstate_of(converse(statements + parse_frame("more", "")).reply), "53400");
    EXPECT_EQ(
        sqlstate_of(converse(statements + close_frame('S', "s3") + parse_frame("more", "")).reply),
        "");
    EXPECT_EQ(sqlstate_of(converse(portals).reply), "");
    EXPECT_EQ(sqlstate_of(converse(portals + bind_frame("more", "")).reply), "53400");
    // Sync ends the portals, and a simple query the unnamed statement.
    EXPECT_EQ(sqlstate_of(converse(portals + sync_frame() + portals).reply), "");
    EXPECT_EQ(sqlstate_of(converse(portals + query_frame("") + bind_frame("", "")).reply), "26000");
}

}  // namespace
}  // namespace sluice::server
