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

struct Ooms {
    std::uint32_t replies = 0;
    std::string probes;
};
/// As deliver, for what is said of memory.
Ooms ooms_of(BackendSession& session, std::string_view bytes, std::size_t piece) {
    Ooms found;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        while (true) {
            const BackendRun run = session.next(wire::as_bytes(kept));
            if (run.bytes == 0) break;
            kept.erase(0, run.bytes);
            found.replies += run.oom_replies;
            if (run.probe == BackendRun::Probe::accepted) found.probes += 'a';
            if (run.probe == BackendRun::Probe::refused) found.probes += 'r';
            if (run.probe == BackendRun::Probe::unclear) found.probes += 'u';
        }
    }
    return found;
}

constexpr std::string_view oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
constexpr std::string_view abort_for_oom =
    "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > "
    "'maxmemory'.\r\n";

TEST(BackendSession, sees_want_of_memory_wherever_it_is_said) {
    // By itself; within an answer to EXEC, last and not; as the reason of an EXECABORT; as RESP3's
    // long error. Data that says the same is data.
    const std::string bytes =
        std::string(oom) + "*3\r\n" + std::string(oom) + "+OK\r\n" + std::string(oom) +
        std::string(abort_for_oom) + "*1\r\n!5\r\nOOM x\r\n*2\r\n$5\r\nOOM x\r\n+OOM y\r\n" +
        "-EXECABORT Transaction discarded because of previous errors.\r\n" + "*1\r\n-ERR OOM z\r\n";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        BackendSession session;
        session.requested(anna, 7);
        EXPECT_EQ(ooms_of(session, bytes, piece).replies, 5U);
        EXPECT_TRUE(session.settled());
        const auto errors = session.errors();
        EXPECT_EQ(errors[static_cast<std::size_t>(ErrorKind::oom)], 4U);
        EXPECT_EQ(errors[static_cast<std::size_t>(ErrorKind::execabort_oom)], 1U);
        EXPECT_EQ(errors[static_cast<std::size_t>(ErrorKind::execabort)], 1U);
    }
}

TEST(BackendSession, tells_what_became_of_the_reply_that_is_asked_after) {
    const std::pair<std::string, std::string> cases[] = {
        {"+OK\r\n", "a"},        {std::string(oom), "r"},   {std::string(abort_for_oom), "r"},
        {"-NOPERM x\r\n", "u"},  {"-WRONGTYPE x\r\n", "a"}, {"-LOADING x\r\n", "a"},
        {"-MOVED 1 h\r\n", "u"}, {"$5\r\nOOM x\r\n", "a"},
    };
    for (const auto& [reply, wanted] : cases) {
        const std::string bytes = std::string(oom) + "+1\r\n" + reply + std::string(oom) + "+2\r\n";
        for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
            BackendSession session;
            session.requested(anna, 2);
            session.requested(bert, 1);
            session.probe();
            session.requested(anna, 1);
            session.probe();  // One at a time: the first stands.
            session.requested(anna, 1);
            EXPECT_EQ(ooms_of(session, bytes, piece).probes, wanted) << reply;
        }
    }
}

TEST(BackendSession, sees_that_its_server_takes_no_writes_any_more) {
    BackendSession session;
    session.requested(anna, 2);
    session.requested(bert, 1);
    const std::string bytes = "+OK\r\n-READONLY x\r\n*1\r\n-READONLY y\r\n";
    const BackendRun first = session.next(wire::as_bytes(bytes));
    EXPECT_TRUE(first.demoted);
    EXPECT_FALSE(session.next(wire::as_bytes(bytes).subspan(first.bytes)).demoted);
}

TEST(BackendSession, knows_what_errors_say_of_the_server) {
    for (std::size_t at = 1; at < error_kind_count; ++at) {
        const auto kind = static_cast<ErrorKind>(at);
        std::string token(name_of(kind));
        for (char& letter : token)
            letter = static_cast<char>(letter >= 'a' ? letter - ('a' - 'A') : letter);
        if (kind == ErrorKind::execabort_oom) token = abort_for_oom.substr(1);
        EXPECT_EQ(error_kind_of(token + " x"), kind) << token;
    }
    EXPECT_EQ(error_kind_of("ERR OOM"), ErrorKind::other);
    EXPECT_EQ(error_kind_of("OOMX y"), ErrorKind::other);
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
