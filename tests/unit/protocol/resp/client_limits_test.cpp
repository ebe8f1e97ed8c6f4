// What a client's session keeps from a server: what that has no memory for, and what is too large.

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp::test {
namespace {

constexpr std::string_view oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

TEST(RespClientSession, answers_for_a_server_without_memory_only_what_takes_some) {
    ClientTalk talk;
    talk.memory_spent = true;
    talk.receive(request({"SET", "k", "v"}) + request({"set", "k"}) + request({"LPUSH", "l", "x"}));
    EXPECT_EQ(talk.to_client, std::string(oom) +
                                  "-ERR wrong number of arguments for 'set' command\r\n" +
                                  std::string(oom));
    EXPECT_EQ(talk.shed, 2U);
    EXPECT_EQ(talk.lends, "");
    const std::string rest = request({"DEL", "k"}) + request({"GET", "k"}) +
                             request({"EXPIRE", "k", "1"}) + request({"EVAL", "return 1", "0"});
    talk.receive(rest);
    EXPECT_EQ(talk.to_shared, rest);
    // In its turn, when what came before is answered.
    talk.to_client.clear();
    talk.receive(request({"SET", "k", "v"}));
    EXPECT_EQ(talk.to_client, "");
    talk.pay();
    EXPECT_EQ(talk.to_client, oom);
    EXPECT_EQ(talk.shed, 3U);
}

TEST(RespClientSession, asks_for_rights_before_it_speaks_of_memory) {
    ClientTalk talk(LoginState::required);
    talk.memory_spent = true;
    talk.receive(request({"SET", "k", "v"}));
    EXPECT_EQ(talk.to_client, "-NOAUTH Authentication required.\r\n");
    EXPECT_EQ(talk.shed, 0U);
}

TEST(RespClientSession, spoils_a_block_that_has_a_command_without_memory) {
    ClientTalk talk;
    talk.receive(request({"MULTI"}) + request({"GET", "k"}));
    talk.memory_spent = true;
    talk.receive(request({"SET", "k", "v"}) + request({"DEL", "k"}));
    talk.memory_spent = false;
    talk.receive(request({"SET", "k", "v"}) + request({"EXEC"}));
    EXPECT_EQ(talk.to_client,
              "+OK\r\n+QUEUED\r\n" + std::string(oom) + "+QUEUED\r\n+QUEUED\r\n" +
                  "-EXECABORT Transaction discarded because of previous errors.\r\n");
    EXPECT_EQ(talk.to_shared, "") << "no part of it runs";
}

TEST(RespClientSession, leaves_a_stream_of_messages_alone) {
    ClientTalk talk;
    talk.receive(request({"CLIENT", "TRACKING", "ON"}));
    talk.memory_spent = true;
    talk.receive(request({"SET", "k", "v"}));
    EXPECT_EQ(talk.shed, 0U);
    EXPECT_FALSE(talk.finished);
}

constexpr std::string_view too_large = "-ERR sluice: request larger than max_request_bytes\r\n";

TEST(RespClientSession, reads_over_what_is_larger_than_a_request_may_be) {
    const std::string fits = request({"SET", "k", std::string(1'000, 'x')});
    const std::string large = request({"SET", "k", std::string(1'001, 'x')});
    const std::string get = request({"GET", "k"});
    const std::string all = fits + large + get + large + fits;
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U, 1'000U, 1'500U, 5'000U}) {
        for (const std::size_t held : {100U, 65'536U}) {
            ClientTalk talk;
            talk.terms.request_bytes_max = fits.size();
            talk.terms.held_bytes_max = held;
            std::string sent;
            for (std::size_t at = 0; at < all.size(); at += piece) {
                talk.receive(all.substr(at, piece));
                // Whatever could be sent is answered before more comes.
                while (talk.owed > 0)
                    talk.pay();
            }
            EXPECT_EQ((talk.to_shared + talk.to_pinned).size(), get.size() + 2 * fits.size());
            EXPECT_EQ(talk.to_client, std::string(too_large) + std::string(too_large));
            EXPECT_EQ(talk.oversized, 2U);
            EXPECT_FALSE(talk.finished);
        }
    }
}

TEST(RespClientSession, answers_what_is_too_large_in_its_turn) {
    ClientTalk talk;
    talk.terms.request_bytes_max = 50;
    talk.receive(request({"GET", "k"}) + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n");
    EXPECT_EQ(talk.to_client, "");
    EXPECT_EQ(talk.last, ClientStep::Kind::wait);
    talk.pay();
    talk.receive(std::string(100, 'x') + "\r\n");
    EXPECT_EQ(talk.to_client, too_large);
    talk.to_client.clear();
    talk.receive(request({"CLIENT", "REPLY", "SKIP"}) +
                 request({"SET", "k", std::string(60, 'x')}));
    EXPECT_EQ(talk.to_client, "");
    talk.receive(request({"MULTI"}) + request({"SET", "k", std::string(60, 'x')}) +
                 request({"EXEC"}));
    EXPECT_EQ(talk.to_client,
              "+OK\r\n" + std::string(too_large) +
                  "-EXECABORT Transaction discarded because of previous errors.\r\n");
    talk.to_client.clear();
    talk.receive(std::string(60, 'x') + "\r\n");
    EXPECT_EQ(talk.to_client, too_large) << "inline too";
}

TEST(RespClientSession, ends_whose_request_grows_too_large_on_its_way) {
    ClientTalk talk;
    talk.terms.held_bytes_max = 100;
    talk.terms.request_bytes_max = 300;
    std::string bytes = "*50\r\n$4\r\nMSET\r\n";
    for (int part = 0; part < 49; ++part)
        bytes += "$1\r\nx\r\n";
    talk.receive(std::string_view(bytes).substr(0, 150));
    EXPECT_NE(talk.to_pinned, "") << "a part of it is on its way";
    talk.receive(std::string_view(bytes).substr(150));
    EXPECT_TRUE(talk.finished);
    EXPECT_EQ(talk.to_client, too_large);
    EXPECT_LE(talk.to_pinned.size(), 300U);
}

TEST(RespClientSession, says_what_a_command_means_for_memory) {
    ClientTalk talk;
    talk.receive(request({"SET", "k", "v"}));
    EXPECT_EQ(talk.memory, MemoryUse::takes);
    talk.receive(request({"DEL", "k"}));
    EXPECT_EQ(talk.memory, MemoryUse::frees);
    talk.receive(request({"GET", "k"}));
    EXPECT_EQ(talk.memory, MemoryUse::neutral);
    ClientTalk operator_talk(LoginState::done, {"config set"});
    operator_talk.receive(request({"CONFIG", "SET", "maxmemory", "0"}));
    EXPECT_EQ(operator_talk.memory, MemoryUse::frees) << "the limit may have been raised";
}

TEST(RespClientSession, changes_lanes_when_nothing_is_owed) {
    ClientTalk talk;
    const std::string get = request({"GET", "k"});
    const std::string sort = request({"SORT", "l"});
    talk.receive(get + sort + get + get);
    EXPECT_EQ(talk.lends, "shared ");
    EXPECT_EQ(talk.to_shared, get);
    talk.pay();
    EXPECT_EQ(talk.lends, "shared slow ");
    EXPECT_EQ(talk.to_shared, get + sort);
    talk.pay();
    EXPECT_EQ(talk.lends, "shared slow shared ");
    EXPECT_EQ(talk.to_shared, get + sort + get + get);
    talk.pay();
    talk.heavy = true;
    talk.receive(get + sort + request({"PING"}) + get);
    EXPECT_EQ(talk.lends, "shared slow shared slow ");
    EXPECT_EQ(talk.owed, 4U);
    talk.pay();
    talk.receive(request({"BLPOP", "q", "0"}));
    EXPECT_EQ(talk.lends, "shared slow shared slow blocking ");
}

}  // namespace
}  // namespace sluice::resp::test
