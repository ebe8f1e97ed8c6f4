#include "protocol/resp/client_session.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

const std::string tracking = request({"CLIENT", "TRACKING", "ON"});

TEST(RespClientTracking, has_a_backend_to_its_end) {
    ClientTalk talk;
    talk.receive(tracking + request({"GET", "k"}));
    EXPECT_EQ(talk.lends, "tracking ");
    EXPECT_EQ(talk.to_pinned, tracking + request({"GET", "k"}));
    talk.pay();
    EXPECT_TRUE(talk.session.tracking());
    EXPECT_TRUE(talk.session.holds_pin());
    EXPECT_EQ(talk.lending, Lending::pinned);
    EXPECT_FALSE(talk.may_wait);
    talk.receive(request({"BLPOP", "l", "0"}));
    EXPECT_TRUE(talk.may_wait);
    EXPECT_TRUE(talk.session.backend_gone()) << "what was tracked is not any more";
}

// Answers of ours must not overtake the server's answer to CLIENT TRACKING.
TEST(RespClientTracking, answers_what_a_client_says_of_itself_in_its_place) {
    ClientTalk talk;
    talk.receive(
        tracking +
        request({"CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "external-ip"}) +
        request({"CLIENT", "SETINFO", "LIB-NAME", "x"}) + request({"CLIENT", "SETNAME", "n"}) +
        request({"SELECT", "3"}) + request({"GET", "k"}));
    EXPECT_EQ(talk.to_client, "");
    talk.pay();
    EXPECT_EQ(talk.to_client,
              "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.\r\n+OK\r\n+OK\r\n");
    EXPECT_EQ(talk.to_pinned, tracking + request({"SELECT", "3"}) + request({"GET", "k"}))
        << "the backend goes along to the other database";
    EXPECT_EQ(talk.session.database(), 3U);
    EXPECT_FALSE(talk.finished);
}

TEST(RespClientTracking, stays_who_it_is) {
    for (const std::string& refused :
         {request({"AUTH", "other", "word"}), request({"HELLO", "2"})}) {
        ClientTalk talk;
        talk.receive(tracking + refused + request({"GET", "k"}));
        talk.pay();
        EXPECT_EQ(talk.to_client, "-ERR sluice: not behind CLIENT TRACKING; connect anew\r\n");
        EXPECT_EQ(talk.to_pinned, tracking + request({"GET", "k"}));
    }
}

TEST(RespClientTracking, ends_at_reset_when_all_is_answered) {
    ClientTalk talk;
    talk.receive(tracking + request({"GET", "k"}) + request({"RESET"}) + request({"PING"}));
    EXPECT_EQ(talk.to_client, "");
    talk.pay();
    EXPECT_EQ(talk.to_client, "+RESET\r\n+PONG\r\n");
    EXPECT_EQ(talk.lending, Lending::none);
    EXPECT_FALSE(talk.session.tracking());
}

TEST(RespClientTracking, needs_no_backend_of_its_own_for_what_only_asks) {
    for (const std::string& asked :
         {request({"CLIENT", "TRACKING", "off"}), request({"CLIENT", "TRACKINGINFO"}),
          request({"CLIENT", "GETREDIR"}), request({"CLIENT", "CACHING", "yes"})}) {
        ClientTalk talk;
        talk.receive(asked);
        EXPECT_EQ(talk.lends, "shared ");
        EXPECT_EQ(talk.to_shared, asked);
        EXPECT_FALSE(talk.session.holds_pin());
    }
}

// The number would be that of another's backend.
TEST(RespClientTracking, leads_to_no_other_connection) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "TRACKING", "ON", "bcast", "Redirect", "5"}));
    EXPECT_TRUE(talk.to_client.starts_with("-ERR sluice: "));
    EXPECT_EQ(talk.lends, "");
    EXPECT_FALSE(talk.session.tracking());
}

TEST(RespClientTracking, holds_blocks_and_watches_on_its_backend) {
    ClientTalk talk;
    talk.receive(tracking);
    talk.pay();
    talk.receive(request({"MULTI"}) + request({"GET", "k"}) + request({"EXEC"}));
    EXPECT_EQ(talk.skipped, 2U);
    talk.pay();
    talk.receive(request({"WATCH", "k"}));
    talk.pay();
    talk.receive(request({"SELECT", "1"}));
    EXPECT_TRUE(talk.to_client.ends_with("-ERR sluice: not while keys are watched\r\n"));
    talk.receive(request({"UNWATCH"}));
    talk.pay();
    EXPECT_EQ(talk.lends, "tracking ");
}

TEST(RespClientTracking, goes_with_subscriptions) {
    ClientTalk talk;
    talk.receive(tracking);
    talk.pay();
    talk.receive(request({"SUBSCRIBE", "c"}));
    EXPECT_EQ(talk.channels, request({"SUBSCRIBE", "c"}));
}

}  // namespace
}  // namespace sluice::resp::test
