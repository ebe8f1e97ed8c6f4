#include "protocol/resp/backend_login.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp {
namespace {

using Kind = BackendLogin::Step::Kind;

const std::string hello2 =
    "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
    "$2\r\nid\r\n:4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    "$7\r\nmodules\r\n*0\r\n";

BackendLogin::Step talk(BackendLogin& login, const std::string& bytes, std::size_t piece) {
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        BackendLogin::Step step = login.received(wire::as_bytes(kept));
        EXPECT_LE(step.bytes, kept.size());
        kept.erase(0, step.bytes);
        if (step.kind != Kind::read_more) return step;
    }
    return {};
}

TEST(RespBackendLogin, brings_a_backend_into_the_state_its_clients_share) {
    const BackendIdentity identity{"u", "p", 3, RespVersion::resp3, "sluice"};
    BackendLogin login(identity);
    std::string out;
    login.start(out);
    EXPECT_EQ(out,
              "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"
              "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n"
              "$6\r\nsluice\r\n*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n");
    const std::string answers = hello2 + "+OK\r\n+OK\r\n+OK\r\n*0\r\n";
    for (std::size_t piece = 1; piece <= answers.size(); ++piece) {
        BackendLogin again(identity);
        const auto step = talk(again, answers, piece);
        EXPECT_EQ(step.kind, Kind::ready) << piece;
        EXPECT_EQ(again.server_version(), "7.0.15");
        for (std::size_t cut = 1; cut < answers.size(); cut += 7) {
            BackendLogin waiting(identity);
            EXPECT_EQ(talk(waiting, answers.substr(0, cut), piece).kind, Kind::read_more);
        }
    }
}

TEST(RespBackendLogin, finds_out_whether_a_user_may_have_blocks) {
    const BackendIdentity identity{"u", "p", 0, RespVersion::resp2, {}};
    BackendLogin may(identity);
    EXPECT_EQ(talk(may, hello2 + "+OK\r\n*0\r\n", 3).kind, Kind::ready);
    EXPECT_EQ(may.block_refusal(), "");
    BackendLogin may_not(identity);
    const std::string refusal = "NOPERM this user has no permissions to run the 'multi' command";
    EXPECT_EQ(talk(may_not, hello2 + "-" + refusal + "\r\n-ERR EXEC without MULTI\r\n", 3).kind,
              Kind::ready);
    EXPECT_EQ(may_not.block_refusal(), refusal);
    // A block that was begun and cannot be ended would swallow every command.
    BackendLogin stuck(identity);
    EXPECT_EQ(talk(stuck, hello2 + "+OK\r\n-NOPERM exec\r\n", 3).kind, Kind::rejected);
}

TEST(RespBackendLogin, asks_for_no_more_than_it_needs) {
    const BackendIdentity identity;
    BackendLogin login(identity);
    std::string out;
    login.start(out);
    EXPECT_EQ(out, "*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n");
    EXPECT_EQ(talk(login, hello2, 5).kind, Kind::ready);
}

TEST(RespBackendLogin, asks_for_the_commands_and_works_without_an_answer) {
    const BackendIdentity identity{"", "", 0, RespVersion::resp2, "sluice"};
    BackendLogin asking(identity, CommandsAsked::yes);
    std::string out;
    asking.start(out);
    EXPECT_TRUE(out.ends_with("*1\r\n$7\r\nCOMMAND\r\n"));
    // Larger than any other answer may be.
    const std::string answer = "*1\r\n$20000\r\n" + std::string(20'000, 'x') + "\r\n";
    EXPECT_EQ(talk(asking, hello2 + "+OK\r\n", 50).kind, Kind::read_more);
    EXPECT_EQ(talk(asking, answer, 1'000).kind, Kind::ready);
    EXPECT_EQ(asking.commands(), answer);
    BackendLogin refused(identity, CommandsAsked::yes);
    EXPECT_EQ(talk(refused, hello2 + "+OK\r\n-NOPERM no\r\n", 7).kind, Kind::ready);
    EXPECT_EQ(refused.commands(), "");
}

TEST(RespBackendLogin, tells_a_verdict_from_a_bad_moment) {
    const BackendIdentity identity{"u", "p", 3, RespVersion::resp2, "sluice"};
    const auto after = [&](const std::string& bytes) {
        BackendLogin login(identity);
        return talk(login, bytes, 3);
    };
    EXPECT_EQ(after("-WRONGPASS no\r\n").kind, Kind::rejected);
    EXPECT_EQ(after("-WRONGPASS no\r\n").error, "WRONGPASS no");
    EXPECT_EQ(after(hello2 + "-ERR DB index is out of range\r\n").kind, Kind::rejected)
        << "a SELECT that fails must not leave the clients in another database";
    EXPECT_EQ(after(hello2 + "+OK\r\n-NOPERM no\r\n+OK\r\n*0\r\n").kind, Kind::ready)
        << "a name is no need";
    EXPECT_EQ(after("-LOADING Redis is loading\r\n").kind, Kind::unavailable);
    EXPECT_EQ(after("-ERR max number of clients reached\r\n").kind, Kind::unavailable);
    EXPECT_EQ(after("HTTP/1.1 200\r\n").kind, Kind::violation);
    EXPECT_EQ(after("$20000\r\n" + std::string(20'000, 'x')).kind, Kind::violation);
}

}  // namespace
}  // namespace sluice::resp
