#include "server/redis/logins.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sluice::server::test {
namespace {

constexpr net::TimePoint start{};
constexpr net::Duration minute{60'000};

TEST(RedisLogins, know_for_a_while_what_the_server_has_taken) {
    RedisLogins logins;
    EXPECT_FALSE(logins.knows("ann", "a", start, minute));
    EXPECT_EQ(logins.password_of("ann"), std::nullopt);
    EXPECT_FALSE(logins.accepted("ann", "a", start));
    EXPECT_TRUE(logins.knows("ann", "a", start + minute - net::Duration{1}, minute));
    EXPECT_FALSE(logins.knows("ann", "a", start + minute, minute));
    EXPECT_FALSE(logins.knows("ann", "b", start, minute));
    EXPECT_FALSE(logins.knows("bob", "a", start, minute));
    EXPECT_FALSE(logins.knows("ann", "a", start, net::Duration{0})) << "nothing is taken unasked";
    EXPECT_EQ(logins.password_of("ann"), "a") << "backends are opened with it all the same";
}

TEST(RedisLogins, take_no_more_what_the_server_has_refused) {
    RedisLogins logins;
    EXPECT_FALSE(logins.accepted("ann", "a", start));
    logins.refused("ann", "another");
    EXPECT_TRUE(logins.knows("ann", "a", start, minute)) << "it was not this one";
    logins.refused("ann", "a");
    EXPECT_FALSE(logins.knows("ann", "a", start, minute));
    EXPECT_FALSE(logins.accepted("ann", "a", start))
        << "taken again: what was made with it is good";
    EXPECT_TRUE(logins.knows("ann", "a", start, minute));
}

TEST(RedisLogins, say_when_another_has_taken_the_place_of_a_refused_one) {
    RedisLogins logins;
    EXPECT_FALSE(logins.accepted("ann", "a", start));
    EXPECT_FALSE(logins.accepted("ann", "b", start)) << "a user may have several";
    logins.refused("ann", "b");
    EXPECT_TRUE(logins.accepted("ann", "c", start));
    EXPECT_EQ(logins.password_of("ann"), "c");
}

TEST(RedisLogins, forget_the_oldest_beyond_their_bound) {
    RedisLogins logins;
    for (std::size_t at = 0; at <= RedisLogins::user_count_max; ++at) {
        const auto later = start + net::Duration{static_cast<long>(at)};
        EXPECT_FALSE(logins.accepted("u" + std::to_string(at), "p", later));
    }
    EXPECT_EQ(logins.password_of("u0"), std::nullopt);
    EXPECT_EQ(logins.password_of("u1"), "p");
    EXPECT_EQ(logins.password_of("u" + std::to_string(RedisLogins::user_count_max)), "p");
}

TEST(RedisLogins, compare_secrets_of_any_length) {
    EXPECT_TRUE(same_secret("", ""));
    EXPECT_TRUE(same_secret("abc", "abc"));
    EXPECT_FALSE(same_secret("abc", "ab"));
    EXPECT_FALSE(same_secret("abc", ""));
}

}  // namespace
}  // namespace sluice::server::test
