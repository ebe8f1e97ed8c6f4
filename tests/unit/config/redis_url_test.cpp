#include "config/redis_url.hpp"

#include "config/draft.hpp"
#include "config/load.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

UrlSettings parse(std::string_view url) {
    return parse_redis_url(url, default_settings());
}

TEST(RedisUrl, lets_clients_in_as_whom_it_names) {
    const auto [settings, problems] = parse("redis://ann:p%40ss@h1:6400/0");
    EXPECT_EQ(texts_of(problems), "");
    const Redis& redis = settings.redis;
    ASSERT_EQ(redis.databases.size(), 1U);
    const RedisDatabase& database = redis.databases.at("default");
    EXPECT_EQ(database.host, "h1");
    EXPECT_EQ(database.port, 6400);
    EXPECT_EQ(database.user, "ann");
    EXPECT_EQ(database.password, Secret("p@ss"));
    ASSERT_EQ(redis.users.size(), 1U);
    EXPECT_EQ(redis.users.at("ann").password, Secret("p@ss"));
    EXPECT_EQ(redis.listen.at(0).port, 6380);
}

TEST(RedisUrl, fills_in_what_clients_would) {
    const auto target = [](const char* url) {
        const auto [settings, problems] = parse(url);
        EXPECT_EQ(texts_of(problems), "") << url;
        const RedisDatabase& database = settings.redis.databases.at("default");
        std::string text =
            database.user + "@" + database.host + " " + std::to_string(database.port);
        for (const auto& [name, user] : settings.redis.users)
            text += " " + name;
        return text;
    };
    EXPECT_EQ(target("redis://"), "@127.0.0.1 6379");
    EXPECT_EQ(target("redis://h"), "@h 6379");
    EXPECT_EQ(target("redis://h/"), "@h 6379");
    EXPECT_EQ(target("redis://h:/?"), "@h 6379");
    EXPECT_EQ(target("redis://:word@h:1"), "@h 1 default");
    EXPECT_EQ(target("redis://default:word@h"), "@h 6379 default");
    EXPECT_EQ(target("redis://ann:a@b@h"), "ann@h 6379 ann");
    EXPECT_EQ(target("redis://[::1]:6400"), "@::1 6400");
    EXPECT_EQ(target("redis://%2Frun%2Fredis.sock"), "@/run/redis.sock 6379");
}

TEST(RedisUrl, reports_mistakes_and_shows_no_value) {
    const auto expect = [](const std::string& url, const char* part) {
        const auto problems = parse(url).problems;
        EXPECT_TRUE(says(problems, "--redis: error: ", part)) << url;
        EXPECT_EQ(texts_of(problems).find("hunter2"), std::string::npos);
    };
    expect("", "wanted a URL such as redis://");
    expect("hunter2", "wanted a URL such as redis://");
    expect("rediss://h", "TLS towards backends is not in this version");
    expect("redis://:hunter2%4@h", "the password has a broken %-escape");
    expect("redis://h:0", "wanted a port");
    expect("redis://h:65536", "wanted a port");
    expect("redis://h%3A1", "the host is none");
    expect("redis://h/3", "by SELECT");
    expect("redis://h?hunter2=1", "a parameter cannot be followed");
    expect("redis://ann@h", "a user has a password here");
    expect("redis://*:hunter2@h", "is no name");
    expect("redis://" + std::string(64, 'a') + ":b@h", "longer than 63 bytes");
    EXPECT_TRUE(parse("redis://" + std::string(63, 'a') + ":b@h").problems.empty());
}

TEST(RedisUrl, every_beginning_of_a_url_is_read) {
    const std::string url = "redis://ann:p%40ss@[::1]:6400/0?a=b";
    for (std::size_t length = 0; length <= url.size(); ++length)
        EXPECT_NO_FATAL_FAILURE(static_cast<void>(parse(url.substr(0, length))));
}

TEST(RedisUrl, stands_alone_or_beside_a_postgres) {
    const auto alone = load_urls(std::nullopt, "redis://h");
    EXPECT_EQ(texts_of(alone.problems), "");
    EXPECT_TRUE(alone.settings.postgres.listen.empty());
    EXPECT_TRUE(alone.settings.redis.served());
    const auto both = load_urls("postgresql://u@h", "redis://h");
    EXPECT_EQ(texts_of(both.problems), "");
    EXPECT_EQ(both.settings.postgres.listen.size(), 1U);
    EXPECT_TRUE(both.settings.redis.served());
    EXPECT_FALSE(load_urls("postgresql://u@h", std::nullopt).settings.redis.served());
    const auto broken = load_urls("mysql://h", "http://h");
    EXPECT_TRUE(says(broken.problems, "--postgres: error: ", "wanted a URL"));
    EXPECT_TRUE(says(broken.problems, "--redis: error: ", "wanted a URL"));
}

TEST(RedisUrl, needs_a_password_where_others_can_reach_it) {
    const std::vector<Assignment> everywhere{{"redis.listen", "[\"0.0.0.0:6380\"]"}};
    EXPECT_FALSE(load_urls(std::nullopt, "redis://h", everywhere).usable());
    EXPECT_TRUE(load_urls(std::nullopt, "redis://:word@h", everywhere).usable());
}

}  // namespace
}  // namespace sluice::config
