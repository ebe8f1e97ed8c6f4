#include "protocol/resp/info_reply.hpp"

#include <gtest/gtest.h>

namespace sluice::resp::test {
namespace {

TEST(InfoReply, has_one_section_more_behind_a_blank_line) {
    EXPECT_EQ(with_section("$10\r\n# A\r\nb:1\r\n\r\n", "# S\r\n"),
              "$17\r\n# A\r\nb:1\r\n\r\n# S\r\n\r\n");
    EXPECT_EQ(with_section("=14\r\ntxt:# A\r\nb:1\r\n\r\n", "# S\r\n"),
              "=21\r\ntxt:# A\r\nb:1\r\n\r\n# S\r\n\r\n");
}

TEST(InfoReply, begins_with_the_section_where_the_server_has_none) {
    EXPECT_EQ(with_section("$0\r\n\r\n", "# S\r\n"), "$5\r\n# S\r\n\r\n");
    EXPECT_EQ(with_section("=4\r\ntxt:\r\n", "# S\r\n"), "=9\r\ntxt:# S\r\n\r\n");
}

TEST(InfoReply, leaves_what_is_no_such_answer) {
    for (const std::string_view reply :
         {"-NOPERM no\r\n", "$-1\r\n", "_\r\n", "+OK\r\n", "$5\r\nab\r\n", "$x\r\n", "$", ""}) {
        EXPECT_EQ(with_section(reply, "# S\r\n"), reply);
    }
}

}  // namespace
}  // namespace sluice::resp::test
