#include "pool/connect_backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::pool {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::hours{1}};

Limits limits_of(milliseconds min, milliseconds max) {
    Limits limits;
    limits.connect_retry_min = min;
    limits.connect_retry_max = max;
    return limits;
}

TEST(ConnectBackoff, doubles_the_pause_up_to_the_longest) {
    const Limits limits = limits_of(milliseconds{100}, milliseconds{1'000});
    ConnectBackoff backoff;
    EXPECT_FALSE(backoff.failing());
    TimePoint now = start;
    // Random 0 is no jitter: the longest pause of its step.
    for (const int pause : {100, 200, 400, 800, 1'000, 1'000}) {
        backoff.failed(now, now, OpenFailure::unavailable, limits, 0);
        EXPECT_EQ(backoff.retry_at() - now, milliseconds{pause});
        now = backoff.retry_at();
    }
    EXPECT_TRUE(backoff.succeeded());
    EXPECT_FALSE(backoff.succeeded());
    EXPECT_FALSE(backoff.failing());
    backoff.failed(now, now, OpenFailure::unavailable, limits, 0);
    EXPECT_EQ(backoff.retry_at() - now, milliseconds{100});
}

TEST(ConnectBackoff, jitter_stays_between_half_and_whole_and_above_the_shortest) {
    const Limits limits = limits_of(milliseconds{100}, milliseconds{10'000});
    for (std::uint64_t random = 1; random != 0; random *= 3) {
        ConnectBackoff backoff;
        TimePoint now = start;
        for (const int whole : {100, 200, 400}) {
            backoff.failed(now, now, OpenFailure::unavailable, limits, random);
            EXPECT_LE(backoff.retry_at() - now, milliseconds{whole});
            EXPECT_GE(backoff.retry_at() - now, milliseconds{std::max(100, whole / 2)});
            now = backoff.retry_at();
        }
        if (random > (std::uint64_t{1} << 62U)) break;
    }
}

TEST(ConnectBackoff, failures_of_one_moment_count_once) {
    const Limits limits = limits_of(milliseconds{100}, milliseconds{10'000});
    ConnectBackoff backoff;
    const TimePoint failed = start + milliseconds{10};
    backoff.failed(start, failed, OpenFailure::unavailable, limits, 0);
    const TimePoint retry = backoff.retry_at();
    backoff.failed(start, failed + milliseconds{1}, OpenFailure::unavailable, limits, 0);
    EXPECT_EQ(backoff.retry_at(), retry);
}

TEST(ConnectBackoff, rejects_only_during_the_pause_after_a_rejection) {
    const Limits limits = limits_of(milliseconds{100}, milliseconds{10'000});
    ConnectBackoff backoff;
    backoff.failed(start, start, OpenFailure::rejected, limits, 0);
    EXPECT_TRUE(backoff.rejecting(start + milliseconds{99}));
    EXPECT_FALSE(backoff.rejecting(start + milliseconds{100}));
    backoff.failed(start + milliseconds{100}, start + milliseconds{100}, OpenFailure::unavailable,
                   limits, 0);
    EXPECT_FALSE(backoff.rejecting(start + milliseconds{101}));
}

TEST(ConnectBackoff, a_longest_pause_below_the_shortest_gives_way) {
    ConnectBackoff backoff;
    backoff.failed(start, start, OpenFailure::unavailable,
                   limits_of(milliseconds{100}, milliseconds{0}), 5);
    EXPECT_EQ(backoff.retry_at() - start, milliseconds{100});
}

TEST(ConnectBackoff, does_not_grow_for_what_we_lack_ourselves) {
    const Limits limits = limits_of(milliseconds{100}, milliseconds{1'000});
    ConnectBackoff backoff;
    TimePoint now = start;
    for (int count = 0; count < 10; ++count) {
        backoff.failed(now, now, OpenFailure::short_of_resources, limits, 0);
        EXPECT_EQ(backoff.retry_at() - now, milliseconds{100});
        EXPECT_FALSE(backoff.rejecting(now));
        now = backoff.retry_at();
    }
    EXPECT_TRUE(backoff.succeeded());
}

}  // namespace
}  // namespace sluice::pool
