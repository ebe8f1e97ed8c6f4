#include "config/users_file.hpp"

#include "config/reading.hpp"

#include "tests/unit/config/problem_texts.hpp"
#include "tests/unit/config/scratch_folder.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

std::string list(const UsersFile& file) {
    std::string all;
    for (const auto& user : file.users)
        all += user.name + "=" + user.secret.reveal() + ";";
    return all;
}

TEST(UsersFile, reads_the_format_of_pgbouncer) {
    const auto file = parse_users(
        "; the users\n"
        "\n"
        "\"ann\" \"secret\"\n"
        "  \"bob\"\t\"x\" \"10\" trailing words\r\n"
        "\"quo\"\"te\" \"a\"\"b\"\n"
        "\"none\" \"\"\n"
        "\"last\"\"\" \"no line break\"",
        "u");
    EXPECT_EQ(texts_of(file.problems), "");
    EXPECT_EQ(list(file), "ann=secret;bob=x;quo\"te=a\"b;none=;last\"=no line break;");
    EXPECT_EQ(file.users[1].line, 4U);
}

TEST(UsersFile, reports_every_bad_line_and_keeps_the_good_ones) {
    const auto file = parse_users(
        "ann secret\n"
        "\"bob\"\n"
        "\"eve\" \"open\n"
        "\"ok\" \"x\"\n"
        "\"\" \"x\"\n"
        "\"*\" \"x\"\n"
        "# no comment\n",
        "u");
    EXPECT_EQ(list(file), "ok=x;");
    EXPECT_EQ(texts_of(file.problems),
              "u:1:1: error: wanted a user's name in double quotes\n"
              "u:2:6: error: wanted a secret in double quotes\n"
              "u:3:7: error: wanted a secret in double quotes\n"
              "u:5:1: error: a user's name has 1 to 63 bytes\n"
              "u:6:1: error: `*` stands for other users and has no secret\n"
              "u:7:1: error: wanted a user's name in double quotes\n");
}

TEST(UsersFile, bounds_names_and_secrets) {
    const auto line = [](std::size_t name, std::size_t secret) {
        return "\"" + std::string(name, 'n') + "\" \"" + std::string(secret, 's') + "\"";
    };
    EXPECT_TRUE(parse_users(line(63, secret_bytes_max), "u").problems.empty());
    EXPECT_EQ(parse_users(line(64, 1), "u").problems.size(), 1U);
    EXPECT_EQ(parse_users(line(1, secret_bytes_max + 1), "u").problems.size(), 1U);
    EXPECT_EQ(parse_users(std::string("\"a\" \"b\0c\"", 9), "u").problems.size(), 1U);
}

TEST(UsersFile, the_later_of_two_secrets_holds) {
    const auto file = parse_users("\"a\" \"1\"\n\"a\" \"1\"\n\"a\" \"2\"\n", "u");
    EXPECT_EQ(list(file), "a=2;");
    EXPECT_EQ(texts_of(file.problems),
              "u:3:1: warning: user `a` has another secret in line 2; this one holds\n");
}

TEST(UsersFile, a_file_of_another_format_does_not_flood) {
    std::string text;
    for (int i = 0; i < 101; ++i)
        text += "root:x:0:0\n";
    const auto file = parse_users(text, "u");
    ASSERT_EQ(file.problems.size(), 101U);
    EXPECT_EQ(to_text(file.problems.back()), "u: error: 1 more bad lines");
}

TEST(UsersFile, survives_every_truncation) {
    const std::string text = "\"ann\" \"se\"\"cret\" x\n;\n\"bob\" \"\"\n";
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const auto file = parse_users(text.substr(0, length), "u");
        EXPECT_LE(file.users.size() + file.problems.size(), 2U) << length;
    }
}

TEST(UsersFile, says_why_a_file_cannot_be_read) {
    const ScratchFolder folder;
    EXPECT_EQ(read_users_file(folder.path() / "none").error,
              "cannot be read: No such file or directory");
    EXPECT_TRUE(read_users_file(folder.path()).error.starts_with("cannot be read"));
    EXPECT_EQ(list(read_users_file(folder.write("u", "\"a\" \"b\"\n"))), "a=b;");
}

}  // namespace
}  // namespace sluice::config
