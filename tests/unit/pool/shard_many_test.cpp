#include "shard_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::pool {
namespace {

using std::chrono::milliseconds;

ShardRig::Shape shape_of(std::uint32_t pool_size, unsigned shard_count = 2) {
    ShardRig::Shape shape;
    shape.limits.pool_size = pool_size;
    shape.limits.max_connects = 0;
    shape.shard_count = shard_count;
    return shape;
}

TEST(ShardMany, a_released_backend_goes_where_somebody_waits) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(0);
    EXPECT_EQ(rig.ask(1), "queued");
    EXPECT_EQ(rig.actions(1), "");
    rig.shard(0).release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(0), "send b1 s1");
    EXPECT_EQ(rig.b(1).state(), Backend::State::travelling);
    rig.shard(1).arrived(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(1), "grant w3 b1");
    EXPECT_EQ(rig.budget().used(), 1U);
}

TEST(ShardMany, a_waiter_wakes_the_shard_that_has_something_idle) {
    ShardRig rig(shape_of(1, 3));
    rig.fill(1, 2);
    EXPECT_EQ(rig.ask(0), "queued");
    EXPECT_EQ(rig.actions(0), "wake 4");
    rig.shard(2).wake(rig.now);
    EXPECT_EQ(rig.actions(2), "send b1 s0");
    // It is on its way, so there is nobody to wake any more.
    rig.shard(0).wake(rig.now);
    EXPECT_EQ(rig.actions(0), "");
}

TEST(ShardMany, no_more_are_sent_than_wait) {
    ShardRig rig(shape_of(3, 3));
    rig.fill(1, 1);
    rig.ask(1);
    rig.fill(2, 0);
    rig.shard(1).release(rig.b(1), Outcome::clean, rig.now);
    rig.ask(2);
    EXPECT_EQ(rig.actions(2), "wake 3");
    rig.shard(0).wake(rig.now);
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(0), "send b2 s2");
    EXPECT_EQ(rig.actions(1), "");
}

TEST(ShardMany, nothing_is_opened_while_an_idle_backend_may_come) {
    ShardRig rig(shape_of(2));
    rig.fill(1, 0);
    rig.ask(1);
    EXPECT_EQ(rig.actions(1), "wake 1");
    // A newcomer over there was quicker; nobody sends anything.
    EXPECT_EQ(rig.ask(0), "granted b1");
    rig.shard(0).wake(rig.now);
    EXPECT_EQ(rig.actions(0), "");
    EXPECT_EQ(rig.shard(1).next_deadline(), rig.w(2).arrived() + passing_tolerance);
    rig.pass(passing_tolerance);
    rig.shard(1).tick(rig.now);
    EXPECT_EQ(rig.actions(1), "open b2");
}

TEST(ShardMany, the_own_line_comes_first_within_the_tolerance) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(0);
    rig.ask(1);
    rig.pass(passing_tolerance);
    rig.ask(0);
    rig.shard(0).release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(0), "grant w4 b1");
}

TEST(ShardMany, an_older_waiter_elsewhere_comes_first_beyond_the_tolerance) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(0);
    rig.ask(1);
    rig.now += passing_tolerance + std::chrono::nanoseconds{1};
    rig.ask(0);
    rig.shard(0).release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(0), "send b1 s1");
}

TEST(ShardMany, the_oldest_of_several_lines_is_served) {
    ShardRig rig(shape_of(1, 3));
    rig.fill(1, 0);
    rig.ask(0);
    rig.ask(2);
    rig.pass(milliseconds{1});
    rig.ask(1);
    rig.shard(0).release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(0), "send b1 s2");
}

TEST(ShardMany, a_newcomer_does_not_pass_an_older_waiter_elsewhere) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(1);
    EXPECT_EQ(rig.actions(1), "wake 1");  // Still under way when the newcomer asks.
    rig.pass(milliseconds{6});
    EXPECT_EQ(rig.ask(0), "queued");
    EXPECT_EQ(rig.actions(0), "send b1 s1");
}

TEST(ShardMany, a_closed_backend_wakes_the_shards_that_wanted_its_permit) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(0);
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).release(rig.b(1), Outcome::broken, rig.now);
    EXPECT_EQ(rig.actions(0), "close b1 broken");
    rig.shard(0).closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(0), "wake 2");
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(1), "open b2");
}

TEST(ShardMany, a_backend_lost_before_it_was_sent_wakes_the_one_who_counted_on_it) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).wake(rig.now);
    rig.shard(0).lost(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(0), "wake 2");
    EXPECT_EQ(rig.shared.travelling_to(1), 0U);
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(1), "");  // The permit is not free yet.
    rig.shard(0).closed(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(0), "wake 2");
    rig.shard(1).wake(rig.now);
    EXPECT_EQ(rig.actions(1), "open b2");
}

TEST(ShardMany, a_backend_that_died_on_its_way_arrives_and_is_lost) {
    ShardRig rig(shape_of(2));
    rig.fill(1, 0);
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).wake(rig.now);
    rig.actions(0);
    rig.shard(1).arrived(rig.b(1), rig.now);
    rig.shard(1).lost(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(1), "open b2");  // Instead of the grant, which nobody has seen.
    rig.shard(1).closed(rig.b(1), rig.now);
    rig.shard(1).opened(rig.b(2), rig.now);
    EXPECT_EQ(rig.actions(1), "grant w2 b2");
}

TEST(ShardMany, a_stale_backend_travels_and_is_checked_where_it_arrives) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.pass(milliseconds{60'000});
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).wake(rig.now);
    EXPECT_EQ(rig.actions(0), "send b1 s1");
    rig.shard(1).arrived(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(1), "check b1");
    rig.shard(1).check_done(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(1), "grant w2 b1");
}

TEST(ShardMany, a_backend_that_arrives_after_a_recycle_is_closed) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(1);
    rig.actions(1);
    rig.shard(0).wake(rig.now);
    rig.actions(0);
    rig.shard(1).recycle(rig.now);
    rig.shard(1).arrived(rig.b(1), rig.now);
    EXPECT_EQ(rig.actions(1), "close b1 recycled");
}

TEST(ShardMany, a_paused_shard_is_not_fed) {
    ShardRig rig(shape_of(1));
    rig.fill(1, 0);
    rig.ask(0);
    rig.shard(1).pause(rig.now);
    rig.ask(1);
    rig.shard(0).release(rig.b(1), Outcome::clean, rig.now);
    EXPECT_EQ(rig.actions(0), "");
    rig.shard(1).resume(rig.now);
    EXPECT_EQ(rig.actions(1), "wake 1");
}

}  // namespace
}  // namespace sluice::pool
