#include "protocol/wire/cursor.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string_view>

namespace sluice::wire {
namespace {

constexpr std::string_view bytes("\x01\x02\x03\x04\x05\x06\xff\xff\xff\xfename\0rest", 19);

TEST(Cursor, reads_big_endian_integers_and_texts) {
    Cursor cursor(as_bytes(bytes));
    EXPECT_EQ(cursor.u8(), 0x01U);
    EXPECT_EQ(cursor.u16(), 0x0203U);
    EXPECT_EQ(cursor.u8(), 0x04U);
    EXPECT_EQ(cursor.u16(), 0x0506U);
    EXPECT_EQ(cursor.i32(), -2);
    EXPECT_EQ(cursor.c_string(), "name");
    EXPECT_EQ(cursor.left(), 4U);
    EXPECT_FALSE(cursor.finished());
    EXPECT_EQ(as_text(cursor.rest()), "rest");
    EXPECT_EQ(as_text(cursor.take(4)), "rest");
    EXPECT_TRUE(cursor.finished());
}

TEST(Cursor, fails_at_every_truncation_and_stays_failed) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Cursor cursor(as_bytes(bytes.substr(0, size)));
        (void)cursor.u32();
        (void)cursor.u16();
        (void)cursor.i32();
        (void)cursor.c_string();
        (void)cursor.take(4);
        EXPECT_TRUE(cursor.failed()) << size;
        EXPECT_FALSE(cursor.finished());
        EXPECT_EQ(cursor.u8(), 0U);
        EXPECT_EQ(cursor.u16(), 0U);
        EXPECT_EQ(cursor.u32(), 0U);
        EXPECT_EQ(cursor.c_string(), "");
        EXPECT_TRUE(cursor.take(0).empty());
        EXPECT_TRUE(cursor.rest().empty());
    }
}

TEST(Cursor, takes_no_length_that_would_overflow_a_sum) {
    Cursor cursor(as_bytes(bytes));
    EXPECT_TRUE(cursor.take(std::numeric_limits<std::size_t>::max()).empty());
    EXPECT_TRUE(cursor.failed());
}

TEST(Cursor, takes_exactly_what_is_left_and_not_one_byte_more) {
    Cursor exact(as_bytes(bytes));
    EXPECT_EQ(exact.take(bytes.size()).size(), bytes.size());
    EXPECT_TRUE(exact.finished());
    Cursor over(as_bytes(bytes));
    EXPECT_TRUE(over.take(bytes.size() + 1).empty());
    EXPECT_TRUE(over.failed());
}

TEST(Cursor, reads_an_empty_text_and_nothing) {
    Cursor text(as_bytes(std::string_view("\0", 1)));
    EXPECT_EQ(text.c_string(), "");
    EXPECT_TRUE(text.finished());
    Cursor nothing{Bytes{}};
    EXPECT_TRUE(nothing.finished());
    EXPECT_TRUE(nothing.take(0).empty());
    EXPECT_FALSE(nothing.failed()) << "nothing was asked for";
}

TEST(Cursor, fails_on_a_text_without_an_end) {
    Cursor cursor(as_bytes("name"));
    EXPECT_EQ(cursor.c_string(), "");
    EXPECT_TRUE(cursor.failed());
}

}  // namespace
}  // namespace sluice::wire
