#include "pool/shard.hpp"

#include "shard_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Limits limits_of(std::uint32_t pool_size) {
    Limits limits;
    limits.pool_size = pool_size;
    limits.max_connects = 0;
    return limits;
}

TEST(Shard, opens_for_the_first_and_grants_when_opened) {
    ShardRig rig(limits_of(2));
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_TRUE(rig.w(1).waiting());
    EXPECT_EQ(rig.actions(), "open b1");
    EXPECT_EQ(rig.budget().used(), 1U);
    rig.shard().opened(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "grant w1 b1");
    EXPECT_FALSE(rig.w(1).waiting());
    EXPECT_EQ(rig.b(1).state(), Backend::State::leased);
}

TEST(Shard, grants_an_idle_backend_at_once) {
    ShardRig rig(limits_of(2));
    rig.fill(1);
    EXPECT_EQ(rig.ask(), "granted b1");
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.shard().stats(rig.now).counters.grants_at_once, 1U);
}

TEST(Shard, reuses_the_last_released_first) {
    ShardRig rig(limits_of(3));
    rig.fill(3);
    for (int all = 0; all < 3; ++all)
        rig.ask();
    for (const std::size_t at : {2U, 3U, 1U}) {
        rig.pass(milliseconds{1});
        rig.shard().release(rig.b(at), Outcome::clean, rig.now);
    }
    EXPECT_EQ(rig.ask(), "granted b1");
    EXPECT_EQ(rig.ask(), "granted b3");
    EXPECT_EQ(rig.ask(), "granted b2");
}

TEST(Shard, prefers_equal_affinity_among_the_topmost_eight) {
    ShardRig rig(limits_of(10));
    rig.fill(10);  // b1 on top.
    for (int all = 0; all < 10; ++all)
        rig.ask();
    rig.b(8).set_affinity(7);
    rig.b(9).set_affinity(9);
    for (std::size_t at = 10; at > 0; --at)
        rig.shard().release(rig.b(at), Outcome::clean, rig.now);
    EXPECT_EQ(rig.ask(0, 9), "granted b1");  // The ninth is not looked at, so the top serves.
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.ask(0, 7), "granted b8");
}

TEST(Shard, serves_waiters_in_order_of_arrival) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    for (int more = 0; more < 3; ++more) {
        rig.pass(milliseconds{1});
        EXPECT_EQ(rig.ask(), "queued");
    }
    for (const char* grant : {"grant w3 b1", "grant w4 b1", "grant w5 b1"}) {
        rig.shard().release(rig.b(1), Outcome::clean, rig.now);
        EXPECT_EQ(rig.actions(), grant);
    }
}

TEST(Shard, never_exceeds_pool_size) {
    ShardRig rig(limits_of(2));
    for (int clients = 0; clients < 5; ++clients)
        rig.ask();
    EXPECT_EQ(rig.actions(), "open b1, open b2");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.budget().used(), 2U);
    EXPECT_EQ(rig.shard().count(Backend::State::opening), 2U);
}

TEST(Shard, refuses_when_the_queue_is_full) {
    Limits limits = limits_of(1);
    limits.max_waiters = 2;
    ShardRig rig(limits);
    rig.fill(1);
    EXPECT_EQ(rig.ask(), "granted b1");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.ask(), "refused queue_full");
    rig.shard().abandon(rig.w(3), rig.now);
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.ask(), "refused queue_full");
}

TEST(Shard, counts_the_queue_over_all_shards) {
    Limits limits = limits_of(1);
    limits.max_waiters = 2;
    ShardRig rig({.limits = limits, .shard_count = 2});
    EXPECT_EQ(rig.ask(0), "queued");
    EXPECT_EQ(rig.ask(1), "queued");
    EXPECT_EQ(rig.ask(1), "refused queue_full");
    EXPECT_EQ(rig.ask(0), "refused queue_full");
}

TEST(Shard, refuses_a_waiter_at_its_deadline_and_not_before) {
    Limits limits = limits_of(1);
    limits.wait_timeout = milliseconds{100};
    ShardRig rig(limits);
    rig.ask();
    rig.actions();
    rig.pass(milliseconds{1});
    rig.ask();
    EXPECT_EQ(rig.shard().next_deadline(), rig.w(1).arrived() + milliseconds{100});
    rig.now = rig.w(1).arrived() + milliseconds{99};
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");
    rig.pass(milliseconds{1});
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "refuse w1 wait_timeout");
    EXPECT_EQ(rig.shard().next_deadline(), rig.w(2).arrived() + milliseconds{100});
    EXPECT_EQ(rig.shard().waiter_count(), 1U);
}

TEST(Shard, forgets_an_abandoned_waiter) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.ask();
    rig.shard().abandon(rig.w(3), rig.now);
    rig.shard().abandon(rig.w(3), rig.now);
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(), "grant w4 b1");
    EXPECT_EQ(rig.shard().stats(rig.now).counters.abandons, 1U);
}

TEST(Shard, takes_a_grant_back_from_a_waiter_that_leaves_before_it_is_performed) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    rig.shard().abandon(rig.w(3), rig.now);
    EXPECT_EQ(rig.actions(), "grant w4 b1");
}

TEST(Shard, takes_a_refusal_back_from_a_waiter_that_leaves_before_it_is_performed) {
    Limits limits = limits_of(1);
    limits.wait_timeout = milliseconds{1};
    ShardRig rig(limits);
    rig.ask();
    rig.actions();
    rig.pass(milliseconds{1});
    rig.shard().tick(rig.now);
    rig.shard().abandon(rig.w(1), rig.now);
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.shared.line().used(), 0U);
}

TEST(Shard, a_backend_lost_before_its_grant_is_performed_costs_nobody_the_place) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    rig.shard().lost(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "");
    rig.shard().closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b2");
    rig.shard().opened(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "grant w3 b2");
}

TEST(Shard, closes_a_broken_backend_and_opens_another_for_the_waiter) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::broken, rig.now);
    EXPECT_EQ(rig.actions(), "close b1 broken");
    EXPECT_EQ(rig.budget().used(), 1U);  // Until the socket is closed.
    rig.shard().closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b2");
    EXPECT_EQ(rig.budget().used(), 1U);
}

TEST(Shard, an_unclean_backend_is_reset_before_anyone_else_sees_it) {
    ShardRig rig(limits_of(2));
    rig.fill(1);
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::needs_reset, rig.now);
    EXPECT_EQ(rig.actions(), "reset b1");
    // A reset that is running covers one waiter; only the second needs one more backend.
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "open b2");
    rig.shard().reset_done(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "grant w3 b1");
}

TEST(Shard, a_failed_reset_loses_the_backend) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::needs_reset, rig.now);
    rig.actions();
    rig.shard().lost(rig.b(1), rig.now);
    rig.shard().closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b2");
}

TEST(Shard, checks_a_backend_that_was_idle_too_long_before_it_hands_it_out) {
    Limits limits = limits_of(2);
    limits.server_check_delay = seconds{30};
    ShardRig rig(limits);
    rig.fill(1);
    rig.pass(seconds{30});
    EXPECT_EQ(rig.ask(), "granted b1");
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    rig.now += seconds{30} + std::chrono::nanoseconds{1};
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "check b1");
    rig.shard().check_done(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "grant w3 b1");
}

TEST(Shard, a_newcomer_does_not_pass_one_who_waits_for_a_check) {
    Limits limits = limits_of(2);
    limits.server_check_delay = milliseconds{0};
    ShardRig rig(limits);
    rig.fill(2);
    rig.pass(milliseconds{1});
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "check b1");
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "check b2");
    // The second check ends first; the first waiter is served first all the same.
    rig.shard().check_done(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "grant w3 b2");
}

TEST(Shard, a_failed_check_costs_the_waiter_no_place) {
    Limits limits = limits_of(2);
    limits.server_check_delay = milliseconds{0};
    ShardRig rig(limits);
    rig.fill(2);
    rig.pass(milliseconds{1});
    rig.ask();
    rig.actions();
    rig.shard().lost(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "check b2");
    rig.shard().check_done(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "grant w3 b2");
}

TEST(Shard, a_loss_is_told_in_any_state_and_returns_the_permit_once) {
    ShardRig rig(limits_of(4));
    rig.fill(4);  // b1 on top.
    rig.ask();
    rig.ask();
    rig.shard().release(rig.b(2), Outcome::needs_reset, rig.now);
    rig.actions();
    rig.shard().lost(rig.b(1), rig.now);  // Leased.
    rig.shard().lost(rig.b(2), rig.now);  // Resetting.
    rig.shard().lost(rig.b(3), rig.now);  // Idle.
    rig.shard().lost(rig.b(3), rig.now);  // Closing already.
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.budget().used(), 4U);
    for (const std::size_t at : {1U, 2U, 3U})
        rig.shard().closed(rig.b(at), rig.now);
    EXPECT_EQ(rig.budget().used(), 1U);
    EXPECT_EQ(rig.shard().count(Backend::State::idle), 1U);
}

TEST(Shard, a_loss_takes_an_order_for_the_backend_back) {
    ShardRig rig(limits_of(1));
    rig.fill(1);
    rig.ask();
    rig.shard().release(rig.b(1), Outcome::needs_reset, rig.now);
    rig.shard().lost(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "");
    rig.shard().closed(rig.b(1), rig.now);
    rig.fill(1);
    rig.ask();
    rig.shard().release(rig.b(2), Outcome::broken, rig.now);
    rig.shard().lost(rig.b(2), rig.now);
    rig.shard().closed(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "");
    EXPECT_EQ(rig.budget().used(), 0U);
}

TEST(Shard, counts_every_acquire_once) {
    Limits limits = limits_of(1);
    limits.max_waiters = 2;
    limits.wait_timeout = milliseconds{10};
    ShardRig rig(limits);
    rig.fill(1);  // Granted after a wait.
    rig.ask();    // Granted at once.
    rig.ask();    // Granted after a wait of 4 ms.
    rig.ask();    // Times out.
    rig.ask();    // Refused: queue_full.
    rig.pass(milliseconds{4});
    rig.shard().release(rig.b(1), Outcome::clean, rig.now);
    rig.actions();
    rig.ask();  // Abandons.
    rig.shard().abandon(rig.w(6), rig.now);
    EXPECT_EQ(rig.shard().stats(rig.now).oldest_wait, milliseconds{4});
    rig.pass(milliseconds{6});
    rig.shard().tick(rig.now);
    rig.actions();
    const Counters counters = rig.shard().stats(rig.now).counters;
    EXPECT_EQ(counters.acquires, 6U);
    EXPECT_EQ(counters.grants_at_once, 1U);
    EXPECT_EQ(counters.grants_after_wait, 2U);
    EXPECT_EQ(counters.wait_time, milliseconds{4});
    EXPECT_EQ(counters.abandons, 1U);
    EXPECT_EQ(counters.refusals, (decltype(counters.refusals){1, 1, 0, 0}));
}

}  // namespace
}  // namespace sluice::pool
