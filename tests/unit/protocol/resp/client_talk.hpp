#pragma once

#include "protocol/resp/client_session.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::resp::test {

inline std::string request(std::initializer_list<std::string_view> words) {
    std::string out;
    begin_request(out, words.size());
    for (const std::string_view word : words)
        append_argument(out, word);
    return out;
}

/// A client's session with all that a relay would do around it, without sockets.
class ClientTalk {
  public:
    explicit ClientTalk(LoginState login = LoginState::done,
                        const std::vector<std::string>& allow = {})
        : policy(known_commands(), allow, {}), session(login) {
        terms.policy = &policy;
    }

    /// Bytes arrive; whatever can be decided is.
    void receive(std::string_view bytes) {
        kept += bytes;
        serve();
    }
    /// Everything owed has come; what waited for that goes on.
    void pay() {
        owed = 0;
        if (lending == Lending::pinned && !session.holds_pin()) lending = Lending::none;
        serve();
    }
    void forwarded(const ClientStep& step) {
        EXPECT_NE(lending, Lending::none);
        (lending == Lending::pinned ? to_pinned : to_shared) += step.send;
        skipped += step.skipped;
        if (step.muted) muted += step.replies;
        adds_section = step.adds_section;
        may_wait = step.may_wait;
        owed += step.replies;
    }
    void serve() {
        while (!finished && !kept.empty()) {
            Situation at;
            at.lending = lending;
            at.owed = owed > 0;
            at.subscribed = subscribed;
            at.memory_spent = memory_spent;
            at.heavy = heavy;
            if (lending != Lending::none) at.block_refusal = block_refusal;
            std::string out;
            const ClientStep step =
                session.next(wire::as_bytes(kept), at, terms, {7, "7.0.15"}, out);
            to_client += out;
            last = step.kind;
            shed += step.spared == Spared::memory ? 1 : 0;
            oversized += step.spared == Spared::size ? 1 : 0;
            memory = step.memory;
            switch (step.kind) {
                case ClientStep::Kind::read_more:
                case ClientStep::Kind::wait: EXPECT_EQ(out, ""); return;
                case ClientStep::Kind::judge:
                    EXPECT_EQ(out, "");
                    session.judged(step.password == "secret" ? LoginVerdict::accepted
                                                             : LoginVerdict::rejected);
                    continue;
                case ClientStep::Kind::lend:
                    EXPECT_EQ(out, "");
                    lends += step.lending == Lending::shared ? std::string("shared ")
                             : step.lending == Lending::slow
                                 ? std::string("slow ")
                                 : std::string(name_of(step.reason)) + ' ';
                    if (refuses) {
                        const std::size_t bytes =
                            session.refuse(wire::as_bytes(kept), terms, "ERR full", to_client);
                        ASSERT_GT(bytes, 0U);
                        kept.erase(0, bytes);
                        continue;
                    }
                    EXPECT_EQ(owed, 0U) << "a client has one backend at a time";
                    lending = step.lending;
                    continue;
                case ClientStep::Kind::part:
                case ClientStep::Kind::forward: forwarded(step); break;
                case ClientStep::Kind::reset:
                    lending = Lending::none;
                    owed = 0;
                    subscribed = false;
                    break;
                case ClientStep::Kind::subscribe:
                case ClientStep::Kind::unsubscribe:
                    EXPECT_EQ(owed, 0U) << "what has gone before is answered first";
                    subscribed = step.kind == ClientStep::Kind::subscribe;
                    channels += step.send;
                    break;
                case ClientStep::Kind::consult:
                    EXPECT_EQ(owed, 0U);
                    consulted += step.send;
                    subject = step.subject;
                    everybody = step.everybody;
                    break;
                case ClientStep::Kind::ping: ++pings; break;
                case ClientStep::Kind::answer: break;
                case ClientStep::Kind::finish: finished = true; break;
            }
            ASSERT_LE(step.bytes, kept.size());
            kept.erase(0, step.bytes);
            session.sent();
        }
    }

    CommandPolicy policy;
    SessionTerms terms;
    ClientSession session;
    Lending lending = Lending::none;
    std::string kept;
    std::string to_client;
    std::string to_shared;
    std::string to_pinned;
    std::string lends;
    std::string channels;
    std::string consulted;
    Subject subject = Subject::own_line;
    bool everybody = false;
    bool adds_section = false;
    bool may_wait = false;
    std::size_t owed = 0;
    std::size_t skipped = 0;
    std::size_t muted = 0;
    std::size_t shed = 0;
    std::size_t oversized = 0;
    bool memory_spent = false;
    bool heavy = false;
    std::string_view block_refusal;
    MemoryUse memory = MemoryUse::neutral;
    bool finished = false;
    bool refuses = false;
    bool subscribed = false;
    int pings = 0;  ///< To be answered behind the messages so far.
    ClientStep::Kind last = ClientStep::Kind::read_more;
};

}  // namespace sluice::resp::test
