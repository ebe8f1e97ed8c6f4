#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/resolve.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace sluice::config {
namespace {

const std::string alone = "[postgres]\nlisten = []\n[redis.databases.default]\nhost = 'h'\n";

LoadResult load(const std::string& text) {
    return load_text(text, "f");
}

TEST(RedisSettings, are_served_when_a_database_is_named) {
    const auto result = load(alone);
    EXPECT_TRUE(result.problems.empty()) << texts_of(result.problems);
    EXPECT_TRUE(result.settings.redis.served());
    EXPECT_EQ(result.settings.redis.listen.at(0).port, 6380);
    EXPECT_EQ(result.settings.redis.databases.at("default").port, 6379);
    const auto without = load("[postgres]\nauth = 'trust'\n[redis]\nmax_clients = 5\n");
    EXPECT_FALSE(without.settings.redis.served());
    EXPECT_FALSE(load("[postgres]\nlisten = []\n").usable()) << "nothing to listen on";
}

TEST(RedisSettings, let_a_database_say_its_own_bounds) {
    const auto result = load(alone +
                             "max_connections = 10\npinned_connections = 8\n"
                             "[redis]\nshared_connections = 3\n");
    EXPECT_TRUE(result.problems.empty()) << texts_of(result.problems);
    const Redis& redis = result.settings.redis;
    const RedisPoolSettings bounds{10, 3, 8, 1};
    EXPECT_EQ(resolve_redis(redis, redis.databases.at("default")), bounds);
}

TEST(RedisSettings, leave_room_for_a_shared_backend) {
    const auto at = load(alone + "max_connections = 9\npinned_connections = 8\n");
    EXPECT_TRUE(says(at.problems, "f:6:1: error", "leaves no room for shared ones"));
    EXPECT_TRUE(says(at.problems, "f:6:1: error", "and the control connection"));
    EXPECT_TRUE(load(alone + "max_connections = 9\npinned_connections = 7\n").usable());
}

TEST(RedisSettings, need_no_room_for_a_control_connection_that_is_none) {
    const std::string without = "[redis]\ninfo_interval = 0\n";
    EXPECT_TRUE(load(alone + "max_connections = 9\npinned_connections = 8\n" + without).usable());
    EXPECT_FALSE(load(alone + "max_connections = 8\npinned_connections = 8\n" + without).usable());
}

TEST(RedisSettings, say_whose_backends_a_user_has) {
    const auto result = load(alone +
                             "user_backends = true\n[redis]\nlogin_cache_time = '5s'\n"
                             "tracking_connections = 3\n[redis.users.ann]\n"
                             "backend_user = 'app'\nbackend_password = 'secret'\n");
    EXPECT_TRUE(result.problems.empty()) << texts_of(result.problems);
    const Redis& redis = result.settings.redis;
    EXPECT_TRUE(redis.databases.at("default").user_backends);
    EXPECT_EQ(redis.users.at("ann").backend_user, "app");
    EXPECT_EQ(redis.users.at("ann").backend_password.reveal(), "secret");
    EXPECT_EQ(redis.login_cache_time, Duration{5'000});
    EXPECT_EQ(redis.tracking_connections, 3U);
}

TEST(RedisSettings, want_one_password_for_backends_that_are_shared) {
    const std::string ann = "[redis.users.ann]\nbackend_user = 'app'\nbackend_password = 'a'\n";
    const auto bob = [](const std::string& rest) {
        return "[redis.users.bob]\nbackend_user = 'app'\n" + rest;
    };
    const auto differs = load(alone + ann + bob("backend_password = 'b'\n"));
    EXPECT_TRUE(says(differs.problems, "f:10:1: error",
                     "[redis.users.bob]: backend_password is not that of [redis.users.ann]"))
        << texts_of(differs.problems);
    EXPECT_EQ(texts_of(differs.problems).find("'b'"), std::string::npos);
    EXPECT_TRUE(says(load(alone + ann + bob("")).problems, "f:8:14: error", "backend_password"));
    EXPECT_TRUE(load(alone + ann + bob("backend_password = 'a'\n")).problems.empty());
    EXPECT_TRUE(load(alone + ann + "[redis.databases.b]\nhost = 'h'\n" +
                     bob("database = 'b'\nbackend_password = 'b'\n"))
                    .problems.empty());
}

TEST(RedisSettings, stand_in_the_example_with_their_defaults) {
    std::ifstream file(SLUICE_EXAMPLE_FILE);
    const std::string example((std::istreambuf_iterator<char>(file)), {});
    for (const KnownKey& known : known_keys()) {
        if (!known.section.starts_with("redis")) continue;
        const bool alone_there = known.section == "redis";
        const std::string section = known.section.substr(0, known.section.find("NAME"));
        const std::size_t begin = example.find("\n# [" + section + (alone_there ? "]\n" : ""));
        ASSERT_NE(begin, std::string::npos) << section;
        std::string part = example.substr(begin, example.find("\n# [", begin + 1) - begin);
        // As lists and texts are written.
        for (const char mark : {'"', '[', ']'})
            std::erase(part, mark);
        const std::string line =
            "\n# " + known.name + " = " + (alone_there ? known.standard : std::string());
        EXPECT_NE(part.find(line), std::string::npos) << line;
    }
}

TEST(RedisSettings, let_a_database_say_its_own_memory_gate) {
    const auto result = load(alone +
                             "memory_gate = 'on'\n[redis.databases.b]\nhost = 'h'\n[redis]\n"
                             "memory_gate = 'off'\n");
    EXPECT_TRUE(result.problems.empty()) << texts_of(result.problems);
    EXPECT_EQ(result.settings.redis.memory_gate, MemoryGate::off);
    EXPECT_EQ(result.settings.redis.databases.at("default").memory_gate, MemoryGate::on);
    EXPECT_FALSE(result.settings.redis.databases.at("b").memory_gate);
    EXPECT_TRUE(says(load(alone + "memory_gate = 'maybe'\n").problems, "f:5:15: error", "auto"));
}

TEST(RedisSettings, name_what_is_missing) {
    EXPECT_TRUE(says(load("[postgres]\nlisten = []\n[redis.databases.default]\n").problems,
                     "f:3:18: error", "`host` is missing"));
    EXPECT_TRUE(says(load(alone + "[redis.users.u]\ndatabase = 'x'\n").problems, "f:6:1: error",
                     "there is no [redis.databases.x]"));
    EXPECT_TRUE(says(load("[postgres]\nlisten = []\n[redis.databases.x]\nhost = 'h'\n").problems,
                     "f", "which is not there"));
    EXPECT_TRUE(says(load(alone + "[redis]\nlisten = '*:1'\n").problems, "f:6:1: warning",
                     "gets in without a password"));
    EXPECT_TRUE(load(alone + "[redis]\nlisten = '*:1'\n[redis.users.default]\npassword = 'x'\n")
                    .problems.empty());
}

TEST(RedisSettings, hold_their_limits_at_the_bounds_and_not_beyond) {
    const auto errors = [](const std::string& line) {
        return load(alone + "[redis]\n" + line + "\n").problems.size();
    };
    EXPECT_EQ(errors("shared_connections = 1"), 0U);
    EXPECT_EQ(errors("shared_connections = 0"), 1U);
    EXPECT_EQ(errors("shared_connections = 64"), 0U);
    EXPECT_EQ(errors("shared_connections = 65"), 1U);
    EXPECT_EQ(errors("max_held_bytes = '1KiB'"), 0U);
    EXPECT_EQ(errors("max_held_bytes = 1023"), 1U);
    EXPECT_EQ(errors("client_buffer_max = '64KiB'"), 0U);
    EXPECT_EQ(errors("client_buffer_max = 65535"), 1U);
    EXPECT_EQ(errors("pinned_connections = 0"), 1U);
    EXPECT_EQ(errors("max_client_subscriptions = 10000000"), 0U);
    EXPECT_EQ(errors("max_client_subscriptions = 10000001"), 1U);
}

}  // namespace
}  // namespace sluice::config
