#include "shard_rig.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Limits limits_of(std::uint32_t pool_size, std::uint32_t max_connects = 0) {
    Limits limits;
    limits.pool_size = pool_size;
    limits.max_connects = max_connects;
    return limits;
}

TEST(ShardOpen, connects_no_more_at_once_than_max_connects) {
    ShardRig rig(limits_of(10, 2));
    for (int clients = 0; clients < 4; ++clients)
        rig.ask();
    EXPECT_EQ(rig.actions(), "open b1, open b2");
    rig.shard().opened(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "grant w1 b1, open b3");
    EXPECT_EQ(rig.shared.connects().used(), 2U);
}

TEST(ShardOpen, counts_connects_over_all_shards_and_wakes_those_who_waited_for_one) {
    ShardRig rig({.limits = limits_of(10, 1), .shard_count = 2});
    rig.ask(0);
    EXPECT_EQ(rig.actions(0), "open b1");
    rig.ask(1);
    EXPECT_EQ(rig.actions(1), "");
    rig.shard(0).opened(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(0), "grant w1 b1, wake 2");
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(1), "open b2");
}

TEST(ShardOpen, opens_one_for_each_waiter_and_no_more) {
    ShardRig rig(limits_of(10));
    rig.ask();
    EXPECT_EQ(rig.actions(), "open b1");
    rig.ask();
    EXPECT_EQ(rig.actions(), "open b2");
    rig.shard().abandon(rig.w(1), rig.now);
    // Its open is on its way and serves the next.
    rig.ask();
    EXPECT_EQ(rig.actions(), "");
}

TEST(ShardOpen, keeps_the_minimum_warm) {
    Limits limits = limits_of(10, 2);
    limits.min_pool_size = 3;
    ShardRig rig(limits);
    ASSERT_TRUE(rig.shard().next_deadline().has_value());
    EXPECT_LE(*rig.shard().next_deadline(), rig.now);
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "open b1, open b2");
    rig.shard().opened(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(), "open b3");
    rig.shard().opened(rig.b(2), rig.now);
    rig.shard().opened(rig.b(3), rig.now);
    EXPECT_EQ(rig.actions(), "");
    rig.shard().lost(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(), "open b4");
}

TEST(ShardOpen, counts_the_minimum_over_all_shards) {
    Limits limits = limits_of(10);
    limits.min_pool_size = 2;
    ShardRig rig({.limits = limits, .shard_count = 2});
    rig.shard(0).tick(rig.now);
    rig.shard(1).tick(rig.now);
    EXPECT_EQ(rig.actions(0), "open b1, open b2");
    EXPECT_EQ(rig.actions(1), "");
}

TEST(ShardOpen, a_minimum_above_pool_size_is_pool_size) {
    Limits limits = limits_of(1);
    limits.min_pool_size = 5;
    ShardRig rig(limits);
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "open b1");
    EXPECT_FALSE(rig.shard().next_deadline().has_value());
}

TEST(ShardOpen, warming_up_does_not_take_from_other_pools) {
    Budget process(1);
    ASSERT_TRUE(process.try_take());
    Limits limits = limits_of(10);
    limits.min_pool_size = 1;
    ShardRig rig({.limits = limits, .process = &process});
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");
    EXPECT_FALSE(process.wanted());
    process.give_back();
    rig.now = *rig.shard().next_deadline();
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "open b1");
}

TEST(ShardOpen, backs_off_after_a_failed_connect_and_probes_with_one) {
    Limits limits = limits_of(10, 3);
    limits.connect_retry_min = milliseconds{100};
    limits.connect_retry_max = milliseconds{400};
    ShardRig rig(limits);
    for (int clients = 0; clients < 5; ++clients)
        rig.ask();
    EXPECT_EQ(rig.actions(), "open b1, open b2, open b3");
    for (std::size_t at = 1; at <= 3; ++at) {
        rig.shard().open_failed(rig.b(at), OpenFailure::unavailable, rig.now);
        rig.shard().closed(rig.b(at), rig.now);
    }
    EXPECT_EQ(rig.actions(), "");  // The waiters wait.
    EXPECT_EQ(rig.budget().used(), 0U);
    for (std::size_t probe = 4; probe < 8; ++probe) {
        const TimePoint retry_at = *rig.shard().next_deadline();
        EXPECT_GE(retry_at - rig.now, milliseconds{100});
        EXPECT_LE(retry_at - rig.now, milliseconds{400});
        rig.shard().tick(retry_at - milliseconds{1});
        EXPECT_EQ(rig.actions(), "");
        rig.now = retry_at;
        rig.shard().tick(rig.now);
        EXPECT_EQ(rig.actions(), "open b" + std::to_string(probe));
        rig.pass(milliseconds{5});
        if (probe < 7) {
            rig.shard().open_failed(rig.b(probe), OpenFailure::unavailable, rig.now);
            rig.shard().closed(rig.b(probe), rig.now);
        }
    }
    rig.shard().opened(rig.b(7), rig.now);
    EXPECT_EQ(rig.actions(), "grant w1 b7, open b8, open b9, open b10");
}

TEST(ShardOpen, a_rejected_login_answers_all_waiters) {
    ShardRig rig(limits_of(10, 1));
    rig.ask();
    rig.ask();
    rig.actions();
    rig.shard().open_failed(rig.b(1), OpenFailure::rejected, rig.now);
    EXPECT_EQ(rig.actions(), "refuse w1 backend_rejected, refuse w2 backend_rejected");
    rig.shard().closed(rig.b(1), rig.now);
    // Until the next try nobody need wait for the same answer.
    EXPECT_EQ(rig.ask(), "refused backend_rejected");
    rig.now = rig.shared.backoff().retry_at();
    EXPECT_EQ(rig.ask(), "queued");
    EXPECT_EQ(rig.actions(), "open b2");
}

TEST(ShardOpen, a_rejected_login_answers_waiters_of_other_shards_too) {
    ShardRig rig({.limits = limits_of(10, 1), .shard_count = 2});
    rig.ask(0);
    rig.actions(0);
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).open_failed(rig.b(1), OpenFailure::rejected, rig.now);
    EXPECT_EQ(rig.actions(0), "refuse w1 backend_rejected, wake 2");
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(1), "refuse w2 backend_rejected");
}

TEST(ShardOpen, a_rejected_login_beside_living_backends_lets_newcomers_wait) {
    ShardRig rig(limits_of(2));
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.actions();
    rig.shard().open_failed(rig.b(2), OpenFailure::rejected, rig.now);
    EXPECT_EQ(rig.actions(), "refuse w3 backend_rejected");
    EXPECT_EQ(rig.ask(), "queued");
}

TEST(ShardOpen, touches_the_reserve_only_for_one_who_waited_long) {
    Limits limits = limits_of(1);
    limits.reserve_pool_size = 1;
    limits.reserve_pool_timeout = seconds{5};
    ShardRig rig(limits);
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.pass(milliseconds{1});
    rig.ask();
    rig.ask();
    EXPECT_EQ(rig.actions(), "");
    const TimePoint usable_at = rig.w(3).arrived() + seconds{5};
    EXPECT_EQ(rig.shard().next_deadline(), std::min(*rig.shard().next_deadline(), usable_at));
    rig.now = usable_at - milliseconds{1};
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");
    rig.now = usable_at;
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "open b2");
    rig.pass(seconds{5});
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");  // pool_size and the reserve: that is all.
    EXPECT_EQ(rig.budget().used(), 2U);
}

TEST(ShardOpen, a_reserve_without_a_timeout_is_never_used) {
    Limits limits = limits_of(1);
    limits.reserve_pool_size = 1;
    limits.reserve_pool_timeout = milliseconds{0};
    limits.wait_timeout = milliseconds{0};
    ShardRig rig(limits);
    rig.fill(1);
    rig.ask();
    rig.ask();
    rig.pass(seconds{1'000});
    rig.shard().tick(rig.now);
    EXPECT_EQ(rig.actions(), "");
}

TEST(ShardOpen, keeps_every_budget_of_the_chain) {
    Budget database(2);
    Budget user(3);
    Budget process(4);
    ShardRig rig(
        {.limits = limits_of(10), .database = &database, .user = &user, .process = &process});
    for (int clients = 0; clients < 5; ++clients)
        rig.ask();
    EXPECT_EQ(rig.actions(), "open b1, open b2, need permit");
    EXPECT_EQ(process.used(), 2U);
    EXPECT_EQ(user.used(), 2U);
}

TEST(ShardOpen, an_idle_backend_of_another_pool_makes_room) {
    Budget process(2);
    ShardRig rich({.limits = limits_of(10), .process = &process});
    ShardRig poor({.limits = limits_of(10), .process = &process});
    rich.fill(2);  // b1 on top, b2 the idlest.
    poor.ask();
    EXPECT_EQ(poor.actions(), "need permit");
    rich.shard().evict_one(rich.now);
    EXPECT_EQ(rich.actions(), "close b2 evicted");
    rich.shard().evict_one(rich.now);
    EXPECT_EQ(rich.actions(), "");  // One is enough.
    rich.shard().closed(rich.b(2), rich.now);
    EXPECT_EQ(rich.actions(), "offer permit");
    poor.shard().wake(poor.now);
    EXPECT_EQ(poor.actions(), "open b1");
}

TEST(ShardOpen, a_backend_that_becomes_idle_makes_room_by_itself) {
    Budget process(1);
    ShardRig rich({.limits = limits_of(10), .process = &process});
    ShardRig poor({.limits = limits_of(10), .process = &process});
    rich.fill(1);
    rich.ask();
    poor.ask();
    EXPECT_EQ(poor.actions(), "need permit");
    rich.shard().evict_one(rich.now);
    EXPECT_EQ(rich.actions(), "");
    rich.shard().release(rich.b(1), Outcome::clean, rich.now);
    EXPECT_EQ(rich.actions(), "close b1 evicted");
}

TEST(ShardOpen, room_is_not_made_below_the_minimum) {
    Budget process(1);
    Limits limits = limits_of(10);
    limits.min_pool_size = 1;
    ShardRig rich({.limits = limits, .process = &process});
    ShardRig poor({.limits = limits_of(10), .process = &process});
    rich.fill(1);
    poor.ask();
    EXPECT_EQ(poor.actions(), "need permit");
    rich.shard().evict_one(rich.now);
    EXPECT_EQ(rich.actions(), "");
}

TEST(ShardOpen, a_retiring_pool_offers_its_own_budget_to_its_successor) {
    Budget own(1);
    ShardRig old({.limits = limits_of(1), .own = &own});
    ShardRig successor({.limits = limits_of(1), .own = &own});
    old.fill(1);
    old.ask();
    old.shard().drain(old.now);
    successor.ask();
    EXPECT_EQ(successor.actions(), "need permit");
    old.shard().release(old.b(1), Outcome::clean, old.now);
    EXPECT_EQ(old.actions(), "close b1 evicted");
    old.shard().closed(old.b(1), old.now);
    EXPECT_EQ(old.actions(), "offer permit");
    successor.shard().wake(successor.now);
    EXPECT_EQ(successor.actions(), "open b1");
}

TEST(ShardOpen, a_retired_pool_and_its_successor_give_up_what_lies_idle) {
    Budget own(1);
    Limits limits = limits_of(1);
    limits.min_pool_size = 1;  // Nothing is kept warm from each other.
    ShardRig old({.limits = limits, .own = &own});
    old.fill(1);
    ShardRig successor({.limits = limits_of(1), .own = &own});
    successor.ask();
    EXPECT_EQ(successor.actions(), "need permit");
    old.shard().evict_one(old.now);
    EXPECT_EQ(old.actions(), "close b1 evicted");
    old.shard().closed(old.b(1), old.now);
    EXPECT_EQ(old.actions(), "offer permit");
    successor.shard().wake(successor.now);
    EXPECT_EQ(successor.actions(), "open b1");
}

TEST(ShardOpen, a_successor_is_kept_warm_once_the_retired_pool_is_gone) {
    Budget own(2);
    auto old = std::make_unique<ShardRig>(ShardRig::Shape{.limits = limits_of(2), .own = &own});
    Limits limits = limits_of(2);
    limits.min_pool_size = 1;
    ShardRig successor({.limits = limits, .own = &own});
    successor.shard().tick(successor.now);
    EXPECT_EQ(successor.actions(), "");
    old.reset();
    const auto again = successor.shard().next_deadline();
    ASSERT_TRUE(again) << "nobody else tells it";
    successor.now = *again;
    successor.shard().tick(successor.now);
    EXPECT_EQ(successor.actions(), "open b1");
}

TEST(ShardOpen, a_pool_without_a_successor_keeps_its_own_budget_to_itself) {
    Budget own(1);
    ShardRig only({.limits = limits_of(1), .own = &own});
    only.fill(1);
    only.ask();
    only.ask();
    EXPECT_EQ(only.actions().find("need permit"), std::string::npos);
}

}  // namespace
}  // namespace sluice::pool
