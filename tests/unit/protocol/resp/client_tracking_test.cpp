#include "protocol/resp/client_session.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

// The answers to what comes behind it must not overtake the server's answer to CLIENT TRACKING.
TEST(RespClientTracking, leaves_to_the_server_what_a_client_says_of_itself_behind_it) {
    ClientTalk talk;
    const std::string asked =
        request({"CLIENT", "TRACKING", "ON"}) +
        request({"CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "external-ip"}) +
        request({"CLIENT", "SETINFO", "LIB-NAME", "x"}) + request({"CLIENT", "SETNAME", "n"}) +
        request({"SELECT", "3"}) + request({"GET", "k"});
    talk.receive(asked);
    EXPECT_EQ(talk.to_client, "");
    EXPECT_EQ(talk.to_pinned, asked);
    EXPECT_EQ(talk.lends, "tracking ");
    EXPECT_FALSE(talk.finished);
}

TEST(RespClientTracking, keeps_from_the_server_what_leads_to_other_clients) {
    for (const std::string& refused :
         {request({"AUTH", "other", "word"}), request({"HELLO", "2"}), request({"CLIENT", "LIST"}),
          request({"CLIENT", "KILL", "ID", "7"}), request({"CLIENT", "NO-EVICT", "ON"})}) {
        ClientTalk talk;
        const std::string tracking = request({"CLIENT", "TRACKING", "ON"});
        talk.receive(tracking + refused + request({"GET", "k"}));
        EXPECT_EQ(talk.to_pinned, tracking);
        EXPECT_TRUE(talk.to_client.starts_with("-ERR sluice: not behind "));
        EXPECT_TRUE(talk.finished);
    }
}

}  // namespace
}  // namespace sluice::resp::test
