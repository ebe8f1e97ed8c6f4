#include "shard_rig.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Limits limits_of(std::uint32_t pool_size) {
    Limits limits;
    limits.pool_size = pool_size;
    limits.max_connects = 0;
    limits.server_idle_timeout = milliseconds{0};
    limits.server_lifetime = milliseconds{0};
    return limits;
}

/// Ticks at every deadline until `end`; returns all actions.
std::string live_until(ShardRig& rig, TimePoint end) {
    std::string all;
    while (const auto next = rig.shard().next_deadline()) {
        if (*next > end) break;
        rig.now = std::max(rig.now, *next);
        rig.shard().tick(rig.now);
        const std::string actions = rig.actions();
        if (!actions.empty()) all += (all.empty() ? "" : ", ") + actions;
    }
    rig.now = end;
    return all;
}

TEST(ShardUpkeep, closes_what_nobody_needs_but_keeps_the_minimum) {
    Limits limits = limits_of(5);
    limits.server_idle_timeout = seconds{600};
    limits.min_pool_size = 2;
    ShardRig rig(limits);
    rig.shard().tick(rig.now);
    rig.actions();
    rig.shard().opened(rig.b(1), rig.now);
    rig.shard().opened(rig.b(2), rig.now);
    rig.ask();
    rig.ask();
    rig.ask();
    EXPECT_EQ(rig.actions(), "open b3");
    rig.shard().opened(rig.b(3), rig.now);
    rig.actions();
    for (const std::size_t at : {3U, 1U, 2U}) {
        rig.pass(seconds{1});
        rig.shard().release(rig.b(at), Outcome::clean, rig.now);
    }
    const TimePoint first_idle = rig.b(3).idle_since();
    EXPECT_EQ(live_until(rig, first_idle + seconds{599}), "");
    EXPECT_EQ(live_until(rig, first_idle + seconds{10'000}), "close b3 idle_timeout");
}

TEST(ShardUpkeep, backends_of_one_age_get_ages_of_their_own) {
    Limits limits = limits_of(20);
    limits.server_lifetime = seconds{3'600};
    ShardRig rig(limits);
    rig.fill(20);
    std::set<TimePoint> ends;
    for (std::size_t at = 1; at <= 20; ++at) {
        const auto age = rig.b(at).expires_at() - rig.b(at).opened_at();
        EXPECT_LE(age, seconds{3'600});
        EXPECT_GE(age, seconds{3'240});
        ends.insert(rig.b(at).expires_at());
    }
    EXPECT_EQ(ends.size(), 20U);
}

TEST(ShardUpkeep, retires_idle_backends_one_a_tick) {
    Limits limits = limits_of(4);
    limits.server_lifetime = seconds{100};
    ShardRig rig(limits);
    rig.fill(4);
    rig.pass(seconds{100});  // All four have expired.
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions().substr(0, 7), "close b");
    EXPECT_EQ(rig.shard().count(Backend::State::idle), 3U);
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");
    live_until(rig, rig.now + seconds{30});
    EXPECT_EQ(rig.shard().count(Backend::State::idle), 0U);
}

TEST(ShardUpkeep, retires_an_expired_backend_at_release) {
    Limits limits = limits_of(1);
    limits.server_lifetime = seconds{100};
    ShardRig rig(limits);
    rig.fill(1);
    rig.ask();
    rig.pass(seconds{89});
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.ask(), "granted b1");
    rig.pass(seconds{11});
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 lifetime");
}

TEST(ShardUpkeep, an_expired_backend_is_replaced_up_to_the_minimum) {
    Limits limits = limits_of(2);
    limits.server_lifetime = seconds{100};
    limits.min_pool_size = 1;
    ShardRig rig(limits);
    rig.shard().tick(rig.now);
    rig.actions();
    rig.shard().opened(rig.b(1), rig.now);
    EXPECT_EQ(live_until(rig, rig.now + seconds{101}), "close b1 lifetime, open b2");
}

TEST(ShardUpkeep, without_limits_of_time_there_is_no_deadline) {
    ShardRig rig(limits_of(2));
    rig.fill(2);
    EXPECT_FALSE(rig.shard().next_deadline().has_value());
}

TEST(ShardUpkeep, limits_of_time_may_be_as_long_as_a_number_can_be) {
    Limits limits = limits_of(2);
    for (Duration* time :
         {&limits.reserve_pool_timeout, &limits.wait_timeout, &limits.server_idle_timeout,
          &limits.server_lifetime, &limits.server_check_delay, &limits.connect_retry_max}) {
        *time = Duration::max();
    }
    limits.reserve_pool_size = 1;
    ShardRig rig(limits);
    rig.fill(1);
    rig.pass(std::chrono::hours{24 * 365});
    EXPECT_EQ(rig.ask(), "granted b1");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "open b2");
}

TEST(ShardUpkeep, recycle_closes_idle_ones_now_and_leased_ones_when_released) {
    ShardRig rig(limits_of(4));
    rig.fill(3);  // b1 on top.
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(2), Outcome::needs_reset, rig.now);
    rig.actions();
    rig.shard().recycle(rig.now);
    EXPECT_EQ(rig.actions(), "close b3 recycled");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 recycled");
    rig.shard().reset_done(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "close b2 recycled");
    rig.fill(1);  // A new one is as good as ever.
    EXPECT_EQ(rig.ask(), "granted b4");
}

TEST(ShardUpkeep, recycle_closes_a_backend_that_was_connecting) {
    ShardRig rig(limits_of(1));
    rig.ask();
    rig.actions();
    rig.shard().recycle(rig.now);
    rig.shard().opened(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "close b1 recycled");
    rig.shard().closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b2");
}

TEST(ShardUpkeep, pause_lets_waiters_wait_and_resume_serves_them) {
    Limits limits = limits_of(2);
    limits.wait_timeout = seconds{10};
    ShardRig rig(limits);
    rig.fill(2);
    rig.ask();
    rig.shard().pause(rig.now);
    EXPECT_EQ(rig.actions(), "close b2 paused");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 paused");
    rig.pass(seconds{5});
    EXPECT_EQ(rig.ask(), "queued");
    rig.pass(seconds{5});
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "refuse w4 wait_timeout");
    rig.shard().resume(rig.now);
    // The permits of those that are still closing are not free yet.
    EXPECT_EQ(rig.actions(), "");
    rig.shard().closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b3");
}

TEST(ShardUpkeep, drain_refuses_newcomers_serves_the_line_and_closes_the_rest) {
    ShardRig rig(limits_of(2));
    rig.fill(2);
    rig.ask();
    rig.ask();
    rig.ask();
    rig.shard().drain(rig.now);
    EXPECT_EQ(rig.ask(), "refused draining");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "grant w5 b1");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    rig.shard().release(rig.b(2), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 draining, close b2 draining");
    EXPECT_FALSE(rig.shard().empty());
    rig.shard().closed(rig.b(1), rig.now);
    rig.shard().closed(rig.b(2), rig.now);
    EXPECT_TRUE(rig.shard().empty());
}

TEST(ShardUpkeep, a_lower_pool_size_closes_the_idlest_and_the_released) {
    Limits limits = limits_of(3);
    ShardRig rig(limits);
    rig.fill(3);
    rig.ask();
    rig.ask();
    limits.pool_size = 1;
    rig.shared.set_limits(limits);
    rig.shard().set_limits(limits, rig.now);
    EXPECT_EQ(rig.actions(), "close b3 over_limit");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 over_limit");
    rig.shard().release(rig.b(2), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "");
}

}  // namespace
}  // namespace sluice::pool
