#include "config/command_line.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

CommandLine parse(const std::vector<std::string>& arguments) {
    return parse_command_line(arguments);
}

TEST(CommandLine, takes_a_file) {
    const auto line = parse({"--config", "a.toml"});
    EXPECT_EQ(line.action, Action::run);
    EXPECT_EQ(line.config_file, "a.toml");
    EXPECT_EQ(texts_of(line.problems), "");
    EXPECT_EQ(parse({"--config=a=b.toml"}).config_file, "a=b.toml");
}

TEST(CommandLine, takes_a_url_and_assignments_in_order) {
    const auto line =
        parse({"--postgres", "postgresql://u@h/d?a=b", "--set", "postgres.pool_size=1",
               "--set=postgres.databases.\"a=b\".host=c=d", "--check"});
    EXPECT_EQ(texts_of(line.problems), "");
    EXPECT_EQ(line.action, Action::check);
    EXPECT_EQ(line.postgres_url, "postgresql://u@h/d?a=b");
    ASSERT_EQ(line.assignments.size(), 2U);
    EXPECT_EQ(line.assignments[0].key, "postgres.pool_size");
    EXPECT_EQ(line.assignments[0].value, "1");
    EXPECT_EQ(line.assignments[1].key, "postgres.databases.\"a=b\".host");
    EXPECT_EQ(line.assignments[1].value, "c=d");
}

TEST(CommandLine, takes_a_redis_alone_or_beside_a_postgres) {
    const auto alone = parse({"--redis", "redis://h"});
    EXPECT_EQ(texts_of(alone.problems), "");
    EXPECT_EQ(alone.redis_url, "redis://h");
    const auto both = parse({"--redis=redis://h", "--postgres=postgresql://u@h"});
    EXPECT_EQ(texts_of(both.problems), "");
    EXPECT_EQ(both.redis_url, "redis://h");
    EXPECT_EQ(both.postgres_url, "postgresql://u@h");
}

TEST(CommandLine, help_and_version_need_no_settings) {
    EXPECT_EQ(parse({"--version"}).action, Action::show_version);
    EXPECT_EQ(parse({"--help"}).action, Action::show_help);
    EXPECT_EQ(parse({"-h"}).action, Action::show_help);
    EXPECT_EQ(parse({"--help", "--check"}).action, Action::show_help);
    EXPECT_TRUE(parse({"--version"}).problems.empty());
    EXPECT_NE(usage().find("--postgres URL"), std::string_view::npos);
}

TEST(CommandLine, reports_mistakes) {
    const auto expect = [](const std::vector<std::string>& arguments, const char* part) {
        EXPECT_TRUE(says(parse(arguments).problems, "command line: error: ", part));
    };
    expect({}, "nothing to do");
    expect({"--check"}, "nothing to do");
    expect({"--config"}, "--config wants a value");
    expect({"--config="}, "not empty");
    expect({"--config", "a", "--config", "b"}, "given twice");
    expect({"--config", "a", "--postgres", "b"}, "exclude each other");
    expect({"--check=yes"}, "takes no value");
    expect({"--confg", "a"}, "did you mean --config?");
    expect({"-x"}, "unknown option -x");
    expect({"a.toml"}, "goes behind --config");
    expect({"--config", "a", "--redis", "b"}, "--config and --redis exclude each other");
    expect({"--redis"}, "--redis wants a value");
    expect({"--pgbouncer-ini=p.ini"}, "--pgbouncer-ini is not in this version");
    expect({"--config", "a", "--set", "x"}, "section.key=value");
    expect({"--config", "a", "--set", "=x"}, "section.key=value");
    expect({"--config", "a", "--set"}, "--set wants a value");
}

TEST(CommandLine, reports_all_mistakes_and_shows_no_value) {
    const auto line = parse({"--sett", "hunter2", "--postgress=hunter2", "--set", "hunter2"});
    EXPECT_EQ(line.problems.size(), 4U) << texts_of(line.problems);
    EXPECT_EQ(texts_of(line.problems).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace sluice::config
