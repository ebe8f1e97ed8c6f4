#include "protocol/resp/backend_session.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::resp {
namespace {

constexpr Owner anna{1};
constexpr Owner bert{2};

/// Gives the bytes to the session in pieces and collects what each owner gets.
std::map<Owner, std::string> deliver(BackendSession& session, std::string_view bytes,
                                     std::size_t piece, Owner push_owner = Owner::nobody) {
    std::map<Owner, std::string> got;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        while (true) {
            const BackendRun run = session.next(wire::as_bytes(kept), push_owner);
            EXPECT_EQ(run.event, BackendRun::Event::none);
            if (run.bytes == 0) break;
            got[run.owner] += kept.substr(0, run.bytes);
            kept.erase(0, run.bytes);
        }
    }
    EXPECT_EQ(kept, "");
    return got;
}

TEST(BackendSession, gives_each_reply_to_whom_it_is_owed) {
    const std::string bytes = "+1\r\n$2\r\nab\r\n*2\r\n:1\r\n:2\r\n-ERR\r\n+5\r\n";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        BackendSession session;
        session.requested(anna, 1);
        session.requested(bert, 2);
        session.requested(anna, 1, 1);
        EXPECT_EQ(session.owed_count(), 5U);
        auto got = deliver(session, bytes, piece);
        EXPECT_EQ(got[anna], "+1\r\n+5\r\n");
        EXPECT_EQ(got[bert], "$2\r\nab\r\n*2\r\n:1\r\n:2\r\n");
        EXPECT_EQ(got[Owner::nobody], "-ERR\r\n");
        EXPECT_TRUE(session.settled());
    }
}

TEST(BackendSession, answers_the_departed_into_nothing) {
    BackendSession session;
    session.requested(anna, 1);
    session.requested(bert, 1);
    session.requested(anna, 1);
    const std::string first = "$4\r\nab";
    EXPECT_EQ(session.next(wire::as_bytes(first)).bytes, first.size());
    EXPECT_EQ(session.within_reply_of(), anna);
    session.disown(anna);
    EXPECT_EQ(session.within_reply_of(), Owner::nobody);
    auto got = deliver(session, "cd\r\n+b\r\n+a\r\n", 3);
    EXPECT_EQ(got[bert], "+b\r\n");
    EXPECT_EQ(got[anna], "");
}

TEST(BackendSession, takes_what_nobody_asked_for_as_a_violation) {
    BackendSession session;
    EXPECT_EQ(session.next(wire::as_bytes("-ERR max number of clients reached\r\n")).event,
              BackendRun::Event::violation);
    BackendSession answered;
    answered.requested(anna, 1);
    const std::string bytes = "+a\r\n+b\r\n";
    const BackendRun run = answered.next(wire::as_bytes(bytes));
    EXPECT_EQ(run.bytes, 4U);
    EXPECT_EQ(run.event, BackendRun::Event::none);
    EXPECT_EQ(answered.next(wire::as_bytes(bytes).subspan(4)).event, BackendRun::Event::violation);
}

TEST(BackendSession, keeps_pushes_out_of_the_count) {
    BackendSession session;
    session.requested(anna, 1);
    auto got = deliver(session, ">2\r\n+a\r\n+b\r\n:1\r\n>2\r\n+c\r\n+d\r\n", 2, bert);
    EXPECT_EQ(got[anna], ":1\r\n");
    EXPECT_EQ(got[bert], ">2\r\n+a\r\n+b\r\n>2\r\n+c\r\n+d\r\n");
}

TEST(BackendSession, counts_errors_by_what_they_say) {
    BackendSession session;
    session.requested(anna, 4);
    (void)deliver(session, "-OOM x\r\n-LOADING y\r\n-ERR z\r\n-OOM w\r\n", 1);
    EXPECT_EQ(session.errors()[static_cast<std::size_t>(ErrorKind::oom)], 2U);
    EXPECT_EQ(session.errors()[static_cast<std::size_t>(ErrorKind::loading)], 1U);
    EXPECT_EQ(session.errors()[static_cast<std::size_t>(ErrorKind::other)], 1U);
}

/// Whatever the order of requests, departures and pieces: no reply reaches another client.
TEST(BackendSession, never_mixes_clients) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 random(seed);
        BackendSession session;
        std::string bytes;
        std::map<Owner, std::string> wanted;
        for (int request = 0; request < 100; ++request) {
            const auto owner = static_cast<Owner>(1 + random() % 5);
            const std::string word =
                "c" + std::to_string(static_cast<unsigned>(owner)) + "." + std::to_string(request);
            const std::string reply = "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
            const bool skipped = random() % 4 == 0;
            session.requested(owner, 1, skipped ? 1 : 0);
            if (skipped) bytes += "+QUEUED\r\n";
            bytes += reply;
            wanted[owner] += reply;
        }
        auto got = deliver(session, bytes, 1 + random() % 40);
        got.erase(Owner::nobody);
        EXPECT_EQ(got, wanted) << "seed " << seed;
    }
}

}  // namespace
}  // namespace sluice::resp
