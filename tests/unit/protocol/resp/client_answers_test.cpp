#include "protocol/resp/client_session.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

TEST(RespClientAnswers, asks_elsewhere_about_the_clients_there_are) {
    const struct {
        std::string asked;
        Subject subject;
    } rows[] = {
        {request({"CLIENT", "INFO"}), Subject::own_line},
        {request({"CLIENT", "LIST", "TYPE", "normal"}), Subject::clients},
        {request({"CLIENT", "KILL", "ID", "7"}), Subject::ended_clients},
        {request({"INFO", "Sluice"}), Subject::information},
    };
    for (const auto& row : rows) {
        ClientTalk talk;
        talk.receive(request({"GET", "k"}) + row.asked + request({"PING"}));
        EXPECT_EQ(talk.consulted, "") << "not before what has gone before is answered";
        talk.pay();
        EXPECT_EQ(talk.consulted, row.asked);
        EXPECT_EQ(talk.subject, row.subject);
        EXPECT_FALSE(talk.everybody);
        EXPECT_EQ(talk.to_client, "+PONG\r\n");
    }
}

TEST(RespClientAnswers, tells_of_everybody_only_who_is_allowed_to_by_name) {
    ClientTalk talk(LoginState::done, {"client list"});
    talk.receive(request({"CLIENT", "LIST"}));
    EXPECT_TRUE(talk.everybody);
    talk.receive(request({"CLIENT", "KILL", "ID", "7"}));
    EXPECT_FALSE(talk.everybody);
}

TEST(RespClientAnswers, refuses_at_once_what_cannot_be_asked) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "LIST", "TYPE", "x"}) + request({"CLIENT", "KILL", "ID", "x"}));
    EXPECT_EQ(talk.to_client,
              "-ERR Unknown client type 'x'\r\n-ERR client-id should be greater than 0\r\n");
    EXPECT_EQ(talk.consulted, "");
}

TEST(RespClientAnswers, takes_what_a_client_wishes_of_the_servers_memory) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "NO-EVICT", "ON"}) + request({"CLIENT", "NO-EVICT", "off"}) +
                 request({"CLIENT", "NO-TOUCH", "on"}) + request({"CLIENT", "NO-EVICT", "x"}) +
                 request({"CLIENT", "NO-EVICT"}));
    EXPECT_EQ(talk.to_client,
              "+OK\r\n+OK\r\n+OK\r\n-ERR syntax error\r\n"
              "-ERR wrong number of arguments for 'client|no-evict' command\r\n");
    EXPECT_EQ(talk.to_shared, "");
}

TEST(RespClientAnswers, adds_to_info_where_all_is_asked_for) {
    const struct {
        std::string asked;
        bool adds;
    } rows[] = {{request({"INFO"}), true},
                {request({"INFO", "ALL"}), true},
                {request({"INFO", "server", "sluice"}), true},
                {request({"INFO", "server"}), false}};
    for (const auto& row : rows) {
        ClientTalk talk;
        talk.receive(row.asked);
        EXPECT_EQ(talk.to_shared, row.asked);
        EXPECT_EQ(talk.adds_section, row.adds);
    }
    ClientTalk muted;
    muted.receive(request({"CLIENT", "REPLY", "OFF"}) + request({"INFO"}));
    EXPECT_FALSE(muted.adds_section);
    ClientTalk within;
    within.receive(request({"MULTI"}) + request({"INFO"}) + request({"EXEC"}));
    EXPECT_EQ(within.skipped, 2U) << "in a block it is one of its commands";
    EXPECT_FALSE(within.adds_section);
}

TEST(RespClientAnswers, ends_what_runs_only_for_who_may) {
    ClientTalk refused;
    refused.receive(request({"SCRIPT", "KILL"}));
    EXPECT_TRUE(refused.to_client.starts_with("-NOPERM"));
    ClientTalk talk(LoginState::done, {"script kill", "function kill"});
    talk.receive(request({"SCRIPT", "KILL"}));
    EXPECT_EQ(talk.subject, Subject::running_code);
    talk.receive(request({"FUNCTION", "KILL"}));
    EXPECT_EQ(talk.consulted, request({"SCRIPT", "KILL"}) + request({"FUNCTION", "KILL"}));
    EXPECT_EQ(talk.to_shared + talk.to_pinned, "");
}

TEST(RespClientAnswers, takes_no_for_an_answer_to_maintenance_notifications) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "MAINT_NOTIFICATIONS", "OFF"}));
    EXPECT_EQ(talk.to_client, "+OK\r\n");
}

/// What a client can be in the middle of when it says RESET.
TEST(RespClientAnswers, goes_back_to_the_beginning_from_every_state) {
    const std::string states[] = {
        request({"MULTI"}) + request({"SET", "k", "1"}),
        request({"WATCH", "k"}),
        request({"WATCH", "k"}) + request({"MULTI"}) + request({"NOPE"}),
        request({"MULTI"}) + request({"SET", "k", std::string(200, 'x')}),
        request({"CLIENT", "REPLY", "OFF"}),
        request({"CLIENT", "REPLY", "SKIP"}),
        request({"CLIENT", "TRACKING", "ON"}),
        request({"HELLO", "3", "SETNAME", "n"}),
        request({"SELECT", "5"}),
        request({"AUTH", "ann", "secret"}),
        request({"SUBSCRIBE", "c"}),
        request({"BLPOP", "l", "0"}),
    };
    for (const std::string& state : states) {
        ClientTalk talk;
        talk.terms.held_bytes_max = 150;
        talk.receive(state + request({"RESET"}));
        talk.pay();
        EXPECT_TRUE(talk.to_client.ends_with("+RESET\r\n")) << state;
        EXPECT_FALSE(talk.session.holds_pin()) << state;
        EXPECT_FALSE(talk.session.in_transaction()) << state;
        EXPECT_EQ(talk.session.version(), RespVersion::resp2) << state;
        EXPECT_EQ(talk.session.database(), 0U) << state;
        EXPECT_EQ(talk.session.user(), "") << state;
        EXPECT_EQ(talk.session.name(), "") << state;
        talk.to_client.clear();
        talk.receive(request({"PING"}));
        EXPECT_EQ(talk.to_client, "+PONG\r\n") << state;
    }
    ClientTalk stranger(LoginState::required);
    stranger.receive(request({"AUTH", "secret"}) + request({"RESET"}) + request({"GET", "k"}));
    EXPECT_TRUE(stranger.to_client.ends_with("+RESET\r\n-NOAUTH Authentication required.\r\n"));
}

}  // namespace
}  // namespace sluice::resp::test
