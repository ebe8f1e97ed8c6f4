#include "protocol/resp/command_catalogue.hpp"

#include "protocol/resp/command_categories.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

std::string bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}
std::string array(const std::vector<std::string>& parts, char type = '*') {
    std::string out = type + std::to_string(parts.size()) + "\r\n";
    for (const std::string& part : parts)
        out += part;
    return out;
}
std::string words(const std::vector<std::string>& all, char type = '*') {
    std::vector<std::string> parts;
    for (const std::string& word : all)
        parts.push_back("+" + word + "\r\n");
    return array(parts, type);
}

/// One entry, as Redis 7.0 has it.
std::string entry(const std::string& name, int arity, const std::vector<std::string>& flags,
                  const std::vector<std::string>& categories = {},
                  const std::vector<std::string>& parts = {}, char set = '*') {
    return array({bulk(name), ":" + std::to_string(arity) + "\r\n", words(flags, set), ":1\r\n",
                  ":-1\r\n", ":2\r\n", words(categories, set), array({}),
                  array({array({bulk("notes"), bulk("x")})}), array(parts)});
}

std::shared_ptr<const CommandCatalogue> catalogue(const std::vector<std::string>& entries) {
    return CommandCatalogue::of(wire::as_bytes(array(entries)));
}

const CommandRow* row_of(const CommandCatalogue& of, std::string_view name) {
    return of.table().find(name);
}

TEST(CommandCatalogue, keeps_our_ways_and_takes_the_servers_facts) {
    const auto known =
        catalogue({entry("get", 3, {"readonly", "fast"}), entry("WAIT", 3, {"noscript"}),
                   entry("flushall", -1, {"write"}, {"@dangerous"}),
                   entry("xread", -4, {"blocking", "readonly"})});
    ASSERT_NE(known, nullptr);
    const CommandRow* const get = row_of(*known, "GET");
    ASSERT_NE(get, nullptr);
    EXPECT_EQ(get->way, CommandWay::shared);
    EXPECT_EQ(get->arity, 3);
    EXPECT_EQ(get->keys.last, -1);
    EXPECT_TRUE(get->has(CommandFlag::readonly));
    EXPECT_EQ(row_of(*known, "wait")->way, known_commands().find("wait")->way);
    EXPECT_TRUE(row_of(*known, "flushall")->has(CommandFlag::refused));
    EXPECT_EQ(row_of(*known, "flushall")->categories, category_bits("@dangerous").value());
    EXPECT_EQ(row_of(*known, "xread")->way, CommandWay::blocking_on_request);
}

TEST(CommandCatalogue, has_not_what_the_server_has_not_but_what_is_answered_here) {
    const auto known = catalogue({entry("get", 2, {"readonly"})});
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(row_of(*known, "set"), nullptr);
    EXPECT_EQ(row_of(*known, "blpop"), nullptr);
    EXPECT_EQ(row_of(*known, "hello")->way, CommandWay::hello);
    EXPECT_EQ(row_of(*known, "multi")->way, CommandWay::multi);
    const CommandRow* const client = row_of(*known, "client");
    ASSERT_NE(client, nullptr);
    EXPECT_NE(known->table().find(*client, "setinfo"), nullptr) << "answered for any server";
}

TEST(CommandCatalogue, lets_what_it_does_not_know_pass_only_when_it_is_harmless) {
    const auto known = catalogue(
        {entry("m.read", 2, {"readonly"}), entry("m.write", 3, {"write", "denyoom"}),
         entry("m.wait", 2, {"write", "blocking"}), entry("m.mystery", 1, {"fast"}),
         entry("m.admin", 1, {"readonly", "admin"}),
         entry("m.danger", 1, {"write"}, {"@dangerous"}),
         entry("m.session", 1, {"readonly"}, {"@connection"}),
         entry("m.push", 1, {"readonly", "pubsub"}), entry("m.script", 1, {"write", "noscript"})});
    ASSERT_NE(known, nullptr);
    const auto is = [&](std::string_view name, CommandWay way, bool refused) {
        const CommandRow* const row = row_of(*known, name);
        return row != nullptr && row->way == way && row->has(CommandFlag::refused) == refused;
    };
    EXPECT_TRUE(is("M.READ", CommandWay::shared, false));
    EXPECT_TRUE(is("m.write", CommandWay::shared, false));
    EXPECT_TRUE(row_of(*known, "m.write")->has(CommandFlag::denyoom));
    EXPECT_TRUE(is("m.wait", CommandWay::blocking, false));
    EXPECT_TRUE(is("m.mystery", CommandWay::session, true));
    EXPECT_TRUE(is("m.admin", CommandWay::shared, true));
    EXPECT_TRUE(is("m.danger", CommandWay::shared, true));
    EXPECT_TRUE(is("m.session", CommandWay::session, true));
    EXPECT_TRUE(is("m.push", CommandWay::session, true));
    EXPECT_TRUE(is("m.script", CommandWay::session, true));
}

TEST(CommandCatalogue, reads_subcommands_and_both_versions) {
    for (const char set : {'*', '~'}) {
        const auto known = catalogue(
            {entry("m", -2, {}, {},
                   {entry("m|get", 3, {"readonly"}, {}, {}, set),
                    entry("m|admin", 2, {"admin"}, {"@dangerous"}, {}, set)},
                   set),
             entry("config", -2, {}, {}, {entry("config|get", -3, {"admin"}, {}, {}, set)}, set)});
        ASSERT_NE(known, nullptr);
        const CommandRow* const container = row_of(*known, "m");
        ASSERT_NE(container, nullptr);
        EXPECT_EQ(container->way, CommandWay::container);
        EXPECT_EQ(known->table().find(*container, "GET")->way, CommandWay::shared);
        EXPECT_TRUE(known->table().find(*container, "admin")->has(CommandFlag::refused));
        const CommandRow* const config = row_of(*known, "config");
        EXPECT_EQ(known->table().find(*config, "get")->way, CommandWay::config_get);
        EXPECT_EQ(known->table().find(*config, "set"), nullptr);
    }
}

TEST(CommandCatalogue, takes_an_older_servers_shorter_entries) {
    const auto known = CommandCatalogue::of(wire::as_bytes(
        array({array({bulk("get"), ":2\r\n", words({"readonly"}), ":1\r\n", ":1\r\n", ":1\r\n"}),
               array({bulk("config"), ":-2\r\n", words({"admin"}), ":0\r\n", ":0\r\n", ":0\r\n",
                      words({"@admin"})})})));
    ASSERT_NE(known, nullptr);
    EXPECT_NE(known->table().find(*row_of(*known, "config"), "set"), nullptr) << "not listed there";
}

TEST(CommandCatalogue, is_none_when_the_answer_is_not_whole) {
    const std::string whole =
        array({entry("m", -2, {"x"}, {"@y"}, {entry("m|get", 3, {"readonly"})})});
    EXPECT_NE(CommandCatalogue::of(wire::as_bytes(whole)), nullptr);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
        EXPECT_EQ(CommandCatalogue::of(wire::as_bytes(whole.substr(0, bytes))), nullptr) << bytes;
    for (const std::string& bytes :
         {std::string("-NOPERM\r\n"), std::string("*0\r\n"), std::string("*1\r\n:1\r\n"),
          whole + "x", array({array({bulk("get"), ":2\r\n"})})}) {
        EXPECT_EQ(CommandCatalogue::of(wire::as_bytes(bytes)), nullptr) << bytes;
    }
}

TEST(CommandCatalogue, leaves_out_names_that_nobody_can_send) {
    const auto known = catalogue({entry("get", 2, {"readonly"}), entry("a b", 2, {"readonly"}),
                                  entry(std::string(41, 'x'), 2, {"readonly"})});
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(row_of(*known, "a b"), nullptr);
    const std::vector<std::string> many(CommandCatalogue::command_count_max + 1,
                                        entry("get", 2, {"readonly"}));
    EXPECT_EQ(catalogue(many), nullptr);
}

}  // namespace
}  // namespace sluice::resp::test
