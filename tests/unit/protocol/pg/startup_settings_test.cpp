#include "protocol/pg/startup_settings.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg {
namespace {

using namespace std::string_literals;
using Parameters = std::vector<StartupParameter>;

StartupSettings settings_of(const Parameters& parameters) {
    auto result = StartupSettings::from_parameters(parameters);
    EXPECT_TRUE(result.has_value());
    return result ? *result : StartupSettings{};
}

StartupSettingsError error_of(const Parameters& parameters) {
    auto result = StartupSettings::from_parameters(parameters);
    EXPECT_TRUE(result.has_error());
    return result ? StartupSettingsError{} : result.error();
}

std::string sql_of(const StartupSettings& from, const StartupSettings& to) {
    std::string sql;
    append_settings_sql(sql, difference(from, to));
    return sql;
}

TEST(StartupOptions, are_split_as_postgresql_does) {
    struct Row {
        std::string_view options;
        Parameters expected;
    };
    const Row rows[] = {
        {"", {}},
        {"  \t\n ", {}},
        {"-c a=1", {{"a", "1"}}},
        {"-ca=1", {{"a", "1"}}},
        {"--a=1", {{"a", "1"}}},
        {" -c  a=1   --b=2\t-cc=3 ", {{"a", "1"}, {"b", "2"}, {"c", "3"}}},
        {"-c\va=1\f--b=2\r\n--c=", {{"a", "1"}, {"b", "2"}, {"c", ""}}},
        {"--work-mem=4-MB -c x-y=-1", {{"work_mem", "4-MB"}, {"x_y", "-1"}}},
        {R"(-c search_path=a,\ "B")", {{"search_path", R"(a, "B")"}}},
        {R"(-c a=x\\y\z\)", {{"a", R"(x\yz)"}}},
        {R"(-c\ a=1)", {{" a", "1"}}},
        {"-c a=b=c", {{"a", "b=c"}}},
        {"-c --x=1", {{"__x", "1"}}},
    };
    for (const Row& row : rows) {
        std::string storage;
        Parameters settings;
        EXPECT_FALSE(split_options(row.options, storage, settings)) << row.options;
        EXPECT_EQ(settings, row.expected) << row.options;
    }
}

TEST(StartupOptions, refuse_what_sets_nothing) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"-c", "invalid command-line argument for server process: -c "},
        {"--", "invalid command-line argument for server process: -- "},
        {"-S 4096", "invalid command-line argument for server process: -S "},
        {"-ec a=1", "invalid command-line argument for server process: -ec "},
        {"a=1", "invalid command-line argument for server process: a=1 "},
        {"\\", "invalid command-line argument for server process:  "},
        {"-c a=1 -d 5", "invalid command-line argument for server process: -d "},
        {"-c foo", "-c foo requires a value"},
        {"-cfoo", "-c foo requires a value"},
        {"--foo", "--foo requires a value"},
    };
    for (const auto& [options, text] : rows) {
        std::string storage;
        Parameters settings;
        const auto error = split_options(options, storage, settings);
        ASSERT_TRUE(error) << options;
        EXPECT_EQ(error->sqlstate, "42601");
        EXPECT_TRUE(error->text.starts_with(text)) << error->text;
    }
}

TEST(StartupSettings, are_canonical) {
    const StartupSettings settings = settings_of(
        {{"TimeZone", "UTC"}, {"application_name", "x"}, {"timezone", "CET"}, {"a.B", ""}});
    EXPECT_EQ(settings.parameters(),
              (Parameters{{"a.b", ""}, {"application_name", "x"}, {"timezone", "CET"}}));
    EXPECT_EQ(settings.find("TIMEZONE"), "CET");
    EXPECT_EQ(settings.find("a.b"), "");
    EXPECT_EQ(settings.find("a"), std::nullopt);

    const StartupSettings same =
        settings_of({{"A.b", ""}, {"timezone", "CET"}, {"APPLICATION_NAME", "x"}});
    EXPECT_EQ(settings, same);
    EXPECT_EQ(settings.hash(), same.hash());
    const StartupSettings other = settings_of({{"a.b", ""}, {"timezone", "CET"}});
    EXPECT_NE(settings, other);
    EXPECT_NE(settings.hash(), other.hash());
}

TEST(StartupSettings, nothing_makes_nothing) {
    EXPECT_TRUE(settings_of({}).empty());
    EXPECT_TRUE(settings_of({{"options", ""}}).empty());
    EXPECT_EQ(settings_of({}), StartupSettings{});
}

TEST(StartupSettings, options_come_before_parameters_and_the_last_options_count) {
    const StartupSettings settings = settings_of(
        {{"work_mem", "1MB"}, {"options", "-c a=1"}, {"options", "-c work-mem=2MB -c b=1 --B=2"}});
    EXPECT_EQ(settings.parameters(), (Parameters{{"b", "2"}, {"work_mem", "1MB"}}));
}

TEST(StartupSettings, connection_parameters_are_no_settings) {
    EXPECT_TRUE(
        settings_of({{"user", "a"}, {"database", "b"}, {"replication", "database"}}).empty());
}

// Turned back into a startup packet these would name another user, database or mode.
TEST(StartupSettings, options_cannot_smuggle_connection_parameters) {
    for (const std::string name : {"user", "USER", "database", "replication", "options", "Options",
                                   "_pq_.x", "_PQ_.x", "-pq-.x"}) {
        const std::string options = "-c " + name + "=postgres";
        const StartupSettingsError error = error_of({{"options", options}});
        EXPECT_EQ(error.sqlstate, "42704") << name;
        EXPECT_TRUE(error.text.starts_with("unrecognized configuration parameter \""));
    }
    EXPECT_EQ(error_of({{"options", "-c =1"}}).sqlstate, "42704");
    EXPECT_EQ(error_of({{"User", "postgres"}}).text,
              "unrecognized configuration parameter \"User\"");
}

TEST(StartupSettings, bad_options_are_refused) {
    EXPECT_EQ(error_of({{"options", "-c foo"}}).text, "-c foo requires a value");
}

TEST(StartupSettings, count_limit_holds_on_both_sides) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i <= startup_setting_count_max; ++i) {
        names.push_back("n" + std::to_string(i));
    }
    Parameters parameters;
    for (std::size_t i = 0; i < startup_setting_count_max; ++i)
        parameters.push_back({names[i], ""});
    parameters.push_back({"N0", "again"});
    EXPECT_EQ(settings_of(parameters).parameters().size(), startup_setting_count_max);
    parameters.push_back({names.back(), ""});
    EXPECT_EQ(error_of(parameters).sqlstate, "54000");
}

TEST(StartupSettings, set_and_erase) {
    StartupSettings settings;
    EXPECT_TRUE(settings.set("B", "1"));
    EXPECT_TRUE(settings.set("a", "2"));
    EXPECT_TRUE(settings.set("b", "3"));
    EXPECT_EQ(settings, settings_of({{"a", "2"}, {"b", "3"}}));
    EXPECT_FALSE(settings.set("user", "x"));
    EXPECT_FALSE(settings.set("", "x"));
    EXPECT_FALSE(settings.set("a\0b"s, "x"));
    settings.erase("absent");
    settings.erase("A");
    EXPECT_EQ(settings, settings_of({{"b", "3"}}));
    settings.erase("b");
    EXPECT_EQ(settings, StartupSettings{});
}

TEST(SettingsDifference, sets_changes_and_resets) {
    const StartupSettings from = settings_of({{"a", "1"}, {"b", "2"}, {"d", "4"}, {"z", "9"}});
    const StartupSettings to = settings_of({{"b", "2"}, {"c", "3"}, {"d", "5"}});
    const std::vector<SettingChange> expected{
        {"a", std::nullopt}, {"c", "3"}, {"d", "5"}, {"z", std::nullopt}};
    EXPECT_EQ(difference(from, to), expected);
    EXPECT_TRUE(difference(from, from).empty());
    EXPECT_EQ(sql_of(from, from), "");
    EXPECT_EQ(sql_of({}, settings_of({{"c", "3"}})), "SELECT pg_catalog.set_config('c','3',false)");
    EXPECT_EQ(sql_of(from, to),
              "SELECT pg_catalog.set_config('a',NULL,false),pg_catalog.set_config('c','3',false),"
              "pg_catalog.set_config('d','5',false),pg_catalog.set_config('z',NULL,false)");
}

TEST(SettingsDifference, datestyle_of_one_word_does_not_keep_the_former_half) {
    const std::vector<SettingChange> expected{{"datestyle", std::nullopt}, {"datestyle", "ISO"}};
    const StartupSettings iso = settings_of({{"DateStyle", "ISO"}});
    EXPECT_EQ(difference(settings_of({{"datestyle", "ISO, DMY"}}), iso), expected);
    EXPECT_EQ(difference({}, iso).size(), 1U);
}

TEST(SettingsDifference, role_comes_after_session_authorization) {
    const std::vector<SettingChange> expected{{"session_authorization", "b"}, {"role", "a"}};
    EXPECT_EQ(difference({}, settings_of({{"role", "a"}, {"session_authorization", "b"}})),
              expected);
}

TEST(SettingsDifference, what_depends_on_roles_or_catalogs_may_be_refused_later) {
    for (const char* name : {"application_name", "datestyle", "search_path", "statement_timeout",
                             "timezone", "work_mem", "lock_timeout", "jit", "app.tenant"}) {
        EXPECT_TRUE(stays_accepted({name, "1"})) << name;
    }
    for (const char* name : {"role", "session_authorization", "default_tablespace", "log_statement",
                             "temp_tablespaces", "default_table_access_method"}) {
        EXPECT_FALSE(stays_accepted({name, "1"})) << name;
        EXPECT_FALSE(stays_accepted({name, std::nullopt})) << name;
    }
}

TEST(SettingsSql, is_ascii_with_one_meaning) {
    const std::pair<std::string, std::string> rows[] = {
        {"", "''"},
        {"plain ~", "'plain ~'"},
        {R"(a, "B")", R"('a, "B"')"},
        {"it's", "'it''s'"},
        {R"(back\slash)", R"(E'back\x5cslash')"},
        {R"(\')", R"(E'\x5c''')"},
        {"tab\tdel\x7f", R"(E'tab\x09del\x7f')"},
        {"caf\xc3\xa9", R"(E'caf\xc3\xa9')"},
        // In SJIS the first two bytes are one character, and a doubled backslash would escape.
        {"\x95\x5c'; DROP", R"(E'\x95\x5c''; DROP')"},
    };
    for (const auto& [value, literal] : rows) {
        EXPECT_EQ(sql_of({}, settings_of({{"n", value}})),
                  "SELECT pg_catalog.set_config('n'," + literal + ",false)");
    }
    EXPECT_EQ(sql_of({}, settings_of({{"n'\\", "v"}})),
              R"(SELECT pg_catalog.set_config(E'n''\x5c','v',false))");
}

}  // namespace
}  // namespace sluice::pg
