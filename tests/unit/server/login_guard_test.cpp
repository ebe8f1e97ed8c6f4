#include "server/auth/login_guard.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using Verdict = LoginGuard::Verdict;

constexpr net::ClientAddress ann{1};
constexpr net::ClientAddress bob{2};
constexpr LoginGuard::TimePoint start{1h};

LoginGuard guard_of(std::uint32_t max_failed_logins, std::uint32_t max_logins_per_second) {
    return LoginGuard({500ms, max_failed_logins, max_logins_per_second});
}

Verdict log_in(LoginGuard& guard, const net::ClientAddress& address, LoginGuard::TimePoint now) {
    const Verdict begins = guard.login_begins(address, now);
    return begins == Verdict::welcome ? guard.login_succeeded(address, now) : begins;
}

TEST(LoginGuard, delays_double_up_to_their_limit) {
    LoginGuard guard({500ms, 0, 0});
    for (const auto delay : {500ms, 1'000ms, 2'000ms, 4'000ms, 5'000ms, 5'000ms})
        EXPECT_EQ(guard.login_failed(ann, start), delay);
    EXPECT_EQ(guard.login_failed(bob, start), 500ms);
    EXPECT_EQ(guard.login_failed(ann, start + LoginGuard::window), 500ms);
}

TEST(LoginGuard, blocks_at_the_limit_until_the_minute_is_over) {
    LoginGuard guard = guard_of(2, 0);
    static_cast<void>(guard.login_failed(ann, start));
    EXPECT_EQ(guard.login_begins(ann, start), Verdict::welcome);
    static_cast<void>(guard.login_failed(ann, start));
    EXPECT_EQ(guard.login_begins(ann, start + LoginGuard::window - 1ms), Verdict::blocked);
    EXPECT_EQ(guard.login_begins(bob, start), Verdict::welcome);
    EXPECT_EQ(guard.login_begins(ann, start + LoginGuard::window), Verdict::welcome);
}

TEST(LoginGuard, limits_good_logins_of_a_second) {
    LoginGuard guard = guard_of(0, 2);
    EXPECT_EQ(log_in(guard, ann, start), Verdict::welcome);
    EXPECT_EQ(log_in(guard, ann, start + 999ms), Verdict::welcome);
    EXPECT_EQ(log_in(guard, ann, start + 999ms), Verdict::too_fast);
    EXPECT_EQ(log_in(guard, bob, start + 999ms), Verdict::welcome);
    EXPECT_EQ(log_in(guard, ann, start + 1s), Verdict::welcome);
}

TEST(LoginGuard, failed_logins_use_up_no_place_of_good_ones) {
    LoginGuard guard = guard_of(0, 1);
    for (int count = 0; count < 5; ++count) {
        EXPECT_EQ(guard.login_begins(ann, start), Verdict::welcome);
        static_cast<void>(guard.login_failed(ann, start));
    }
    EXPECT_EQ(log_in(guard, ann, start), Verdict::welcome);
    EXPECT_EQ(guard.login_begins(ann, start), Verdict::too_fast);
}

TEST(LoginGuard, logins_that_began_together_are_counted_one_by_one) {
    LoginGuard guard = guard_of(0, 1);
    EXPECT_EQ(guard.login_begins(ann, start), Verdict::welcome);
    EXPECT_EQ(guard.login_begins(ann, start), Verdict::welcome);
    EXPECT_EQ(guard.login_succeeded(ann, start), Verdict::welcome);
    EXPECT_EQ(guard.login_succeeded(ann, start), Verdict::too_fast);
}

TEST(LoginGuard, zero_is_no_limit) {
    LoginGuard guard({0ms, 0, 0});
    for (int count = 0; count < 100; ++count) {
        EXPECT_EQ(guard.login_failed(ann, start), 0ms);
        EXPECT_EQ(log_in(guard, ann, start), Verdict::welcome);
    }
}

TEST(LoginGuard, other_rules_hold_at_once_for_addresses_that_are_known) {
    LoginGuard guard = guard_of(0, 0);
    EXPECT_EQ(guard.login_failed(ann, start), 500ms);
    guard.set_rules({50ms, 1, 0});
    EXPECT_EQ(guard.login_begins(ann, start), Verdict::blocked);
    EXPECT_EQ(guard.login_failed(bob, start), 50ms);
    guard.set_rules({50ms, 2, 1});
    EXPECT_EQ(log_in(guard, ann, start), Verdict::welcome);
    EXPECT_EQ(log_in(guard, ann, start), Verdict::too_fast);
    guard.set_rules({50ms, 2, 0});
    EXPECT_EQ(log_in(guard, ann, start), Verdict::welcome);
}

}  // namespace
}  // namespace sluice::server
