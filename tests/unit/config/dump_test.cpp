#include "config/dump.hpp"

#include "config/load.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sluice::config {
namespace {

TEST(Dump, shows_values_with_units_and_no_secret) {
    const auto loaded = load_text(
        "[postgres]\nwait_timeout = '5s'\nmax_packet_size = '1MiB'\nmax_user_connections = 9\n"
        "[postgres.databases.app]\nhost = ['a', 'b:1']\npassword = 'hunter2'\npool_size = 3\n"
        "[postgres.users.ann]\npassword = 'hunter3'\nquery_timeout = '250ms'\n"
        "[postgres.users.bob]\npassword = 'hunter4'\n",
        "f");
    ASSERT_EQ(texts_of(loaded.problems), "");
    std::map<std::string, std::string> rows;
    for (auto& [name, value] : dump(loaded.settings)) {
        EXPECT_EQ(value.find("hunter"), std::string::npos) << name;
        EXPECT_TRUE(rows.emplace(name, value).second) << name;
    }
    EXPECT_EQ(rows.at("postgres.wait_timeout"), "5s");
    EXPECT_EQ(rows.at("postgres.max_packet_size"), "1MiB");
    EXPECT_EQ(rows.at("postgres.pool_mode"), "transaction");
    EXPECT_EQ(rows.at("postgres.listen"), "127.0.0.1:6432");
    EXPECT_EQ(rows.at("postgres.unix_socket_mode"), "0777");
    EXPECT_EQ(rows.at("admin.listen"), "127.0.0.1:9632");
    EXPECT_EQ(rows.at("postgres.databases.app.host"), "a:5432, b:1");
    EXPECT_EQ(rows.at("postgres.databases.app.password"), "(set)");
    EXPECT_EQ(rows.at("postgres.databases.app.pool_size"), "3");
    EXPECT_EQ(rows.count("postgres.databases.app.min_pool_size"), 0U);
    EXPECT_EQ(rows.at("postgres.users.ann.password"), "(set)");
    EXPECT_EQ(rows.at("postgres.users.ann.query_timeout"), "250ms");
    EXPECT_EQ(rows.at("postgres.users.ann.max_user_connections"), "9");
    EXPECT_EQ(rows.count("postgres.users.bob.password"), 0U);
    EXPECT_EQ(rows.at("postgres.users"), "1 without settings of their own");
}

}  // namespace
}  // namespace sluice::config
