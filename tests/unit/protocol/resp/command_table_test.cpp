#include "protocol/resp/command_table.hpp"

#include "protocol/resp/command_categories.hpp"
#include "protocol/resp/command_policy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp {
namespace {

const CommandRow& row(std::string_view name) {
    const std::size_t blank = name.find(' ');
    const CommandRow* found = known_commands().find(name.substr(0, blank));
    if (found != nullptr && blank != std::string_view::npos) {
        found = known_commands().find(*found, name.substr(blank + 1));
    }
    EXPECT_NE(found, nullptr) << name;
    static const CommandRow none{"", 0, CommandWay::never, CommandFlag::none, {}};
    return found == nullptr ? none : *found;
}

TEST(CommandTable, finds_every_row_in_any_case) {
    const CommandTable& table = known_commands();
    for (std::size_t index = 0; index < table.size(); ++index) {
        const CommandRow& known = table.at(index);
        EXPECT_EQ(table.index_of(known), index);
        EXPECT_EQ(&row(known.name), &known);
        std::string upper(known.name);
        for (char& letter : upper)
            letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
        EXPECT_EQ(&row(upper), &known) << upper;
        EXPECT_LT(known.name.size(), CommandTable::name_bytes_max);
    }
    EXPECT_EQ(table.find(""), nullptr);
    EXPECT_EQ(table.find("nosuch"), nullptr);
    EXPECT_EQ(table.find("client id"), nullptr) << "one word is one word";
    EXPECT_EQ(table.find(std::string(CommandTable::name_bytes_max + 1, 'a')), nullptr);
    EXPECT_EQ(table.find(row("client"), std::string(100, 'a')), nullptr);
}

TEST(CommandTable, pins_what_blocks_and_shares_what_does_not) {
    for (const std::string_view name :
         {"get", "set", "xadd", "sort", "scan", "evalsha", "publish"}) {
        EXPECT_EQ(row(name).way, CommandWay::shared) << name;
    }
    for (const std::string_view name :
         {"blpop", "brpop", "blmove", "blmpop", "brpoplpush", "bzpopmin", "bzpopmax", "bzmpop"}) {
        EXPECT_EQ(row(name).way, CommandWay::blocking) << name;
    }
    EXPECT_EQ(row("xread").way, CommandWay::blocking_on_request);
    EXPECT_EQ(row("xreadgroup").way, CommandWay::blocking_on_request);
    // Flags alone would share these. WAIT counts what its own connection wrote.
    EXPECT_EQ(row("wait").way, CommandWay::never);
    EXPECT_EQ(row("monitor").way, CommandWay::never);
    EXPECT_EQ(row("subscribe").way, CommandWay::subscriber);
    EXPECT_EQ(row("client tracking").way, CommandWay::session);
}

TEST(CommandTable, counts_arguments_as_the_server_does) {
    EXPECT_TRUE(row("get").takes(2));
    EXPECT_FALSE(row("get").takes(1));
    EXPECT_FALSE(row("get").takes(3));
    EXPECT_TRUE(row("set").takes(3));
    EXPECT_TRUE(row("set").takes(9));
    EXPECT_FALSE(row("set").takes(2));
}

TEST(CommandPolicy, refuses_what_reaches_other_clients) {
    const CommandPolicy policy(known_commands(), {}, {});
    for (const std::string_view name :
         {"flushall", "flushdb", "keys", "config set", "config get", "monitor", "shutdown", "debug",
          "client pause", "script flush", "function load", "acl setuser", "replicaof", "swapdb",
          "module load", "cluster nodes", "slowlog get"}) {
        const bool in_part = name == "config get";
        EXPECT_EQ(policy.allows(row(name)), in_part) << name;
        EXPECT_FALSE(policy.allows_explicitly(row(name))) << name;
    }
    for (const std::string_view name :
         {"get", "set", "info", "dbsize", "acl whoami", "command docs", "memory usage", "sort"}) {
        EXPECT_TRUE(policy.allows(row(name))) << name;
    }
}

TEST(CommandPolicy, follows_the_settings_and_refusals_win) {
    const std::vector<std::string> allow{"KEYS", "config set", "function", "nosuch",
                                         "config nosuch"};
    const std::vector<std::string> refuse{"sort", "function delete", "@pubsub"};
    std::vector<std::string> unknown;
    const CommandPolicy policy(known_commands(), allow, refuse, Writing::allowed, &unknown);
    EXPECT_EQ(unknown, (std::vector<std::string>{"nosuch", "config nosuch"}));
    EXPECT_TRUE(policy.allows_explicitly(row("keys")));
    EXPECT_TRUE(policy.allows(row("config set")));
    EXPECT_FALSE(policy.allows(row("config rewrite")));
    EXPECT_TRUE(policy.allows(row("function load")));
    EXPECT_FALSE(policy.allows(row("function delete")));
    EXPECT_FALSE(policy.allows(row("sort")));
    EXPECT_FALSE(policy.allows(row("subscribe")));
    EXPECT_FALSE(policy.allows(row("publish")));
}

TEST(CommandPolicy, takes_every_category_that_the_server_has) {
    std::vector<std::string> all;
    for (const char* const name :
         {"keyspace",   "read",        "write",     "set",         "sortedset", "list",
          "hash",       "string",      "bitmap",    "hyperloglog", "geo",       "stream",
          "pubsub",     "admin",       "fast",      "slow",        "blocking",  "dangerous",
          "connection", "transaction", "scripting", "ALL"}) {
        all.push_back(std::string("@") + name);
    }
    std::vector<std::string> unknown;
    const CommandPolicy every(known_commands(), all, {}, Writing::allowed, &unknown);
    EXPECT_TRUE(unknown.empty());
    EXPECT_TRUE(every.allows_explicitly(row("shutdown")));
    const std::vector<std::string> allow{"@Slow", "@hashes", "@", "hash"};
    const std::vector<std::string> refuse{"@hash", "@scripting", "@transaction"};
    const CommandPolicy some(known_commands(), allow, refuse, Writing::allowed, &unknown);
    EXPECT_EQ(unknown, (std::vector<std::string>{"@hashes", "@", "hash"}));
    for (const std::string_view name : {"hget", "hset", "evalsha", "function load", "multi"})
        EXPECT_FALSE(some.allows(row(name))) << name;
    EXPECT_TRUE(some.allows(row("get")));
    EXPECT_TRUE(some.allows(row("flushall"))) << "it is slow";
    EXPECT_TRUE(some.allows(row("config set"))) << "it is slow";
}

TEST(CommandPolicy, believes_the_servers_categories_before_its_own) {
    const CommandRow rows[] = {
        {"get", 2, CommandWay::shared, CommandFlag::readonly, {}, 1U << 31U},
        {"hnew", 2, CommandWay::shared, CommandFlag::none, {}, category_bits("@hash").value()},
        {"mod", 2, CommandWay::shared, CommandFlag::write, {}, 0},
    };
    const CommandTable table(rows, {});
    const std::vector<std::string> refuse{"@string", "@HASH", "@write"};
    const CommandPolicy policy(table, {}, refuse);
    EXPECT_TRUE(policy.allows(rows[0])) << "not a string's, says the server";
    EXPECT_FALSE(policy.allows(rows[1]));
    EXPECT_FALSE(policy.allows(rows[2])) << "by its flag";
}

TEST(CommandPolicy, keeps_a_reader_from_writing) {
    const std::vector<std::string> allow{"flushall"};
    const CommandPolicy policy(known_commands(), allow, {}, Writing::refused);
    for (const std::string_view name :
         {"set", "del", "eval", "evalsha", "fcall", "flushall", "sort", "xgroup create"}) {
        EXPECT_FALSE(policy.allows(row(name))) << name;
    }
    for (const std::string_view name : {"get", "eval_ro", "fcall_ro", "sort_ro", "scan", "xread"}) {
        EXPECT_TRUE(policy.allows(row(name))) << name;
    }
}

}  // namespace
}  // namespace sluice::resp
