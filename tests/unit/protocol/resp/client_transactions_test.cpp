#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

const std::string multi = request({"MULTI"});
const std::string exec = request({"EXEC"});
const std::string discard = request({"DISCARD"});
const std::string set = request({"SET", "k", "v"});
const std::string watch = request({"WATCH", "k"});
const std::string unwatch = request({"UNWATCH"});

TEST(RespTransactions, send_a_held_block_in_one_piece_on_a_shared_backend) {
    const std::string all = multi + set + request({"BLPOP", "k", "0"}) + request({"PING"}) + exec;
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        ClientTalk talk;
        for (std::size_t at = 0; at < all.size(); at += piece) {
            EXPECT_EQ(talk.to_shared, "") << "nothing goes before EXEC";
            talk.receive(all.substr(at, piece));
        }
        EXPECT_EQ(talk.to_client, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
        EXPECT_EQ(talk.lends, "shared ") << "what would block does not inside MULTI";
        EXPECT_EQ(talk.to_shared, all);
        EXPECT_EQ(talk.skipped, 4U);
        EXPECT_EQ(talk.owed, 1U);
        EXPECT_FALSE(talk.session.in_transaction());
    }
}

/// Sent blindly, the commands between MULTI and EXEC would run one by one.
TEST(RespTransactions, are_not_sent_for_a_user_who_may_have_none) {
    const std::string refusal = "NOPERM this user has no permissions to run the 'multi' command";
    for (const bool watches : {false, true}) {
        ClientTalk talk;
        talk.block_refusal = refusal;
        if (watches) {
            talk.receive(watch);
            talk.owed = 0;
        }
        talk.receive(multi + set + exec);
        EXPECT_EQ(talk.to_client, "+OK\r\n+QUEUED\r\n-" + refusal + "\r\n");
        EXPECT_EQ(talk.to_shared, "");
        EXPECT_EQ(talk.to_pinned, watches ? watch + unwatch : "");
        EXPECT_FALSE(talk.session.in_transaction());
        EXPECT_FALSE(talk.session.holds_pin());
    }
    ClientTalk large;
    large.block_refusal = refusal;
    large.terms.held_bytes_max = 100;
    large.receive(request({"GET", "k"}));
    large.owed = 0;
    large.receive(multi + request({"SET", "k", std::string(60, 'x')}) +
                  request({"SET", "k", std::string(60, 'x')}) + exec);
    EXPECT_EQ(large.to_shared, request({"GET", "k"}));
    EXPECT_EQ(large.to_pinned, "");
    EXPECT_FALSE(large.session.in_transaction());
}

TEST(RespTransactions, say_queue_time_errors_and_abort) {
    ClientTalk talk;
    talk.receive(multi + request({"nope"}) + set + exec + request({"PING"}));
    EXPECT_EQ(talk.to_client,
              "+OK\r\n-ERR unknown command 'nope', with args beginning with: \r\n+QUEUED\r\n"
              "-EXECABORT Transaction discarded because of previous errors.\r\n+PONG\r\n");
    EXPECT_EQ(talk.to_shared, "");
    for (const std::string& spoils :
         {request({"SET", "k"}), request({"SELECT", "1"}), request({"SUBSCRIBE", "c"}),
          request({"HELLO", "3"}), request({"CLIENT", "REPLY", "OFF"}), request({"FLUSHALL"})}) {
        ClientTalk spoilt;
        spoilt.receive(multi + spoils + exec);
        EXPECT_NE(spoilt.to_client.find("-EXECABORT"), std::string::npos) << spoils;
        EXPECT_EQ(spoilt.session.database(), 0U);
        EXPECT_FALSE(spoilt.session.in_transaction());
    }
}

TEST(RespTransactions, end_with_an_exec_that_is_refused) {
    const std::string bad_exec = request({"EXEC", "x"});
    const std::string error =
        "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
        "command\r\n";
    ClientTalk held;
    held.receive(multi + request({"SET", "k", "v"}) + bad_exec + request({"PING"}));
    EXPECT_EQ(held.to_client, "+OK\r\n+QUEUED\r\n" + error + "+PONG\r\n");
    EXPECT_EQ(held.to_shared, "");
    EXPECT_FALSE(held.session.in_transaction());

    ClientTalk watched;
    watched.receive(request({"WATCH", "k"}));
    watched.pay();
    watched.receive(multi + bad_exec);
    EXPECT_EQ(watched.to_client, "+OK\r\n" + error);
    EXPECT_EQ(watched.to_pinned, request({"WATCH", "k"}) + request({"UNWATCH"}));
    EXPECT_FALSE(watched.session.holds_pin());

    ClientTalk passed;
    passed.terms.held_bytes_max = 100;
    const std::string large = request({"SET", "k", std::string(100, 'x')});
    passed.receive(multi + large + bad_exec);
    passed.pay();
    EXPECT_EQ(passed.to_client, "+OK\r\n" + error);
    EXPECT_EQ(passed.to_pinned, multi + large + discard);
    EXPECT_FALSE(passed.session.holds_pin());

    ClientTalk alone;
    alone.receive(bad_exec);
    EXPECT_EQ(alone.to_client, error) << "also without a block";
}

TEST(RespTransactions, do_not_abort_for_a_nested_multi_or_watch) {
    ClientTalk talk;
    talk.receive(multi + multi + watch + set + exec);
    EXPECT_EQ(talk.to_client,
              "+OK\r\n-ERR MULTI calls can not be nested\r\n"
              "-ERR WATCH inside MULTI is not allowed\r\n+QUEUED\r\n");
    EXPECT_EQ(talk.to_shared, multi + set + exec);
}

TEST(RespTransactions, discard_a_held_block_here) {
    ClientTalk talk;
    talk.receive(multi + set + discard + set);
    EXPECT_EQ(talk.to_client, "+OK\r\n+QUEUED\r\n+OK\r\n");
    EXPECT_EQ(talk.to_shared, set);
}

TEST(RespTransactions, watch_pins_until_exec) {
    ClientTalk talk;
    talk.receive(watch);
    talk.pay();
    EXPECT_TRUE(talk.session.holds_pin());
    talk.receive(request({"GET", "k"}));
    talk.pay();
    talk.receive(multi + set + exec);
    EXPECT_EQ(talk.lends, "watch ");
    EXPECT_EQ(talk.to_pinned, watch + request({"GET", "k"}) + multi + set + exec);
    EXPECT_EQ(talk.to_shared, "");
    EXPECT_FALSE(talk.session.holds_pin());
    talk.pay();
    EXPECT_EQ(talk.lending, Lending::none);
}

TEST(RespTransactions, end_a_watch_on_the_server_whatever_ends_it_here) {
    ClientTalk discarded;
    discarded.receive(watch);
    discarded.pay();
    discarded.receive(multi + set + discard);
    EXPECT_EQ(discarded.to_pinned, watch + unwatch);
    EXPECT_EQ(discarded.to_client, "+OK\r\n+QUEUED\r\n") << "UNWATCH's OK is the third";
    EXPECT_EQ(discarded.owed, 1U);
    EXPECT_FALSE(discarded.session.holds_pin());

    ClientTalk aborted;
    aborted.receive(watch);
    aborted.pay();
    aborted.receive(multi + request({"nope"}) + exec);
    EXPECT_EQ(aborted.to_pinned, watch + unwatch);
    EXPECT_EQ(aborted.skipped, 1U);
    EXPECT_EQ(aborted.owed, 0U);
    EXPECT_FALSE(aborted.session.holds_pin());

    ClientTalk unwatched;
    unwatched.receive(unwatch + watch);
    unwatched.pay();
    EXPECT_EQ(unwatched.to_client, "+OK\r\n") << "without a watch there is nothing to ask";
    unwatched.receive(unwatch);
    EXPECT_EQ(unwatched.to_pinned, watch + unwatch);
    EXPECT_FALSE(unwatched.session.holds_pin());

    ClientTalk reset;
    reset.receive(watch);
    reset.pay();
    reset.receive(request({"RESET"}));
    EXPECT_EQ(reset.last, ClientStep::Kind::reset);
    EXPECT_FALSE(reset.session.holds_pin());
}

TEST(RespTransactions, pass_a_block_on_when_it_grows_beyond_what_is_held) {
    const std::string large = request({"SET", "k", std::string(100, 'x')});
    ClientTalk at_limit;
    at_limit.terms.held_bytes_max = multi.size() + large.size();
    at_limit.receive(multi + large + exec);
    EXPECT_EQ(at_limit.to_pinned, "");
    EXPECT_EQ(at_limit.to_shared, multi + large + exec);

    ClientTalk talk;
    talk.terms.held_bytes_max = multi.size() + large.size() - 1;
    talk.receive(multi + large + exec);
    EXPECT_EQ(talk.lends, "transaction ");
    EXPECT_EQ(talk.to_pinned, multi + large + exec);
    EXPECT_EQ(talk.skipped, 1U) << "of MULTI; QUEUED is the server's own from here on";
    EXPECT_EQ(talk.owed, 2U);
    EXPECT_FALSE(talk.session.holds_pin());

    ClientTalk spoilt;
    spoilt.terms.held_bytes_max = 100;
    spoilt.receive(multi + large);
    EXPECT_TRUE(spoilt.session.holds_pin());
    spoilt.pay();
    spoilt.receive(request({"SELECT", "1"}) + exec);
    EXPECT_EQ(spoilt.to_pinned, multi + large + discard);
    EXPECT_NE(spoilt.to_client.find("-EXECABORT"), std::string::npos);
    EXPECT_FALSE(spoilt.session.holds_pin());
}

TEST(RespTransactions, are_void_when_their_backend_is_gone) {
    ClientTalk held;
    held.receive(multi + set);
    EXPECT_FALSE(held.session.backend_gone()) << "nothing of it was there";
    ClientTalk watching;
    watching.receive(watch);
    watching.pay();
    EXPECT_TRUE(watching.session.backend_gone());
    EXPECT_FALSE(watching.session.holds_pin());
}

TEST(RespTransactions, let_nothing_change_the_user_or_database_under_a_watch) {
    ClientTalk talk;
    talk.receive(watch);
    talk.pay();
    talk.receive(request({"SELECT", "1"}) + request({"HELLO", "3"}));
    EXPECT_EQ(talk.session.database(), 0U);
    EXPECT_EQ(talk.to_client,
              "-ERR sluice: not while keys are watched\r\n"
              "-ERR sluice: not while keys are watched\r\n");
}

}  // namespace
}  // namespace sluice::resp::test
