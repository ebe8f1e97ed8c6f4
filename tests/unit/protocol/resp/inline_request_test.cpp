#include "protocol/resp/inline_request.hpp"

#include "protocol/resp/request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp {
namespace {

std::vector<std::string> words_of(std::string_view line) {
    std::string request;
    EXPECT_EQ(append_inline_request(request, line), InlineSplit::request) << line;
    std::vector<std::string> words;
    ArgumentReader reader(wire::as_bytes(request));
    while (const auto word = reader.next())
        words.emplace_back(*word);
    EXPECT_EQ(reader.left(), 0U);
    return words;
}

TEST(InlineRequest, splits_as_the_server_does) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(words_of("PING\r\n"), Words{"PING"});
    EXPECT_EQ(words_of("  get   k  \n"), (Words{"get", "k"}));
    EXPECT_EQ(words_of("set k \"a b\"\n"), (Words{"set", "k", "a b"}));
    EXPECT_EQ(words_of("set k 'a \\' b'\n"), (Words{"set", "k", "a ' b"}));
    EXPECT_EQ(words_of(R"(set k "\x41\n\r\t\b\a\"\\\q")"), (Words{"set", "k", "A\n\r\t\b\a\"\\q"}));
    EXPECT_EQ(words_of(R"(set k "\xZZ")"), (Words{"set", "k", "xZZ"}));
    EXPECT_EQ(words_of("set k \"\"\n"), (Words{"set", "k", ""}));
    EXPECT_EQ(words_of("set k a\"b\"\n"), (Words{"set", "k", "ab"}));
    EXPECT_EQ(words_of(std::string_view("get k\0x\n", 8)), (Words{"get", "k"}));
}

TEST(InlineRequest, tells_blank_lines_and_open_quotes) {
    std::string request;
    for (const std::string_view blank : {"", "\n", "\r\n", "   \r\n"}) {
        EXPECT_EQ(append_inline_request(request, blank), InlineSplit::blank);
    }
    for (const std::string_view open :
         {"set k \"a", "set k 'a", "set \"a\"b c", "set 'a'b", "\"\\", "\"\\x4", "'\\'"}) {
        EXPECT_EQ(append_inline_request(request, open), InlineSplit::unbalanced_quotes) << open;
    }
    EXPECT_EQ(request, "") << "nothing is appended then";
}

}  // namespace
}  // namespace sluice::resp
