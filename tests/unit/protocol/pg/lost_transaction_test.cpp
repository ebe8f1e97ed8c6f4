#include "backend_talk.hpp"
#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg::test {
namespace {

const std::string ready_idle("Z\0\0\0\5I", 6);
const std::string ready_failed("Z\0\0\0\5E", 6);

/// A client that has rested over its backend until that was taken away.
struct Lost : ClientTalk {
    explicit Lost(const Talk& backend) {
        session.lose_transaction(backend.session);
        end_lease();
    }
};

/// A suspended portal outside of a block.
Talk batch() {
    Talk talk;
    talk.send("P B E H");
    talk.receive("1 2 D s");
    return talk;
}
/// A block with a cursor.
Talk block() {
    Talk talk;
    talk.send("Q");
    talk.receive("C ZT");
    talk.send("P B E S");
    talk.receive("1 2 D s ZT");
    return talk;
}

TEST(BackendSession, tells_why_it_rests) {
    Talk talk;
    EXPECT_EQ(talk.session.rest(), Rest::none);
    talk.send("Q");
    EXPECT_EQ(talk.session.rest(), Rest::none);
    talk.receive("C ZT");
    EXPECT_EQ(talk.session.rest(), Rest::transaction);
    talk.send("P B E S");
    talk.receive("1 2 D s ZT");
    EXPECT_EQ(talk.session.rest(), Rest::portal);
    talk.send("E S");
    talk.receive("D C ZT");
    EXPECT_EQ(talk.session.rest(), Rest::transaction) << "the portal has come to its end";
    talk.send("Q");
    talk.receive_bytes(frame('C', std::string_view("DECLARE CURSOR\0", 15)) + reply("ZT"));
    EXPECT_EQ(talk.session.rest(), Rest::portal);
    talk.send("Q");
    talk.receive_bytes(frame('C', std::string_view("CLOSE CURSOR\0", 13)) + reply("ZT"));
    EXPECT_EQ(talk.session.rest(), Rest::transaction);
    talk.send("Q");
    talk.receive("E ZE");
    EXPECT_EQ(talk.session.rest(), Rest::transaction);
    talk.send("Q");
    talk.receive("C ZI");
    EXPECT_EQ(talk.session.rest(), Rest::none);
    talk.send("P H");
    EXPECT_EQ(talk.session.rest(), Rest::none) << "it owes a reply";
    talk.receive("1");
    EXPECT_EQ(talk.session.rest(), Rest::portal) << "a Sync is missing";
    talk.send("B");
    talk.receive("E");
    EXPECT_EQ(talk.session.rest(), Rest::portal) << "it reads over all before the Sync";
    talk.send("S");
    talk.receive("ZI");
    talk.send("Q");
    talk.receive("G");
    EXPECT_EQ(talk.session.rest(), Rest::none) << "it is the COPY that is still owed";
}

TEST(BackendSession, knows_of_a_block_begun_in_a_batch) {
    Talk talk;
    talk.send("P B E H");
    talk.receive("1 2");
    EXPECT_FALSE(talk.session.in_block());
    talk.receive_bytes(frame('C', std::string_view("BEGIN\0", 6)));
    EXPECT_TRUE(talk.session.in_block());
    talk.send("S");
    talk.receive("ZI");
    EXPECT_FALSE(talk.session.in_block());
}

TEST(BackendSession, drains_when_the_client_has_asked_for_all_that_ends_its_use) {
    Talk talk;
    EXPECT_FALSE(talk.session.drains());
    talk.send("P B E");
    EXPECT_FALSE(talk.session.drains()) << "a Sync is missing";
    talk.send("S");
    EXPECT_TRUE(talk.session.drains());
    talk.receive("1 2 D");
    EXPECT_TRUE(talk.session.drains());
    talk.receive("C ZT");
    talk.send("Q");
    EXPECT_FALSE(talk.session.drains()) << "inside a block";
    talk.receive("C ZI");
    talk.send("Q");
    EXPECT_TRUE(talk.session.drains());
    talk.receive("G");
    EXPECT_FALSE(talk.session.drains()) << "it reads from the client";
}

TEST(LostTransaction, is_told_at_the_next_message_of_a_batch) {
    for (const std::string& first :
         {execute_frame(), describe_frame('P', "p"), bind_frame("", "s"), close_frame('P', ""),
          parse_frame("", "ROLLBACK"), execute_frame() + flush_frame}) {
        Lost talk(batch());
        EXPECT_EQ(talk.refusal_count, 0U);
        talk.receive(first);
        EXPECT_EQ(talk.refusal_count, 1U);
        talk.receive(execute_frame() + query_frame("SELECT 1"));
        EXPECT_EQ(talk.answered, "") << "all is read over up to the Sync";
        talk.receive(sync_frame);
        EXPECT_EQ(talk.answered, ready_idle);
        talk.receive(query_frame("SELECT 1"));
        EXPECT_TRUE(talk.leased);
        EXPECT_EQ(talk.refusal_count, 1U);
        EXPECT_FALSE(talk.session.in_failed_block());
    }
}

TEST(LostTransaction, is_told_before_a_sync_or_a_query_is_answered) {
    for (const std::string& first : {sync_frame, query_frame("SELECT 1")}) {
        Lost talk(batch());
        talk.receive(flush_frame + copy_data_frame("late"));
        EXPECT_EQ(talk.refusal_count, 0U) << "these are never answered";
        talk.receive(first);
        EXPECT_EQ(talk.refusal_count, 1U);
        EXPECT_EQ(talk.answered, ready_idle);
    }
}

TEST(LostTransaction, leaves_a_failed_block) {
    for (const std::string& first :
         {query_frame("FETCH 1 FROM c"), query_frame("ROLLBACK TO s"), execute_frame() + sync_frame,
          bind_frame("", "") + sync_frame, parse_frame("", "SELECT 1") + sync_frame, sync_frame}) {
        Lost talk(block());
        talk.receive(first);
        EXPECT_EQ(talk.refusal_count, 1U);
        EXPECT_EQ(talk.answered, ready_failed);
        talk.receive(sync_frame);
        EXPECT_EQ(talk.answered, ready_failed + ready_failed);
        EXPECT_TRUE(talk.session.in_failed_block());
        talk.refuses = true;
        talk.receive(query_frame("SELECT 1"));
        EXPECT_EQ(talk.answered, ready_failed + ready_failed + ready_failed)
            << "no backend could be had, and the block is still a failed one";
        talk.refuses = false;
        talk.receive(query_frame("SELECT 1"));
        EXPECT_TRUE(talk.leased) << "PostgreSQL itself says what is allowed in it";
        EXPECT_EQ(talk.to_backend, query_frame("SELECT 1"));
    }
}

TEST(LostTransaction, makes_commit_fail_and_ends_the_block) {
    for (const std::string& first :
         {query_frame("COMMIT"), query_frame("END"), parse_frame("", "commit") + sync_frame}) {
        for (std::size_t cut = 0; cut < first.size(); ++cut) {
            Lost talk(block());
            talk.receive(first.substr(0, cut));
            talk.receive(first.substr(cut));
            EXPECT_EQ(talk.refusal_count, 1U);
            EXPECT_EQ(talk.answered, ready_idle);
            EXPECT_FALSE(talk.session.in_failed_block());
        }
    }
}

TEST(LostTransaction, lets_rollback_through) {
    for (const std::string& first : {query_frame("ROLLBACK"), parse_frame("", "/**/rollback")}) {
        for (std::size_t cut = 0; cut < first.size(); ++cut) {
            Lost talk(block());
            talk.receive(first.substr(0, cut));
            talk.receive(first.substr(cut));
            EXPECT_EQ(talk.refusal_count, 0U);
            EXPECT_TRUE(talk.leased);
            EXPECT_TRUE(talk.session.in_failed_block());
            EXPECT_EQ(talk.to_backend, first);
            talk.session.failed_block_made();
            EXPECT_FALSE(talk.session.in_failed_block());
        }
    }
}

TEST(LostTransaction, is_not_told_where_an_error_has_been) {
    Talk backend = batch();
    backend.send("E");
    backend.receive("E");
    Lost talk(backend);
    talk.receive(execute_frame() + query_frame("SELECT 1"));
    EXPECT_EQ(talk.answered, "");
    talk.receive(sync_frame);
    EXPECT_EQ(talk.answered, ready_idle);
    EXPECT_EQ(talk.refusal_count, 0U);

    Talk in_block = block();
    in_block.send("E");
    in_block.receive("E");
    Lost other(in_block);
    other.receive(sync_frame);
    EXPECT_EQ(other.answered, ready_failed);
    EXPECT_TRUE(other.session.in_failed_block());
    EXPECT_EQ(other.refusal_count, 0U);
}

TEST(LostTransaction, lets_a_client_leave) {
    Lost talk(block());
    talk.receive(terminate_frame);
    EXPECT_TRUE(talk.finished);
    EXPECT_EQ(talk.refusal_count, 0U);
}

}  // namespace
}  // namespace sluice::pg::test
