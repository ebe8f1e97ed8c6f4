#include "protocol/resp/client_filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

/// The arguments behind the two words of the command.
template <typename Read>
std::string read(const std::vector<std::string>& words, Read how) {
    std::string bytes;
    begin_request(bytes, words.size());
    for (const std::string& word : words)
        append_argument(bytes, word);
    return how(ArgumentReader(wire::as_bytes(bytes)));
}

ClientFilter::Candidate candidate() {
    return {7, "1.2.3.4:5", "1.2.3.4:6380", "ann", 60, ClientType::normal};
}

bool lists(const std::vector<std::string>& words) {
    ClientFilter filter;
    EXPECT_EQ(read(words, [&](ArgumentReader rest) { return filter.read_list(rest); }), "");
    return filter.matches(candidate());
}
bool kills(const std::vector<std::string>& words) {
    ClientFilter filter;
    EXPECT_EQ(read(words, [&](ArgumentReader rest) { return filter.read_kill(rest); }), "");
    return filter.matches(candidate());
}
std::string list_error(const std::vector<std::string>& words) {
    return read(words, [](ArgumentReader rest) { return ClientFilter().read_list(rest); });
}
std::string kill_error(const std::vector<std::string>& words) {
    return read(words, [](ArgumentReader rest) { return ClientFilter().read_kill(rest); });
}

TEST(ClientFilter, lists_everybody_or_those_named) {
    EXPECT_TRUE(lists({}));
    EXPECT_TRUE(lists({"TYPE", "Normal"}));
    EXPECT_FALSE(lists({"type", "pubsub"}));
    EXPECT_FALSE(lists({"type", "replica"}));
    EXPECT_TRUE(lists({"id", "3", "7"}));
    EXPECT_FALSE(lists({"ID", "8"}));
    EXPECT_FALSE(lists({"ID", "0"}));
}

TEST(ClientFilter, ends_those_of_whom_all_is_true) {
    EXPECT_TRUE(kills({"1.2.3.4:5"}));
    EXPECT_FALSE(kills({"1.2.3.4:6"}));
    EXPECT_TRUE(kills({"ID", "7", "USER", "ann", "TYPE", "normal"}));
    EXPECT_FALSE(kills({"ID", "7", "USER", "bob"}));
    EXPECT_TRUE(kills({"laddr", "1.2.3.4:6380", "addr", "1.2.3.4:5"}));
    EXPECT_FALSE(kills({"laddr", "1.2.3.4:1"}));
    EXPECT_TRUE(kills({"maxage", "60"}));
    EXPECT_FALSE(kills({"MAXAGE", "61"}));
}

TEST(ClientFilter, knows_who_is_spared) {
    ClientFilter old_form;
    EXPECT_EQ(read({"a:1"}, [&](ArgumentReader rest) { return old_form.read_kill(rest); }), "");
    EXPECT_TRUE(old_form.by_address);
    EXPECT_FALSE(old_form.spares_asker);
    ClientFilter new_form;
    const auto take = [&](ArgumentReader rest) { return new_form.read_kill(rest); };
    EXPECT_EQ(read({"id", "7"}, take), "");
    EXPECT_TRUE(new_form.spares_asker);
    EXPECT_EQ(read({"id", "7", "skipme", "NO"}, take), "");
    EXPECT_FALSE(new_form.spares_asker);
}

// As Redis 7.0.15 answers them.
TEST(ClientFilter, refuses_in_the_servers_words) {
    EXPECT_EQ(list_error({"TYPE", "x"}), "ERR Unknown client type 'x'");
    EXPECT_EQ(list_error({"TYPE"}), "ERR syntax error");
    EXPECT_EQ(list_error({"ID"}), "ERR syntax error");
    EXPECT_EQ(list_error({"ID", "x"}), "ERR Invalid client ID");
    EXPECT_EQ(list_error({"NOPE"}), "ERR syntax error");
    EXPECT_EQ(kill_error({"ID", "x"}), "ERR client-id should be greater than 0");
    EXPECT_EQ(kill_error({"TYPE", "x"}), "ERR Unknown client type 'x'");
    EXPECT_EQ(kill_error({"ID", "1", "ADDR"}), "ERR syntax error");
    EXPECT_EQ(kill_error({"SKIPME", "maybe"}), "ERR syntax error");
    EXPECT_EQ(kill_error({"NOPE", "x"}), "ERR syntax error");
}

}  // namespace
}  // namespace sluice::resp::test
