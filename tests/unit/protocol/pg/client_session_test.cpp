#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::pg::test {
namespace {

const std::string ready_idle("Z\0\0\0\5I", 6);
const std::string close_unnamed("C\0\0\0\6S\0", 7);

std::vector<std::string> every_frame() {
    return {query_frame("SELECT 1"),
            parse_frame("", "SELECT 1"),
            bind_frame("", ""),
            describe_frame('S', ""),
            describe_frame('P', "p"),
            execute_frame(),
            close_frame('S', "s"),
            function_call_frame(1598),
            copy_data_frame("row"),
            client_frame('c', ""),
            client_frame('f', zero_ended("no")),
            flush_frame,
            sync_frame};
}

TEST(ClientSession, asks_for_a_backend_only_where_one_is_needed) {
    for (const std::string& frame : every_frame()) {
        const ClientSession session;
        const bool needs = std::string("QPBDEFC").find(frame[0]) != std::string::npos;
        EXPECT_EQ(session.wants(wire::as_bytes(frame)), needs ? Wants::backend : Wants::nothing);
        for (std::size_t size = 0; size < frame_header_bytes; ++size) {
            EXPECT_EQ(session.wants(wire::as_bytes(frame).first(size)), Wants::more_bytes);
        }
    }
}

TEST(ClientSession, forwards_what_it_was_sent_with_what_is_owed_for_it) {
    std::string all;
    for (const std::string& frame : every_frame())
        all += frame;
    const std::vector<Owed> owed{Owed::query,    Owed::parse,    Owed::bind,  Owed::describe,
                                 Owed::describe, Owed::execute,  Owed::close, Owed::function_call,
                                 Owed::copy_end, Owed::copy_end, Owed::sync};
    ClientTalk::receive_in_pieces(all, [&](const ClientTalk& talk) {
        EXPECT_EQ(talk.to_backend, all);
        EXPECT_EQ(talk.owed, owed);
        EXPECT_EQ(talk.injected_count, 0U);
        EXPECT_EQ(talk.answered, "");
        EXPECT_EQ(talk.violation, "");
        EXPECT_FALSE(talk.session.within_frame());
    });
}

TEST(ClientSession, streams_a_large_frame_in_the_pieces_it_comes_in) {
    ClientTalk talk;
    const std::string frame = query_frame(std::string(300'000, 'x'));
    talk.receive(frame.substr(0, 5));
    EXPECT_EQ(talk.to_backend.size(), 5U);
    EXPECT_TRUE(talk.session.within_frame());
    EXPECT_EQ(talk.session.wants({}), Wants::backend);
    talk.receive(frame.substr(5, 100'000));
    EXPECT_EQ(talk.to_backend.size(), 100'005U) << "nothing is held back";
    talk.receive(frame.substr(100'005));
    EXPECT_EQ(talk.owed, std::vector<Owed>{Owed::query}) << "owed once, not for each piece";
    EXPECT_FALSE(talk.session.within_frame());
}

TEST(ClientSession, answers_sync_and_reads_over_copy_frames_without_a_lease) {
    const std::string bytes = sync_frame + flush_frame + copy_data_frame("late") +
                              client_frame('c', "") + client_frame('f', zero_ended("x")) +
                              sync_frame;
    ClientTalk::receive_in_pieces(bytes, [](const ClientTalk& talk) {
        EXPECT_EQ(talk.answered, ready_idle + ready_idle);
        EXPECT_EQ(talk.to_backend, "");
        EXPECT_FALSE(talk.leased);
        EXPECT_EQ(talk.violation, "");
    });
}

TEST(ClientSession, ends_with_terminate) {
    ClientTalk talk;
    talk.receive(terminate_frame + query_frame("SELECT 1"));
    EXPECT_TRUE(talk.finished);
    EXPECT_EQ(talk.to_backend, "");
}

// The unnamed statement belongs to a backend, and so to whoever used that before.

TEST(ClientSession, closes_the_unnamed_statement_of_another_client_first) {
    for (const std::string& frame :
         {bind_frame("", ""), bind_frame("p", "s"), describe_frame('S', ""),
          describe_frame('P', ""), execute_frame(), close_frame('P', ""),
          parse_frame("s", "SELECT 1")}) {
        ClientTalk::receive_in_pieces(
            frame + bind_frame("", "") + sync_frame, [&](const ClientTalk& talk) {
                EXPECT_EQ(talk.to_backend, close_unnamed + frame + bind_frame("", "") + sync_frame);
                EXPECT_EQ(talk.injected_count, 1U);
            });
    }
}

TEST(ClientSession, closes_nothing_where_the_request_itself_replaces_the_unnamed_statement) {
    for (const std::string& frame : {parse_frame("", "SELECT 1"), query_frame("SELECT 1")}) {
        ClientTalk talk;
        talk.receive(frame + bind_frame("", "") + execute_frame() + sync_frame);
        EXPECT_EQ(talk.injected_count, 0U);
    }
}

TEST(ClientSession, closes_the_unnamed_statement_behind_a_malformed_query_as_well) {
    // PostgreSQL objects to the message before there is a query that would drop the statement.
    for (const std::string& body : {zero_ended("SELECT 1") + "more", std::string("SELECT 1"),
                                    std::string("COPY\0NID\0", 9)}) {
        const std::string query = client_frame('Q', body);
        ClientTalk::receive_in_pieces(
            query + execute_frame() + sync_frame, [&](const ClientTalk& talk) {
                EXPECT_EQ(talk.to_backend, query + close_unnamed + execute_frame() + sync_frame);
            });
    }
}

TEST(ClientSession, closes_the_unnamed_statement_once_in_each_lease) {
    ClientTalk talk;
    talk.receive(parse_frame("", "SELECT 1") + bind_frame("", "") + execute_frame() + sync_frame);
    talk.end_lease();
    talk.receive(bind_frame("", "") + execute_frame() + sync_frame);
    EXPECT_EQ(talk.injected_count, 1U) << "the backend says that there is none";
    talk.receive(bind_frame("", "") + execute_frame() + sync_frame);
    EXPECT_EQ(talk.injected_count, 1U);
    talk.end_lease();
    talk.receive(describe_frame('S', ""));
    EXPECT_EQ(talk.injected_count, 2U);
}

// Pins.

TEST(ClientSession, pins_for_what_outlives_a_transaction) {
    const struct {
        std::string frames;
        PinReason reason;
    } cases[] = {
        {query_frame("PREPARE p AS SELECT 1"), PinReason::sql_prepare},
        {query_frame("SET a = 1"), PinReason::set},
        {query_frame("BEGIN; SET a = 1"), PinReason::set},
        {query_frame("LISTEN c"), PinReason::listen},
        {query_frame("CREATE TEMP TABLE t (a int)"), PinReason::temporary_table},
        {query_frame("SELECT pg_advisory_lock(1)"), PinReason::advisory_lock},
        {query_frame("DECLARE c CURSOR WITH HOLD FOR SELECT 1"), PinReason::with_hold},
        {query_frame("DO ''"), PinReason::code},
        {function_call_frame(2078), PinReason::function_call},
        {function_call_frame(2880), PinReason::function_call},
        {function_call_frame(2892), PinReason::function_call},
        {function_call_frame(16384), PinReason::function_call},
    };
    for (const auto& one : cases) {
        ClientTalk::receive_in_pieces(one.frames + sync_frame, [&](ClientTalk& talk) {
            EXPECT_EQ(talk.session.pin(), one.reason) << name_of(one.reason);
            EXPECT_TRUE(talk.session.needs_reset());
            talk.end_lease();
            EXPECT_EQ(talk.session.pin(), one.reason) << "until the client's end";
        });
        if (one.frames[0] != 'Q') continue;
        const std::string sql = one.frames.substr(5, one.frames.size() - 6);
        ClientTalk::receive_in_pieces(
            parse_frame("", sql) + bind_frame("", "") + execute_frame() + sync_frame,
            [&](const ClientTalk& talk) { EXPECT_EQ(talk.session.pin(), one.reason); });
    }
}

TEST(ClientSession, pins_for_nothing_else) {
    for (const std::string& frame :
         {query_frame("SELECT 1"), query_frame("BEGIN; SET LOCAL a = 1; COMMIT"), query_frame(""),
          query_frame("SELECT pg_advisory_xact_lock(1)"), function_call_frame(1598),
          function_call_frame(2879), function_call_frame(2893), function_call_frame(16383),
          bind_frame("p", "s"), close_frame('S', "s"), copy_data_frame("SET a = 1")}) {
        ClientTalk talk;
        talk.receive(frame + sync_frame);
        EXPECT_EQ(talk.session.pin(), std::nullopt) << frame;
        EXPECT_FALSE(talk.session.needs_reset()) << frame;
    }
}

TEST(ClientSession, reads_no_sql_in_what_follows_the_text_of_parse) {
    ClientTalk talk;
    talk.receive(client_frame('P', std::string("\0SELECT 1\0\0\2\n;SET a \0LISTEN c", 30)));
    EXPECT_EQ(talk.session.pins(), 0U);
}

TEST(ClientSession, adds_up_its_pins) {
    ClientTalk talk;
    talk.receive(query_frame("LISTEN c; SET a = 1") + parse_frame("s", "DO ''"));
    EXPECT_EQ(talk.session.pins(), 1U << static_cast<unsigned>(PinReason::code) |
                                       1U << static_cast<unsigned>(PinReason::set) |
                                       1U << static_cast<unsigned>(PinReason::listen));
    EXPECT_EQ(talk.session.pin(), PinReason::set);
}

TEST(ClientSession, has_a_backend_reset_that_it_reset_itself) {
    ClientTalk talk;
    talk.receive(query_frame("RESET ALL"));
    EXPECT_EQ(talk.session.pin(), std::nullopt);
    EXPECT_TRUE(talk.session.needs_reset());
    talk.end_lease();
    EXPECT_FALSE(talk.session.needs_reset()) << "the next backend is another";
}

TEST(ClientSession, names_every_pin_reason) {
    for (std::size_t reason = 0; reason < pin_reason_count; ++reason) {
        EXPECT_NE(name_of(static_cast<PinReason>(reason)), "");
    }
}

// Refusals: the relay has sent an error in place of the reply.

TEST(ClientSession, discards_a_refused_query_and_says_ready) {
    const std::string bytes =
        query_frame("SELECT 1") + function_call_frame(1598) + query_frame("SET a = 1");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        ClientTalk talk;
        talk.refuses = true;
        talk.receive(bytes.substr(0, cut));
        talk.receive(bytes.substr(cut));
        EXPECT_EQ(talk.refusal_count, 3U);
        EXPECT_EQ(talk.answered, ready_idle + ready_idle + ready_idle);
        EXPECT_EQ(talk.to_backend, "");
        EXPECT_EQ(talk.session.pins(), 0U) << "what was refused leaves nothing behind";
    }
}

TEST(ClientSession, discards_a_refused_batch_up_to_its_sync) {
    const std::string batch = parse_frame("s", "SELECT 1") + bind_frame("", "s") +
                              describe_frame('P', "") + flush_frame + execute_frame() +
                              query_frame("SELECT 2") + copy_data_frame("x") +
                              client_frame('c', "") + close_frame('S', "s") + sync_frame;
    for (std::size_t cut = 0; cut <= batch.size(); ++cut) {
        ClientTalk talk;
        talk.refuses = true;
        talk.receive(batch.substr(0, cut));
        if (cut < batch.size()) {
            EXPECT_EQ(talk.answered, "");
        }
        talk.receive(batch.substr(cut));
        EXPECT_EQ(talk.refusal_count, 1U);
        EXPECT_EQ(talk.answered, ready_idle);
        EXPECT_EQ(talk.to_backend, "");
        EXPECT_EQ(talk.pending, "");
        EXPECT_EQ(talk.session.pins(), 0U);
    }
}

TEST(ClientSession, asks_again_for_the_batch_behind_a_refused_one) {
    ClientTalk talk;
    talk.refuses = true;
    const std::string batch =
        parse_frame("", "SELECT 1") + bind_frame("", "") + execute_frame() + sync_frame;
    talk.receive(batch + batch.substr(0, 10));
    EXPECT_EQ(talk.refusal_count, 2U);
    talk.receive(batch.substr(10));
    EXPECT_EQ(talk.answered, ready_idle + ready_idle);
    talk.refuses = false;
    talk.receive(batch);
    EXPECT_TRUE(talk.leased);
    EXPECT_EQ(talk.to_backend, batch);
}

TEST(ClientSession, asks_for_nothing_while_it_refuses) {
    ClientSession session;
    session.refuse();
    EXPECT_EQ(session.wants(wire::as_bytes(query_frame("SELECT 1"))), Wants::nothing);
}

TEST(ClientSession, ends_with_terminate_inside_a_refusal) {
    ClientTalk talk;
    talk.refuses = true;
    talk.receive(parse_frame("", "SELECT 1") + terminate_frame);
    EXPECT_TRUE(talk.finished);
}

TEST(ClientSession, refuses_unknown_frames_inside_a_refusal) {
    for (const char type : {'p', 'y', '\xff'}) {
        ClientTalk talk;
        talk.refuses = true;
        talk.receive(parse_frame("", "SELECT 1") + client_frame(type, ""));
        EXPECT_NE(talk.violation, "");
    }
}

}  // namespace
}  // namespace sluice::pg::test
