#include "protocol/resp/length_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::resp {
namespace {

using State = LengthLine::State;

LengthLine read(std::string_view text) {
    return read_length_line(wire::as_bytes(text), 0);
}

TEST(LengthLine, reads_numbers_as_the_server_does) {
    EXPECT_EQ(read("0\r\n").value, 0);
    EXPECT_EQ(read("9\r\n").bytes, 3U);
    EXPECT_EQ(read("10\r\n$").value, 10);
    EXPECT_EQ(read("99\r\n").bytes, 4U);
    EXPECT_EQ(read("100\r\n").value, 100);
    EXPECT_EQ(read("-1\r\n").value, -1);
    for (const std::string_view text : {"00\r\n", "01\r\n", "-0\r\n", "+1\r\n", "1 \r\n", "\r\n",
                                        "1\r\r\n", "1\n\r\n", "-\r\n", "a\r\n", "\n1\r\n"}) {
        EXPECT_EQ(read(text).state, State::invalid) << text;
    }
    for (const std::string_view text : {"", "1", "12", "12\r", "1\r", "-", "-1\r"}) {
        EXPECT_EQ(read(text).state, State::incomplete) << text;
    }
}

/// The lines that are told at a glance are told as those that are not.
TEST(LengthLine, finds_the_same_by_both_ways) {
    constexpr std::string_view letters = "019-+ \r\n";
    std::string text;
    for (std::size_t number = 0; number < 8U * 8U * 8U * 8U * 8U; ++number) {
        text.clear();
        for (std::size_t rest = number, place = 0; place < 5; ++place, rest /= 8)
            text += letters[rest % 8];
        for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
            const wire::Bytes part = wire::as_bytes(std::string_view(text).substr(0, bytes));
            const LengthLine line = read_length_line(part, 0);
            const LengthLine step_by_step = read_any_length_line(part, 0);
            ASSERT_EQ(line.state, step_by_step.state) << text;
            ASSERT_EQ(line.bytes, step_by_step.bytes) << text;
            ASSERT_EQ(line.value, step_by_step.value) << text;
        }
    }
}

}  // namespace
}  // namespace sluice::resp
