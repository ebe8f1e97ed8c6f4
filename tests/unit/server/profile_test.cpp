#include "server/pg/profile.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace sluice::server {
namespace {

pg::StartupSettings settings_of(std::initializer_list<std::pair<const char*, std::string>> items) {
    pg::StartupSettings settings;
    for (const auto& [name, value] : items)
        EXPECT_TRUE(settings.set(name, value));
    return settings;
}

pg::ParameterStatuses statuses_of(
    std::initializer_list<std::pair<const char*, const char*>> items) {
    pg::ParameterStatuses statuses;
    for (const auto& [name, value] : items)
        EXPECT_TRUE(statuses.set(name, value));
    return statuses;
}

TEST(PgProfiles, equal_settings_share_a_profile) {
    PgProfiles profiles;
    const ProfileRef one = profiles.find_or_add(settings_of({{"a.b", "1"}}));
    const ProfileRef same = profiles.find_or_add(settings_of({{"A.B", "1"}}));
    const ProfileRef other = profiles.find_or_add(settings_of({{"a.b", "2"}}));
    EXPECT_EQ(one, same);
    EXPECT_FALSE(one == other);
    EXPECT_EQ(profiles.find_or_add({}), profiles.plain());
    EXPECT_EQ(profiles.find(one->id), one);
}

TEST(PgProfiles, the_encoding_of_settings_that_nobody_logged_in_with_is_known) {
    PgProfiles profiles;
    profiles.learn(*profiles.plain(), statuses_of({{"client_encoding", "UTF8"}}));
    const ProfileRef other = profiles.find_or_add(settings_of({{"work_mem", "9216"}}));
    EXPECT_EQ(profiles.client_encoding(*other), "UTF8");
    const ProfileRef own = profiles.find_or_add(settings_of({{"client_encoding", "LATIN1"}}));
    EXPECT_EQ(profiles.client_encoding(*own), "LATIN1");
}

TEST(PgProfiles, settings_with_a_dot_change_no_texts_meaning) {
    PgProfiles profiles;
    const auto planning = [&](std::initializer_list<std::pair<const char*, std::string>> items) {
        return profiles.find_or_add(settings_of(items))->planning;
    };
    EXPECT_EQ(planning({{"app.tenant", "1"}}), planning({{"app.tenant", "2"}}));
    EXPECT_EQ(planning({{"app.tenant", "1"}}), profiles.plain()->planning);
    EXPECT_NE(planning({{"search_path", "one"}}), planning({{"search_path", "two"}}));
}

TEST(PgProfiles, know_where_a_backslash_may_mean_more) {
    PgProfiles profiles;
    const auto odd = [&](const char* name, const char* value) {
        return profiles.find_or_add(settings_of({{name, value}}))->odd_texts;
    };
    EXPECT_TRUE(odd("standard_conforming_strings", "off"));
    EXPECT_FALSE(odd("standard_conforming_strings", "on"));
    for (const char* encoding : {"SJIS", "Shift_JIS_2004", "big5", "'GBK'", "gb18030", "Win936"})
        EXPECT_TRUE(odd("client_encoding", encoding)) << encoding;
    for (const char* encoding : {"UTF8", "'utf-8'", "LATIN1", "SQL_ASCII", "EUC_JP"})
        EXPECT_FALSE(odd("client_encoding", encoding)) << encoding;
    EXPECT_FALSE(profiles.plain()->odd_texts);
}

TEST(PgProfiles, know_where_what_is_made_may_be_temporary) {
    PgProfiles profiles;
    EXPECT_TRUE(profiles.find_or_add(settings_of({{"search_path", "a, PG_TEMP"}}))->temporary_path);
    EXPECT_FALSE(profiles.find_or_add(settings_of({{"search_path", "a"}}))->temporary_path);
    EXPECT_FALSE(profiles.plain()->temporary_path);
}

TEST(PgProfiles, profiles_without_users_are_forgotten_when_there_are_many) {
    PgProfiles profiles;
    const ProfileRef kept = profiles.find_or_add(settings_of({{"a.b", "kept"}}));
    const auto add = [&profiles](std::size_t index) {
        return profiles.find_or_add(settings_of({{"a.b", std::to_string(index)}}));
    };
    std::uint32_t forgotten = 0;
    for (std::size_t index = 0; index < 10 * PgProfiles::kept_count_usual; ++index) {
        forgotten = add(0)->id;
        add(index);
        ASSERT_LE(profiles.size(), PgProfiles::kept_count_usual + 1);
    }
    const std::uint32_t last = add(1)->id;
    for (std::size_t index = 0; index < 2 * PgProfiles::kept_count_usual; ++index)
        add(index + 1'000'000);
    EXPECT_EQ(profiles.find(last), profiles.plain()) << "a profile that nobody named was kept";
    EXPECT_EQ(profiles.find(forgotten), profiles.plain());
    EXPECT_EQ(profiles.find(kept->id), kept);
    EXPECT_EQ(kept->settings.find("a.b"), "kept");
}

TEST(PgProfiles, profiles_with_users_are_never_forgotten) {
    PgProfiles profiles;
    std::vector<ProfileRef> held;
    for (std::size_t index = 0; index < 3 * PgProfiles::kept_count_usual; ++index)
        held.push_back(profiles.find_or_add(settings_of({{"a.b", std::to_string(index)}})));
    for (std::size_t index = 0; index < held.size(); ++index) {
        ASSERT_EQ(profiles.find(held[index]->id), held[index]);
        ASSERT_EQ(held[index]->settings.find("a.b"), std::to_string(index));
    }
    held.clear();
    for (std::size_t index = 0; index < 8 * PgProfiles::kept_count_usual; ++index)
        std::ignore = profiles.find_or_add(settings_of({{"c.d", std::to_string(index)}}));
    EXPECT_LE(profiles.size(), 4 * PgProfiles::kept_count_usual) << "their room is not used again";
}

TEST(PgProfiles, statuses_follow_from_a_sibling_with_another_application_name) {
    PgProfiles profiles;
    const ProfileRef one = profiles.find_or_add(settings_of({{"application_name", "one"}}));
    const ProfileRef two = profiles.find_or_add(settings_of({{"application_name", "two"}}));
    const ProfileRef odd = profiles.find_or_add(settings_of({{"application_name", "t\xc3\xa9"}}));
    const ProfileRef far =
        profiles.find_or_add(settings_of({{"application_name", "two"}, {"datestyle", "sql"}}));
    std::string out;
    EXPECT_FALSE(profiles.append_login_frames(*one, out));
    EXPECT_FALSE(profiles.accepted(*one));
    profiles.learn(*one, statuses_of({{"application_name", "one"}, {"DateStyle", "ISO, MDY"}}));
    EXPECT_TRUE(profiles.append_login_frames(*two, out));
    EXPECT_NE(out.find("two"), std::string::npos);
    EXPECT_EQ(out.find("one"), std::string::npos);
    EXPECT_TRUE(profiles.accepted(*two));
    EXPECT_FALSE(profiles.append_login_frames(*odd, out)) << "PostgreSQL reports it changed";
    EXPECT_FALSE(profiles.append_login_frames(*far, out));
    EXPECT_FALSE(profiles.accepted(*far));
    profiles.forget_statuses();
    EXPECT_FALSE(profiles.append_login_frames(*two, out));
    EXPECT_TRUE(profiles.accepted(*two)) << "what the server once took, it takes";
}

TEST(PgProfiles, what_a_server_says_of_settings_is_told_at_every_login) {
    PgProfiles profiles;
    const ProfileRef named =
        profiles.find_or_add(settings_of({{"application_name", std::string(80, 'x')}}));
    const ProfileRef other = profiles.find_or_add(settings_of({{"application_name", "other"}}));
    const auto told = [&](const ProfileRef& profile) {
        std::string out;
        EXPECT_TRUE(profiles.append_login_frames(*profile, out));
        return out.substr(0, out.find('S'));
    };
    profiles.opened_with(*profiles.plain(), "old.");
    profiles.learn_notices(*named, "cut.");
    profiles.learn(*named, statuses_of({{"application_name", "xxx"}}));
    EXPECT_EQ(told(named), "old.cut.");
    std::string nothing;
    EXPECT_FALSE(profiles.append_login_frames(*other, nothing)) << "of its own there may be others";
    profiles.learn(*other, statuses_of({{"application_name", "other"}}));
    EXPECT_EQ(told(other), "old.");

    profiles.opened_with(*named, "old.cut again.");
    EXPECT_EQ(told(named), "old.cut again.");
    profiles.forget_statuses();
    profiles.learn(*named, statuses_of({{"application_name", "xxx"}}));
    EXPECT_EQ(told(named), "old.cut again.") << "it was not asked for them anew";
    profiles.opened_with(*named, "cut.");
    EXPECT_EQ(told(named), "cut.") << "the database is in order again";
    profiles.learn(*other, statuses_of({{"application_name", "other"}}));
    EXPECT_EQ(told(other), "");
}

}  // namespace
}  // namespace sluice::server
