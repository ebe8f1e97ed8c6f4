#include "config/toml_depth.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::config {
namespace {

const std::string most(16, '.');

bool is_bearable(const std::string& text) {
    return !find_too_deep(text).has_value();
}

TEST(TomlDepth, counts_the_dots_of_a_line) {
    EXPECT_TRUE(is_bearable(most));
    EXPECT_FALSE(is_bearable(most + "."));
    EXPECT_TRUE(is_bearable(most + "\n" + most));
}

TEST(TomlDepth, tells_the_place) {
    const auto found = find_too_deep("a = 1\nb" + most + ".");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->line, 2U);
    EXPECT_EQ(found->column, 18U);
}

TEST(TomlDepth, quotes_and_comments_do_not_count) {
    for (const std::string quiet :
         {"# .", "'.' # .", R"("." # .)", R"("\"." # .)", R"('\' # .)", "'''.\n.''.''' # .",
          R"(""".".""")", R"(""".""""" # .)", "''''.'''"}) {
        EXPECT_TRUE(is_bearable(quiet + "\n" + most)) << quiet;
        EXPECT_TRUE(is_bearable(most + quiet)) << quiet;
    }
}

TEST(TomlDepth, what_follows_them_does) {
    for (const std::string before :
         {"", "''", R"("\\")", R"('\')", "'''x'''", R"("""x\"""")", "'x\n", "\"x\\\n", "# x\n",
          "'''\n'''", "''''x'''", R"("""x"""")"}) {
        EXPECT_FALSE(is_bearable(before + most + ".")) << before;
    }
}

}  // namespace
}  // namespace sluice::config
