#include "backend_talk.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::pg::test {
namespace {

TEST(BackendSession, begins_releasable) {
    const Talk talk;
    EXPECT_TRUE(talk.session.releasable());
    EXPECT_TRUE(talk.session.settled());
    EXPECT_FALSE(talk.session.busy());
    EXPECT_FALSE(talk.session.in_doubt());
}

TEST(BackendSession, counts_ready_for_query_of_sync_and_query_separately) {
    Talk talk;
    talk.send("P B E S Q S S");
    talk.receive("1 2 C ZI T D C ZI ZI");
    EXPECT_FALSE(talk.session.releasable()) << "released at an early idle";
    EXPECT_EQ(talk.session.owed_count(), 1U);
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, owes_nothing_for_a_query_discarded_behind_an_extended_error) {
    Talk talk;
    talk.send("P Q");
    talk.receive("E");
    EXPECT_FALSE(talk.session.busy());
    EXPECT_FALSE(talk.session.settled()) << "a Sync is missing";
    talk.send("Q F P B E c");
    EXPECT_FALSE(talk.session.busy()) << "all of it is discarded";
    talk.send("S");
    EXPECT_TRUE(talk.session.busy());
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, goes_on_behind_the_sync_after_an_error_in_a_pipeline) {
    Talk talk;
    talk.send("P B E S P B E S P B E S");
    talk.receive("1 E ZI 1 2 E ZI 1 2 D C ZI");
    EXPECT_FALSE(talk.violated);
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, is_told_of_a_flush_with_a_body) {
    Talk talk;
    talk.send("P");
    talk.session.sent({Owed::bad_flush});
    talk.send("B E S");
    talk.receive("1 E ZI");
    EXPECT_TRUE(talk.session.releasable());
    // Inside a COPY it is read over with its body.
    talk.send("Q");
    talk.session.sent({Owed::bad_flush});
    talk.receive("G");
    talk.session.sent({Owed::bad_flush});
    EXPECT_EQ(talk.session.owed_count(), 1U);
    talk.send("c");
    talk.receive("C ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, owes_the_client_what_stands_behind_a_request_of_ours) {
    Talk talk;
    talk.send("Q", Audience::nobody);
    EXPECT_FALSE(talk.session.owes_client());
    talk.send("P S");
    EXPECT_FALSE(talk.session.works_for_client());
    EXPECT_TRUE(talk.session.owes_client());
    talk.receive("C ZI");
    EXPECT_TRUE(talk.session.works_for_client());
    talk.receive("1 ZI");
    EXPECT_FALSE(talk.session.owes_client());
}

TEST(BackendSession, keeps_the_backend_after_flush) {
    Talk talk;
    talk.send("P D H");
    talk.receive("1 t T");
    EXPECT_FALSE(talk.session.busy());
    EXPECT_FALSE(talk.session.settled());
    talk.send("B E H");
    talk.receive("2 D s");
    EXPECT_FALSE(talk.session.settled()) << "a suspended portal is open";
    talk.send("S");
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, knows_the_transaction_from_ready_for_query) {
    Talk talk;
    for (const auto& [token, status] :
         {std::pair{"ZT", TransactionStatus::in_transaction},
          std::pair{"ZE", TransactionStatus::failed}, std::pair{"ZI", TransactionStatus::idle}}) {
        talk.send("Q");
        talk.receive("C");
        talk.receive(token);
        EXPECT_EQ(talk.session.status(), status);
        EXPECT_TRUE(talk.session.settled());
        EXPECT_EQ(talk.session.releasable(), status == TransactionStatus::idle);
    }
}

TEST(BackendSession, takes_function_calls_and_empty_queries) {
    Talk talk;
    talk.send("F Q P B E S");
    talk.receive("V ZI I ZI 1 2 I ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, takes_several_result_sets_in_one_query) {
    Talk talk;
    talk.send("Q");
    talk.receive("T D C C I T D D C H d c C");
    EXPECT_FALSE(talk.session.releasable());
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, refuses_copy_both) {
    Talk talk;
    talk.send("Q");
    talk.receive("W");
    EXPECT_TRUE(talk.violated);
}

TEST(BackendSession, passes_on_what_comes_unasked) {
    Talk talk;
    talk.receive("N A S");
    EXPECT_FALSE(talk.violated);
    EXPECT_EQ(talk.to_client, replies("N A S"));
    EXPECT_EQ(talk.parameters.size(), 1U);
    EXPECT_TRUE(talk.session.releasable());
    talk.send("P B E S");
    talk.receive("N 1 A 2 S D N C S A ZI N");
    EXPECT_FALSE(talk.violated);
    EXPECT_EQ(talk.parameters.size(), 3U);
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, gives_up_a_backend_that_said_farewell) {
    Talk talk;
    talk.receive("E");
    EXPECT_EQ(talk.to_client, replies("E"));
    EXPECT_TRUE(talk.session.in_doubt());
    EXPECT_FALSE(talk.session.releasable());
}

TEST(BackendSession, gives_up_a_backend_that_said_farewell_in_an_open_batch) {
    Talk talk;
    talk.send("P H");
    talk.receive("1 E");
    EXPECT_TRUE(talk.session.in_doubt());
}

// COPY.

TEST(BackendSession, ignores_late_copy_frames_behind_a_failed_copy) {
    Talk talk;
    talk.send("Q");
    talk.receive("G");
    talk.send("d");
    talk.receive("E ZI");
    EXPECT_TRUE(talk.session.releasable());
    talk.send("d c");
    EXPECT_TRUE(talk.session.releasable()) << "nobody answers those";
    talk.send("Q");
    talk.receive("T D C ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, ignores_copy_frames_that_left_before_the_error_came) {
    Talk talk;
    talk.send("Q");
    talk.receive("G");
    talk.send("d c Q");
    talk.receive("E ZI");
    EXPECT_FALSE(talk.session.releasable());
    talk.receive("T D C ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, owes_nothing_for_a_sync_inside_a_copy) {
    Talk talk;
    talk.send("P B E S");
    talk.receive("1 2 G");
    EXPECT_FALSE(talk.session.settled());
    talk.send("d S H d c");
    talk.receive("C");
    EXPECT_FALSE(talk.session.settled()) << "its Sync is still missing";
    talk.send("S");
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

// The COPY eats the Sync, so its transaction stays open although each request was answered.
TEST(BackendSession, keeps_the_backend_when_a_copy_swallowed_the_last_sync) {
    Talk talk;
    talk.send("P B E S d c");
    talk.receive("1 2 G C");
    EXPECT_FALSE(talk.session.busy());
    EXPECT_FALSE(talk.session.settled());
    talk.send("S");
    talk.receive("ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, waits_for_each_of_two_copies_in_one_query) {
    Talk talk;
    talk.send("Q");
    talk.receive("G");
    talk.send("d c");
    talk.receive("C G");
    EXPECT_FALSE(talk.session.settled());
    talk.send("d c");
    talk.receive("C ZI");
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, takes_nothing_but_an_end_from_a_backend_that_reads_copy_data) {
    for (const char* const token :
         {"T", "D", "1", "2", "3", "s", "I", "H", "d", "c", "G", "t", "n", "V", "ZI"}) {
        Talk talk;
        talk.send("P B E H");
        talk.receive("1 2 G");
        talk.receive(token);
        EXPECT_TRUE(talk.violated) << token;
    }
}

// A Sync sent into a COPY that then fails is answered if the backend read it behind the failure.

TEST(BackendSession, is_unsettled_while_a_stray_ready_for_query_may_come) {
    Talk talk;
    talk.send("P B E S");
    talk.receive("1 2 G E");
    talk.send("c S");
    talk.receive("ZI");
    EXPECT_FALSE(talk.session.releasable());
    EXPECT_FALSE(talk.session.in_doubt());
    talk.receive("ZI");
    EXPECT_FALSE(talk.violated);
    EXPECT_EQ(talk.ready_count, 2U);
    EXPECT_FALSE(talk.session.releasable()) << "a batch held one Sync; there might be no more";
}

TEST(BackendSession, ends_the_doubt_with_the_next_reply) {
    for (const char* const stray : {"", "ZI"}) {
        Talk talk;
        talk.send("P B E S");
        talk.receive("1 2 G E");
        talk.send("c S P B E S");
        talk.receive("ZI");
        talk.receive(stray);
        talk.receive("1");
        EXPECT_FALSE(talk.session.releasable());
        talk.receive("2 D C ZI");
        EXPECT_FALSE(talk.violated);
        EXPECT_TRUE(talk.session.releasable()) << stray;
    }
}

TEST(BackendSession, ends_the_doubt_by_recovery_when_the_client_has_left) {
    for (const char* const stray : {"", "ZI"}) {
        Talk talk;
        talk.send("P B E S");
        talk.receive("1 2 G E");
        talk.send("c S");
        talk.receive("ZI");
        EXPECT_EQ(talk.recover(), "Q");
        talk.receive(stray);
        talk.receive("N C ZI");
        EXPECT_FALSE(talk.violated);
        EXPECT_TRUE(talk.session.releasable());
        EXPECT_EQ(talk.to_nobody, replies("N C ZI"));
    }
}

TEST(BackendSession, gives_up_when_requests_may_or_may_not_have_been_discarded) {
    Talk talk;
    talk.send("P B E S");
    talk.receive("1 2 G E");
    talk.send("Q");  // Discarded, if the backend has not found that Sync.
    talk.receive("ZI T D C ZI");
    EXPECT_FALSE(talk.violated) << "the client gets what comes";
    EXPECT_TRUE(talk.session.in_doubt());
    EXPECT_FALSE(talk.session.releasable());
}

// Requests of this program's own.

TEST(BackendSession, keeps_private_replies_from_the_client) {
    Talk talk;
    talk.send("C", Audience::nobody);
    talk.send("B E S");
    talk.receive("3 2 D C ZI");
    EXPECT_EQ(talk.to_client, replies("2 D C ZI"));
    EXPECT_EQ(talk.to_nobody, replies("3"));
    EXPECT_TRUE(talk.session.releasable());
}

TEST(BackendSession, passes_notifications_to_the_client_amid_private_replies) {
    Talk talk;
    talk.send("Q", Audience::nobody);
    talk.receive("N A C S ZI");
    EXPECT_EQ(talk.to_client, replies("A"));
    EXPECT_EQ(talk.to_nobody, replies("N C S ZI"));
    EXPECT_EQ(talk.parameters.size(), 1U);
}

TEST(BackendSession, reports_the_error_of_a_private_request_whole) {
    const std::string error = reply("E");
    for (std::size_t cut = 0; cut < error.size(); ++cut) {
        Talk talk;
        talk.send("Q", Audience::nobody);
        talk.receive_bytes(error.substr(0, cut));
        EXPECT_EQ(talk.private_error_count, 0U);
        talk.receive_bytes(error.substr(cut));
        EXPECT_EQ(talk.private_error_count, 1U);
        talk.receive("ZI");
        EXPECT_EQ(talk.to_client, "");
        EXPECT_TRUE(talk.session.releasable());
    }
}

// A client that left.

TEST(BackendSession, recovers_from_each_stage) {
    const struct {
        const char* sent;
        const char* received;
        const char* recovery;
        const char* answer;
        const char* second_recovery;
        const char* second_answer;
    } cases[] = {
        {"Q", "C ZI", "", "", "", ""},
        {"Q", "C ZT", "Q", "C ZI", "", ""},
        {"Q", "E ZE", "Q", "C ZI", "", ""},
        // Sync alone would commit what was executed.
        {"P", "1", "PBES", "1 2 C ZI", "", ""},
        {"P B E", "1 2 D", "H", "C", "PBES", "1 2 C ZI"},
        {"P B E", "1 2 D C", "PBES", "1 2 C ZI", "", ""},
        {"P", "E", "S", "ZI", "", ""},
        {"Q", "G", "f", "E ZI", "", ""},
        {"Q", "G", "f", "E ZE", "Q", "C ZI"},
        {"P B E", "1 2 G", "fS", "E ZI", "", ""},
        {"P B E", "1 2", "H", "G", "fS", "E ZI"},
        {"Q", "", "", "G", "f", "E ZI"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(std::string(one.sent) + " / " + one.received);
        Talk talk;
        talk.send(one.sent);
        talk.receive(one.received);
        EXPECT_EQ(talk.recover(), one.recovery);
        talk.receive(one.answer);
        EXPECT_EQ(talk.recover(), one.second_recovery);
        talk.receive(one.second_answer);
        EXPECT_FALSE(talk.violated);
        if (!talk.session.releasable()) {  // A Sync went into a COPY that failed.
            EXPECT_EQ(talk.recover(), "Q");
            talk.receive("C ZI");
        }
        EXPECT_TRUE(talk.session.releasable());
        EXPECT_EQ(talk.recover(), "") << "nothing is sent to a backend that is clean";
    }
}

}  // namespace
}  // namespace sluice::pg::test
