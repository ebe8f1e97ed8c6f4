#include "server/pg/setting_memo.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::server {
namespace {

TEST(SettingMemo, knows_where_a_text_leads_from_where) {
    PgProfiles profiles;
    pg::StartupSettings settings;
    ASSERT_TRUE(settings.set("work_mem", "9216"));
    const ProfileRef to = profiles.find_or_add(settings);
    SettingMemo memo;
    memo.learn(0, 1, "SET work_mem = 9216", to);
    ASSERT_NE(memo.find(0, 1, "SET work_mem = 9216"), nullptr);
    EXPECT_EQ(*memo.find(0, 1, "SET work_mem = 9216"), to);
    EXPECT_EQ(memo.find(1, 1, "SET work_mem = 9216"), nullptr) << "RESET goes elsewhere";
    EXPECT_EQ(memo.find(0, 2, "SET work_mem = 9216"), nullptr);
    EXPECT_EQ(memo.find(0, 1, "SET work_mem = 9217"), nullptr);
}

TEST(SettingMemo, is_bounded_in_entries_and_in_their_length) {
    PgProfiles profiles;
    SettingMemo memo;
    for (std::size_t i = 0; i < SettingMemo::entries_max; ++i)
        memo.learn(0, 0, std::to_string(i), profiles.plain());
    EXPECT_NE(memo.find(0, 0, "0"), nullptr);
    memo.learn(0, 0, "one more", profiles.plain());
    EXPECT_EQ(memo.find(0, 0, "0"), nullptr);
    EXPECT_NE(memo.find(0, 0, "one more"), nullptr);
    const std::string longest(SettingMemo::text_bytes_max, 'x');
    memo.learn(0, 0, longest, profiles.plain());
    EXPECT_NE(memo.find(0, 0, longest), nullptr);
    memo.learn(0, 0, longest + 'x', profiles.plain());
    EXPECT_EQ(memo.find(0, 0, longest + 'x'), nullptr);
}

}  // namespace
}  // namespace sluice::server
