// Requests that are larger than what is held.

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

constexpr std::size_t held_bytes = 1'024;
const std::string ping = request({"PING"});
const std::string pong = "+PONG\r\n";
const std::string large(5'000, 'x');

/// What is left of `text` arrives in pieces of this size.
void receive_cut(ClientTalk& talk, std::string_view text, std::size_t piece) {
    for (std::size_t at = 0; at < text.size(); at += piece)
        talk.receive(text.substr(at, piece));
}

struct Case {
    std::string text;
    std::string reply;
};

TEST(RespLargeRequests, are_streamed_where_the_server_has_the_answer) {
    for (const std::string& text :
         {request({"SCRIPT", "LOAD", large}), request({"SCRIPT", "EXISTS", large, large}),
          request({"XGROUP", "CREATE", "k", large, "$"}), request({"OBJECT", "FREQ", large}),
          request({"XREAD", "STREAMS", large, "0"}), request({"PING", large}),
          request({"XREADGROUP", "GROUP", "g", "c", "STREAMS", large, ">"}),
          request({"ECHO", large})}) {
        for (const std::size_t piece : {1U, 7U, 300U}) {
            ClientTalk talk;
            talk.terms.held_bytes_max = held_bytes;
            receive_cut(talk, text, piece);
            EXPECT_EQ(talk.to_pinned, text);
            EXPECT_EQ(talk.lends, "large ") << text;
            EXPECT_EQ(talk.owed, 1U);
            EXPECT_FALSE(talk.session.holds_pin());
            EXPECT_EQ(talk.to_client, "");
        }
    }
    ClientTalk read;
    read.terms.held_bytes_max = held_bytes;
    read.receive(request({"XREAD", "STREAMS", large, "0"}).substr(0, 2'000));
    EXPECT_TRUE(read.may_wait) << "whether it blocks may stand at its end";
}

TEST(RespLargeRequests, keep_the_backend_for_what_they_watch) {
    const std::string watch = request({"WATCH", large});
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    receive_cut(talk, watch, 50);
    talk.pay();
    EXPECT_EQ(talk.lends, "watch ");
    EXPECT_EQ(talk.to_pinned, watch);
    EXPECT_TRUE(talk.session.holds_pin());
    ClientTalk held;
    held.terms.held_bytes_max = held_bytes;
    held.receive(request({"MULTI"}));
    receive_cut(held, watch, 50);
    held.receive(request({"EXEC"}));
    EXPECT_EQ(held.to_client, "+OK\r\n-ERR WATCH inside MULTI is not allowed\r\n");
    EXPECT_EQ(held.to_shared, request({"MULTI"}) + request({"EXEC"})) << "it spoils nothing";
}

TEST(RespLargeRequests, are_read_over_where_they_are_only_refused) {
    const std::string shown(127, 'x');
    const Case cases[] = {
        {request({"NOPE", large}),
         "-ERR unknown command 'NOPE', with args beginning with: '" + shown + "x' \r\n"},
        {request({"SCRIPT", large}),
         "-ERR unknown subcommand '" + shown + "x'. Try SCRIPT HELP.\r\n"},
        {request({"GET", large, "x"}), "-ERR wrong number of arguments for 'get' command\r\n"},
        {request({"SHUTDOWN", large}),
         "-NOPERM sluice does not allow 'shutdown' here (redis.allow_commands)\r\n"},
    };
    for (const Case& row : cases) {
        ClientTalk whole;
        whole.receive(row.text + ping);
        EXPECT_EQ(whole.to_client, row.reply + pong);
        for (const std::size_t piece : {1U, 7U, 300U}) {
            ClientTalk talk;
            talk.terms.held_bytes_max = held_bytes;
            receive_cut(talk, row.text + ping, piece);
            EXPECT_EQ(talk.to_client, row.reply + pong) << piece;
            EXPECT_FALSE(talk.finished);
            EXPECT_EQ(talk.to_pinned + talk.to_shared, "");
        }
    }
    ClientTalk stranger(LoginState::required);
    stranger.terms.held_bytes_max = held_bytes;
    receive_cut(stranger, request({"SET", "k", large}) + request({"AUTH", "secret"}), 50);
    EXPECT_EQ(stranger.to_client, "-NOAUTH Authentication required.\r\n+OK\r\n");
}

TEST(RespLargeRequests, spoil_the_block_that_they_were_refused_in) {
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    receive_cut(talk, request({"MULTI"}) + request({"NOPE", large}) + request({"EXEC"}), 50);
    EXPECT_TRUE(talk.to_client.ends_with(
        "-EXECABORT Transaction discarded because of previous errors.\r\n"));
    EXPECT_EQ(talk.to_shared + talk.to_pinned, "");
}

TEST(RespLargeRequests, are_read_over_in_a_block_that_can_only_be_discarded) {
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    receive_cut(talk,
                request({"MULTI"}) + request({"SET", "a", "1"}) + request({"NOPE"}) +
                    request({"SET", "b", "2"}) + request({"SET", "c", large}) +
                    request({"SET", "d", "3"}) + request({"EXEC"}) + ping,
                50);
    EXPECT_EQ(talk.to_client,
              "+OK\r\n+QUEUED\r\n-ERR unknown command 'NOPE', with args beginning with: \r\n"
              "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
              "-EXECABORT Transaction discarded because of previous errors.\r\n" +
                  pong);
    EXPECT_EQ(talk.to_shared + talk.to_pinned + talk.lends, "") << "what is left of it is not kept";
}

TEST(RespLargeRequests, wait_until_nothing_is_owed) {
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    talk.receive(request({"GET", "k"}));
    receive_cut(talk, request({"NOPE", large}), 50);
    EXPECT_EQ(talk.to_client, "");
    talk.pay();
    EXPECT_TRUE(talk.to_client.starts_with("-ERR unknown command 'NOPE'"));
}

TEST(RespLargeRequests, are_held_to_a_limit_where_we_answer) {
    constexpr std::size_t whole_bytes = 16 * held_bytes;
    const std::string frame = request({"SUBSCRIBE", std::string(10'000, 'x')});
    const std::size_t around = frame.size() - 10'000;
    // One byte is missing when it is judged.
    const std::string at_limit = request({"SUBSCRIBE", std::string(whole_bytes + 1 - around, 'x')});
    ASSERT_EQ(at_limit.size(), whole_bytes + 1);
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    receive_cut(talk, at_limit, 1);
    EXPECT_EQ(talk.channels, at_limit);
    for (const std::size_t piece : {1U, 7U, 50U}) {
        const std::string beyond =
            request({"SUBSCRIBE", std::string(whole_bytes + 200 - around, 'x')});
        ClientTalk larger;
        larger.terms.held_bytes_max = held_bytes;
        receive_cut(larger, beyond + ping, piece);
        EXPECT_EQ(larger.to_client, "-ERR sluice: too large a request of this kind\r\n" + pong);
        EXPECT_EQ(larger.channels, "");
        EXPECT_FALSE(larger.finished);
    }
}

TEST(RespLargeRequests, without_a_backend_are_read_over) {
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    talk.refuses = true;
    receive_cut(talk, request({"SET", "k", large}) + ping, 50);
    EXPECT_EQ(talk.to_client, "-ERR full\r\n" + pong);
    EXPECT_FALSE(talk.finished);
}

TEST(RespLargeRequests, end_the_block_as_exec_does) {
    ClientTalk talk;
    talk.terms.held_bytes_max = held_bytes;
    receive_cut(talk, request({"MULTI"}) + request({"EXEC", large}) + ping, 50);
    EXPECT_EQ(talk.to_client,
              "+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for "
              "'exec' command\r\n" +
                  pong);
    EXPECT_FALSE(talk.session.in_transaction());
}

}  // namespace
}  // namespace sluice::resp::test
