#include "server/redis/memory_gate.hpp"

#include "server/redis/health.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using Answer = MemoryGate::ProbeAnswer;
using State = MemoryGate::State;

constexpr net::TimePoint start{1h};
constexpr auto enough = MemoryGate::oom_reply_count_max;

class Gate : public testing::Test {
  protected:
    Gate() { gate.enable(true); }
    void open() { gate.oom_answered(enough, start); }
    /// The first moment at which nothing is held any more.
    [[nodiscard]] net::TimePoint end_of_hold(net::TimePoint from) const {
        net::TimePoint at = from;
        while (gate.holds(at))
            at += 1ms;
        return at;
    }
    MemoryGate gate;
};

TEST_F(Gate, opens_at_so_many_refusals_and_not_before) {
    gate.oom_answered(enough - 1, start);
    EXPECT_TRUE(gate.closed());
    EXPECT_FALSE(gate.holds(start));
    gate.oom_answered(1, start + MemoryGate::window);
    EXPECT_EQ(gate.state(), State::open);
    EXPECT_TRUE(gate.holds(start + MemoryGate::window));
    EXPECT_EQ(gate.counts().openings, 1U);
}

TEST_F(Gate, forgets_refusals_of_long_ago) {
    gate.oom_answered(enough - 1, start);
    gate.oom_answered(enough - 1, start + MemoryGate::window + 1ms);
    EXPECT_TRUE(gate.closed());
}

TEST_F(Gate, holds_for_a_short_time_and_then_lets_one_through) {
    open();
    const net::TimePoint end = end_of_hold(start);
    EXPECT_GE(end, start + MemoryGate::hold_min);
    EXPECT_LE(end, start + MemoryGate::hold_max);
    EXPECT_FALSE(gate.claim_probe(end - 1ms));
    EXPECT_TRUE(gate.claim_probe(end));
    EXPECT_EQ(gate.state(), State::half_open);
    EXPECT_FALSE(gate.claim_probe(end)) << "one a hold";
    EXPECT_TRUE(gate.holds(end)) << "the others are answered here meanwhile";
    EXPECT_EQ(gate.counts().probes, 1U);
}

TEST_F(Gate, closes_when_the_probe_was_taken) {
    open();
    EXPECT_TRUE(gate.claim_probe(end_of_hold(start)));
    gate.probe_answered(Answer::accepted);
    EXPECT_TRUE(gate.closed());
    EXPECT_FALSE(gate.claim_probe(start + 1h));
    // Nor does what was counted before count again.
    gate.oom_answered(1, start + 10ms);
    EXPECT_TRUE(gate.closed());
}

TEST_F(Gate, stays_open_when_the_probe_was_refused_or_says_nothing) {
    net::TimePoint at = start;
    open();
    for (const Answer answer : {Answer::refused, Answer::unclear}) {
        at = end_of_hold(at);
        EXPECT_TRUE(gate.claim_probe(at));
        gate.probe_answered(answer);
        EXPECT_EQ(gate.state(), State::open);
        EXPECT_TRUE(gate.holds(at));
    }
}

TEST_F(Gate, tries_again_when_a_probe_is_lost) {
    open();
    const net::TimePoint first = end_of_hold(start);
    EXPECT_TRUE(gate.claim_probe(first));
    const net::TimePoint second = end_of_hold(first);
    EXPECT_LE(second, first + MemoryGate::hold_max);
    EXPECT_TRUE(gate.claim_probe(second));
}

TEST_F(Gate, tries_at_once_behind_what_frees_memory_but_not_all_the_time) {
    open();
    gate.room_made(start + 1ms);
    EXPECT_TRUE(gate.holds(start + MemoryGate::probe_pause - 1ms));
    EXPECT_TRUE(gate.claim_probe(start + MemoryGate::probe_pause));
    gate.probe_answered(Answer::refused);
    gate.room_made(start + MemoryGate::probe_pause);
    EXPECT_TRUE(gate.holds(start + 2 * MemoryGate::probe_pause - 1ms));
    EXPECT_FALSE(gate.holds(start + 2 * MemoryGate::probe_pause));
}

TEST_F(Gate, that_is_off_is_closed) {
    open();
    gate.enable(false);
    EXPECT_TRUE(gate.closed());
    open();
    gate.measured(MemoryGate::Memory::spent, start);
    EXPECT_TRUE(gate.closed());
}

TEST_F(Gate, follows_what_is_measured) {
    gate.measured(MemoryGate::Memory::between, start);
    EXPECT_TRUE(gate.closed());
    gate.measured(MemoryGate::Memory::spent, start);
    EXPECT_TRUE(gate.holds(start));
    const net::TimePoint end = end_of_hold(start);
    gate.measured(MemoryGate::Memory::spent, end);
    EXPECT_FALSE(gate.holds(end)) << "a client's command decides, not the next look";
    gate.measured(MemoryGate::Memory::between, end);
    EXPECT_FALSE(gate.closed());
    gate.measured(MemoryGate::Memory::free, end);
    EXPECT_TRUE(gate.closed());
}

resp::ServerInfo info_of(std::uint64_t used, resp::EvictionPolicy policy) {
    resp::ServerInfo info;
    info.used_memory_bytes = used;
    info.max_memory_bytes = 1'000;
    info.policy = policy;
    return info;
}

TEST(RedisHealth, gates_by_itself_only_where_nothing_is_evicted) {
    RedisHealth health;
    health.gate.oom_answered(enough, start);
    EXPECT_TRUE(health.gate.closed()) << "the policy is not known yet";
    health.answered(info_of(1'001, resp::EvictionPolicy::allkeys_lru), start);
    health.gate.oom_answered(enough, start);
    EXPECT_TRUE(health.gate.closed());
    health.answered(info_of(1'000, resp::EvictionPolicy::noeviction), start);
    EXPECT_TRUE(health.gate.closed()) << "at its limit it still takes what comes";
    health.answered(info_of(1'001, resp::EvictionPolicy::noeviction), start);
    EXPECT_EQ(health.gate.state(), State::open);
    EXPECT_FALSE(health.unanswered("gone") && health.gate.closed()) << "what it said last holds";
    health.answered(info_of(970, resp::EvictionPolicy::noeviction), start);
    EXPECT_EQ(health.gate.state(), State::open);
    health.answered(info_of(969, resp::EvictionPolicy::noeviction), start);
    EXPECT_TRUE(health.gate.closed());
}

TEST(RedisHealth, does_as_it_is_told) {
    RedisHealth health;
    health.set_mode(config::MemoryGate::on);
    health.gate.oom_answered(enough, start);
    EXPECT_EQ(health.gate.state(), State::open);
    health.set_mode(config::MemoryGate::off);
    EXPECT_TRUE(health.gate.closed());
    health.answered(info_of(2'000, resp::EvictionPolicy::noeviction), start);
    EXPECT_TRUE(health.gate.closed());
    health.set_mode(config::MemoryGate::on);
    health.answered(info_of(2'000, resp::EvictionPolicy::volatile_ttl), start);
    EXPECT_TRUE(health.gate.closed()) << "the next command may evict";
}

TEST(RedisHealth, tells_what_it_knows_and_since_when_it_does_not) {
    RedisHealth health;
    EXPECT_FALSE(health.facts().asked);
    EXPECT_TRUE(health.unanswered("a"));
    EXPECT_FALSE(health.unanswered("a")) << "no news";
    EXPECT_TRUE(health.unanswered("b"));
    EXPECT_EQ(health.facts().failures, 3U);
    EXPECT_TRUE(health.facts().asked);
    EXPECT_FALSE(health.facts().info);
    health.answered(info_of(5, resp::EvictionPolicy::noeviction), start);
    EXPECT_EQ(health.facts().info->used_memory_bytes, 5U);
    EXPECT_TRUE(health.unanswered("b"));
    EXPECT_FALSE(health.facts().info);
    health.forget();
    EXPECT_FALSE(health.facts().asked);
}

}  // namespace
}  // namespace sluice::server
