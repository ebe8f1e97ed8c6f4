#include "protocol/resp/client_session.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

TEST(RespClientSession, forwards_the_very_bytes_wherever_they_come_apart) {
    const std::string all = request({"SET", "k", "v"}) + request({"get", "k"}) +
                            request({"XREAD", "COUNT", "1", "STREAMS", "block", "0"});
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        ClientTalk talk;
        for (std::size_t at = 0; at < all.size(); at += piece)
            talk.receive(all.substr(at, piece));
        EXPECT_EQ(talk.to_shared, all);
        EXPECT_EQ(talk.owed, 3U);
        EXPECT_EQ(talk.lends, "shared ");
        EXPECT_EQ(talk.to_client, "");
    }
}

TEST(RespClientSession, answers_handshakes_without_a_backend) {
    ClientTalk talk;
    talk.receive(request({"HELLO", "3", "SETNAME", "app"}));
    EXPECT_TRUE(talk.to_client.starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n"));
    EXPECT_NE(talk.to_client.find("$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n"), std::string::npos);
    talk.to_client.clear();
    talk.receive(request({"CLIENT", "SETINFO", "LIB-NAME", "x"}) +
                 request({"CLIENT", "SETINFO", "LIB-VER", "1"}) + request({"CLIENT", "GETNAME"}) +
                 request({"CLIENT", "ID"}) + request({"SELECT", "3"}) + request({"PING"}) +
                 request({"PING", "x"}) + request({"ECHO", "y"}));
    EXPECT_EQ(talk.to_client,
              "+OK\r\n+OK\r\n$3\r\napp\r\n:7\r\n+OK\r\n+PONG\r\n$1\r\nx\r\n$1\r\ny\r\n");
    EXPECT_EQ(talk.session.database(), 3U);
    EXPECT_EQ(talk.session.version(), RespVersion::resp3);
    EXPECT_EQ(talk.lends, "");
    talk.to_client.clear();
    talk.receive(request({"HELLO", "2"}));
    EXPECT_TRUE(talk.to_client.starts_with("*14\r\n$6\r\nserver\r\n"));
}

TEST(RespClientSession, says_what_the_server_says_to_a_wrong_handshake) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {request({"HELLO", "4"}), "-NOPROTO unsupported protocol version\r\n"},
        {request({"HELLO", "x"}), "-ERR Protocol version is not an integer or out of range\r\n"},
        {request({"HELLO", "3", "NO"}), "-ERR Syntax error in HELLO option 'NO'\r\n"},
        {request({"HELLO", "3", "AUTH", "u"}), "-ERR Syntax error in HELLO option 'AUTH'\r\n"},
        {request({"SELECT", "16"}), "-ERR DB index is out of range\r\n"},
        {request({"SELECT", "01"}), "-ERR value is not an integer or out of range\r\n"},
        {request({"CLIENT", "SETNAME", "a b"}),
         "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
        {request({"CLIENT", "NOSUCH"}), "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n"},
        {request({"GET"}), "-ERR wrong number of arguments for 'get' command\r\n"},
        {request({"CONFIG", "GET"}), "-ERR wrong number of arguments for 'config|get' command\r\n"},
        {request({"nope", "a", "b\r\n"}),
         "-ERR unknown command 'nope', with args beginning with: 'a' 'b  ' \r\n"},
        {request({"EXEC"}), "-ERR EXEC without MULTI\r\n"},
        {request({"DISCARD"}), "-ERR DISCARD without MULTI\r\n"},
        {request({"PING", "a", "b"}), "-ERR wrong number of arguments for 'ping' command\r\n"},
    };
    for (const auto& [asked, answer] : cases) {
        ClientTalk talk;
        talk.receive(asked);
        EXPECT_EQ(talk.to_client, answer);
        EXPECT_FALSE(talk.finished);
        EXPECT_EQ(talk.lends, "");
    }
}

TEST(RespClientSession, lets_nobody_in_without_a_login) {
    ClientTalk talk(LoginState::required);
    talk.receive(request({"GET", "k"}) + request({"HELLO", "3"}));
    EXPECT_TRUE(talk.to_client.starts_with("-NOAUTH Authentication required.\r\n-NOAUTH HELLO "));
    EXPECT_EQ(talk.session.version(), RespVersion::resp2);
    talk.to_client.clear();
    talk.receive(request({"AUTH", "wrong"}) + request({"AUTH", "u", "wrong"}) + request({"PING"}));
    EXPECT_EQ(talk.to_client,
              "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
              "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
              "-NOAUTH Authentication required.\r\n");
    talk.to_client.clear();
    talk.receive(request({"HELLO", "3", "AUTH", "u", "secret"}) + request({"GET", "k"}));
    EXPECT_TRUE(talk.to_client.starts_with("%7\r\n"));
    EXPECT_EQ(talk.session.user(), "u");
    EXPECT_EQ(talk.to_shared, request({"GET", "k"}));
    talk.to_client.clear();
    talk.pay();
    talk.receive(request({"RESET"}) + request({"GET", "k"}));
    EXPECT_EQ(talk.to_client, "+RESET\r\n-NOAUTH Authentication required.\r\n");
    EXPECT_EQ(talk.session.user(), "");
}

TEST(RespClientSession, keeps_answers_of_its_own_behind_what_is_owed) {
    ClientTalk talk;
    talk.receive(request({"GET", "k"}) + request({"CLIENT", "ID"}) + request({"GET", "l"}));
    EXPECT_EQ(talk.last, ClientStep::Kind::wait);
    EXPECT_EQ(talk.to_client, "");
    EXPECT_EQ(talk.owed, 1U);
    talk.pay();
    EXPECT_EQ(talk.to_client, ":7\r\n");
    EXPECT_EQ(talk.owed, 1U);
    // PING goes along in its place, so that a pipeline does not stop for it.
    ClientTalk piped;
    piped.receive(request({"GET", "k"}) + request({"PING"}));
    EXPECT_EQ(piped.to_shared, request({"GET", "k"}) + request({"PING"}));
}

TEST(RespClientSession, pins_what_blocks_until_its_reply) {
    for (const std::string& blocking :
         {request({"BLPOP", "k", "0"}), request({"XREAD", "bLoCk", "0", "STREAMS", "s", "$"}),
          request({"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"})}) {
        ClientTalk talk;
        talk.receive(request({"GET", "k"}) + blocking + request({"GET", "l"}));
        EXPECT_EQ(talk.to_shared, request({"GET", "k"})) << "first what was asked before is paid";
        EXPECT_EQ(talk.to_pinned, "");
        talk.pay();
        EXPECT_EQ(talk.lends, "shared blocking ");
        EXPECT_EQ(talk.to_pinned, blocking + request({"GET", "l"})) << "order is kept";
        EXPECT_FALSE(talk.session.holds_pin());
        talk.pay();
        talk.receive(request({"GET", "m"}));
        EXPECT_EQ(talk.to_shared, request({"GET", "k"}) + request({"GET", "m"}));
    }
}

TEST(RespClientSession, refuses_what_reaches_others_and_goes_on) {
    ClientTalk talk;
    talk.receive(request({"FLUSHALL"}) + request({"CONFIG", "GET", "requirepass"}) +
                 request({"MONITOR"}) + request({"PING"}));
    EXPECT_EQ(talk.to_client,
              "-NOPERM sluice does not allow 'flushall' here (redis.allow_commands)\r\n"
              "-NOPERM sluice does not allow 'config get' here (redis.allow_commands)\r\n"
              "-NOPERM sluice does not allow 'monitor' here (redis.allow_commands)\r\n+PONG\r\n");
    talk.receive(request({"CONFIG", "GET", "maxmemory-policy"}));
    EXPECT_EQ(talk.to_shared, request({"CONFIG", "GET", "maxmemory-policy"}));
    ClientTalk trusted(LoginState::done, {"flushall", "config get"});
    trusted.receive(request({"FLUSHALL"}) + request({"CONFIG", "GET", "*"}));
    EXPECT_EQ(trusted.owed, 2U);
}

TEST(RespClientSession, drops_replies_here_when_the_client_wants_none) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "REPLY", "OFF"}) + request({"PING"}) + request({"GET", "k"}));
    EXPECT_EQ(talk.to_client, "");
    EXPECT_EQ(talk.muted, 1U);
    EXPECT_EQ(talk.to_shared, request({"GET", "k"})) << "CLIENT REPLY itself is never forwarded";
    talk.pay();
    talk.receive(request({"CLIENT", "REPLY", "ON"}) + request({"CLIENT", "REPLY", "SKIP"}) +
                 request({"GET", "k"}) + request({"GET", "l"}));
    EXPECT_EQ(talk.to_client, "+OK\r\n");
    EXPECT_EQ(talk.muted, 2U);
    EXPECT_EQ(talk.owed, 2U);
}

TEST(RespClientSession, runs_nothing_behind_quit) {
    ClientTalk talk;
    talk.receive(request({"QUIT"}) + request({"SET", "k", "v"}));
    EXPECT_EQ(talk.to_client, "+OK\r\n");
    EXPECT_TRUE(talk.finished);
    EXPECT_EQ(talk.to_shared, "");
}

TEST(RespClientSession, reads_inline_commands_and_blank_lines) {
    ClientTalk talk;
    talk.receive("\r\n\nPING\r\n*0\r\nget \"a b\"\n*-1\r\n");
    EXPECT_EQ(talk.to_client, "+PONG\r\n");
    EXPECT_EQ(talk.to_shared, request({"get", "a b"}));
    talk.receive("set \"a\r\n");
    EXPECT_EQ(talk.last, ClientStep::Kind::wait) << "replies come first";
    talk.pay();
    EXPECT_EQ(talk.to_client, "+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT_TRUE(talk.finished);
}

TEST(RespClientSession, closes_a_browser_without_a_word) {
    for (const std::string_view words : {"POST / HTTP/1.1\r\n", "Host: a\r\n"}) {
        ClientTalk talk;
        talk.receive(words);
        EXPECT_TRUE(talk.finished);
        EXPECT_EQ(talk.to_client, "");
    }
}

TEST(RespClientSession, subscribes_when_what_has_gone_before_is_answered) {
    ClientTalk talk;
    const std::string subscribe = request({"Subscribe", "c", "d"});
    talk.receive(request({"GET", "k"}) + subscribe + request({"sunsubscribe"}));
    EXPECT_EQ(talk.last, ClientStep::Kind::wait);
    EXPECT_EQ(talk.channels, "");
    talk.pay();
    EXPECT_EQ(talk.channels, subscribe + request({"sunsubscribe"}));
    EXPECT_FALSE(talk.session.holds_pin());
}

TEST(RespClientSession, allows_subscribers_of_resp2_what_the_server_allows) {
    ClientTalk talk;
    talk.subscribed = true;
    talk.receive(request({"GET", "k"}) + request({"CONFIG", "GET", "maxmemory"}) +
                 request({"nope"}) + request({"SUBSCRIBE"}) + request({"PING"}) +
                 request({"ping", "x"}));
    const std::string behind =
        "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        "context\r\n";
    EXPECT_EQ(talk.to_client, "-ERR Can't execute 'get" + behind +
                                  "-ERR Can't execute 'config|get" + behind +
                                  "-ERR unknown command 'nope', with args beginning with: \r\n"
                                  "-ERR wrong number of arguments for 'subscribe' command\r\n"
                                  "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n");
    EXPECT_EQ(talk.pings, 2) << "no message that came before may stand behind it";
    talk.to_client.clear();
    talk.receive(request({"RESET"}) + request({"PING"}));
    EXPECT_EQ(talk.to_client, "+RESET\r\n+PONG\r\n");
    EXPECT_FALSE(talk.subscribed);
    talk.subscribed = true;
    talk.receive(request({"QUIT"}));
    EXPECT_TRUE(talk.finished);
}

TEST(RespClientSession, lets_subscribers_of_resp3_go_on) {
    ClientTalk talk;
    talk.receive(request({"HELLO", "3"}) + request({"SUBSCRIBE", "c"}));
    talk.to_client.clear();
    talk.receive(request({"PING"}) + request({"SELECT", "2"}) + request({"GET", "k"}));
    EXPECT_EQ(talk.to_client, "+PONG\r\n+OK\r\n");
    EXPECT_EQ(talk.to_shared, request({"GET", "k"}));
    talk.pay();
    talk.to_client.clear();
    // Whose channels these are cannot change, nor whose backend it is.
    talk.receive(request({"AUTH", "secret"}) + request({"HELLO", "3", "AUTH", "u", "secret"}));
    const std::string refused =
        "-ERR sluice: not while subscribed; unsubscribe or connect anew\r\n";
    EXPECT_EQ(talk.to_client, refused + refused);
    talk.receive(request({"HELLO", "2"}));
    talk.to_client.clear();
    talk.receive(request({"GET", "k"}));
    EXPECT_TRUE(talk.to_client.starts_with("-ERR Can't execute 'get'"));
}

TEST(RespClientSession, subscribes_whatever_client_reply_says) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "REPLY", "SKIP"}) + request({"SUBSCRIBE", "c"}) +
                 request({"PING"}));
    EXPECT_EQ(talk.channels, request({"SUBSCRIBE", "c"}));
    EXPECT_EQ(talk.to_client, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
}

TEST(RespClientSession, asks_the_server_before_it_calls_a_command_unknown) {
    ClientTalk talk;
    talk.terms.commands_known = false;
    talk.receive(request({"m.get", "k"}));
    EXPECT_EQ(talk.lends, "shared ") << "whose login tells which commands there are";
    EXPECT_TRUE(talk.to_client.starts_with("-ERR unknown command 'm.get'"));
    ClientTalk stranger(LoginState::required);
    stranger.terms.commands_known = false;
    stranger.receive(request({"m.get", "k"}));
    EXPECT_EQ(stranger.lends, "");
}

TEST(RespClientSession, forwards_command_without_a_subcommand) {
    ClientTalk talk;
    talk.receive(request({"COMMAND"}));
    EXPECT_EQ(talk.to_shared, request({"COMMAND"}));
}

TEST(RespClientSession, streams_a_request_beyond_what_is_held) {
    const std::string large = request({"SET", "k", std::string(5'000, 'x')});
    for (const std::size_t limit : {large.size() - 1, large.size(), std::size_t{100}}) {
        for (const std::size_t piece : {1U, 7U, 4'000U}) {
            ClientTalk talk;
            talk.terms.held_bytes_max = limit;
            for (std::size_t at = 0; at < large.size(); at += piece)
                talk.receive(large.substr(at, piece));
            const bool held = limit >= large.size() - 1;
            EXPECT_EQ(held ? talk.to_shared : talk.to_pinned, large) << limit << ' ' << piece;
            EXPECT_EQ(talk.owed, 1U) << "owed once, not for each piece";
            EXPECT_FALSE(talk.session.holds_pin());
        }
    }
    ClientTalk talk;
    talk.terms.held_bytes_max = 100;
    talk.receive(large.substr(0, 200));
    EXPECT_TRUE(talk.session.within_request());
    EXPECT_TRUE(talk.session.backend_gone());
}

TEST(RespClientSession, answers_in_place_of_a_backend_that_is_not_to_be_had) {
    ClientTalk talk;
    talk.refuses = true;
    talk.receive(request({"GET", "k"}) + request({"BLPOP", "k", "0"}) + request({"PING"}));
    EXPECT_EQ(talk.to_client, "-ERR full\r\n-ERR full\r\n+PONG\r\n");
}

}  // namespace
}  // namespace sluice::resp::test
