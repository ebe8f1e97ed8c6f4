#include "config/toml_document.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(TomlDocument, keeps_the_order_and_the_places_of_keys) {
    const auto document = parse_toml("b = 1\na = 'x'\n[c]\n  d = [true, 1.5]\n", "f");
    EXPECT_TRUE(document.whole);
    ASSERT_EQ(document.root.size(), 3U);
    EXPECT_EQ(document.root[0].key, "b");
    EXPECT_EQ(document.root[1].key, "a");
    EXPECT_EQ(document.root[1].value.place, (Place{"f", 2, 5}));
    const auto& section = std::get<Table>(document.root[2].value.content);
    EXPECT_EQ(section[0].place, (Place{"f", 4, 3}));
    EXPECT_EQ(std::get<List>(section[0].value.content).size(), 2U);
}

TEST(TomlDocument, says_what_a_value_is) {
    const auto document = parse_toml("a='x'\nb=1\nc=1.5\nd=true\ne=1979-05-27\nf=[]\ng={}\n", "f");
    std::string kinds;
    for (const auto& entry : document.root)
        kinds += std::string(kind_of(entry.value)) + ";";
    EXPECT_EQ(kinds,
              "text;a whole number;a number with a fraction;true or false;a date or time;a list;"
              "a table;");
}

TEST(TomlDocument, reports_several_syntax_errors_and_what_is_between_them) {
    const auto document = parse_toml("a = 5s\nb = 2\nc = on\nd = 3\nb = 4\n", "f");
    EXPECT_FALSE(document.whole);
    ASSERT_EQ(document.problems.size(), 3U) << texts_of(document.problems);
    EXPECT_TRUE(says(document.problems, "f:1:", "stand in quotes"));
    EXPECT_TRUE(says(document.problems, "f:3:", "stand in quotes"));
    EXPECT_TRUE(says(document.problems, "f:5:", "cannot redefine"));
    EXPECT_EQ(document.root.size(), 2U);
}

TEST(TomlDocument, does_not_read_keys_below_a_broken_header) {
    const auto document = parse_toml("[a]\nb = 1\n[c\nd = 2\n", "f");
    EXPECT_EQ(document.problems.size(), 1U) << texts_of(document.problems);
    ASSERT_EQ(document.root.size(), 1U);
    EXPECT_EQ(std::get<Table>(document.root[0].value.content).size(), 1U);
}

TEST(TomlDocument, a_broken_list_over_several_lines_is_one_error) {
    const auto document = parse_toml("a = [\n  1,\n  x,\n]\nb = 2\n", "f");
    EXPECT_EQ(document.problems.size(), 1U) << texts_of(document.problems);
}

TEST(TomlDocument, shows_nothing_of_a_broken_password) {
    for (const auto* text : {"password = 1234hunter\n", "password = 99999999999999999999999\n",
                             "password = falsehood\n", "x = { password = hunter }\n"}) {
        const auto document = parse_toml(text, "f");
        const auto shown = texts_of(document.problems);
        EXPECT_NE(shown, "") << text;
        for (const auto* part : {"hunter", "'h'", "9999", "falseh"}) {
            EXPECT_EQ(shown.find(part), std::string::npos) << shown;
        }
    }
}

TEST(TomlDocument, bounds_depth_and_size) {
    const auto dots = [](std::size_t count) {
        std::string key = "a";
        for (std::size_t i = 0; i < count; ++i)
            key += ".a";
        return key;
    };
    EXPECT_TRUE(parse_toml(dots(16) + " = 1", "f").whole);
    EXPECT_TRUE(says(parse_toml("\n" + dots(17) + " = 1", "f").problems, "f:2:", "dots"));
    EXPECT_FALSE(parse_toml("[" + dots(100'000) + "]", "f").whole);
    EXPECT_FALSE(parse_toml("x = { " + dots(100'000) + " = 1 }", "f").whole);
    EXPECT_TRUE(parse_toml("a = '" + dots(100) + "' # " + dots(100), "f").whole);
    EXPECT_FALSE(parse_toml("a = " + std::string(100'000, '['), "f").whole);
    EXPECT_FALSE(parse_toml("#" + std::string(5UL << 20, ' '), "f").whole);
}

TEST(TomlDocument, what_the_library_asserts_is_a_syntax_error) {
    for (const auto* text : {"[#", "[\n", " [ #", "[[#", "[.a]", "a = [}", "a = {[}"}) {
        const auto document = parse_toml(text, "f");
        EXPECT_EQ(document.problems.size(), 1U) << text;
    }
}

TEST(TomlDocument, letters_beyond_ascii_stand_in_quotes) {
    for (const auto* good : {"a = \"\u00e4\u0135\"", "a = '\u00e4'", "a = '''\u00e4''' # \u00e4",
                             "a = \"\"\"x\\\n \u00e4\"\"\"", "\"\u00e4\" = 1"}) {
        EXPECT_TRUE(parse_toml(good, "f").whole) << good;
    }
    for (const auto* bad : {"a = \u00e4", "\u00e4 = 1", "a = -[\"\u0135\"", "a = \"\\\u00e4\"",
                            "a = 1\u0135", "a = \"\"\"\\\u0135\"\"\""}) {
        EXPECT_FALSE(parse_toml(bad, "f").whole) << bad;
    }
}

TEST(TomlDocument, survives_every_truncation) {
    const std::string text =
        "[postgres]\nlisten = [\"127.0.0.1:6432\", 'x']\n[postgres.databases.\"a.b\"]\n"
        "password = { env = \"X\" }\ntext = \"\"\"a\nb\"\"\"\nsince = 1979-05-27T07:32:00Z # end\n";
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const auto document = parse_toml(text.substr(0, length), "f");
        EXPECT_EQ(document.whole, document.problems.empty()) << length;
    }
}

TEST(TomlDocument, reads_one_value_by_itself) {
    const Place place{"--set", 0, 0};
    EXPECT_EQ(std::get<std::int64_t>(parse_toml_value("10", place)->content), 10);
    EXPECT_EQ(parse_toml_value("10", place)->place, place);
    EXPECT_EQ(std::get<std::string>(parse_toml_value("'a'", place)->content), "a");
    for (const auto* text : {"", "5s", "a", "1\n[x]", "1\nb = 2", "1 # x\ny=1"}) {
        EXPECT_FALSE(parse_toml_value(text, place).has_value()) << text;
    }
}

}  // namespace
}  // namespace sluice::config
