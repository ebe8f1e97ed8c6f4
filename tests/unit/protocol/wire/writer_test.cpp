#include "protocol/wire/writer.hpp"

#include "protocol/wire/cursor.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::wire {
namespace {

TEST(Writer, appends_big_endian_integers_and_texts) {
    std::string out = "before";
    Writer(out).u8(1).u16(0x0203).u32(0x04050607).i32(-2).c_string("a").raw("b");
    EXPECT_EQ(out, std::string_view("before\1\2\3\4\5\6\7\377\377\377\376a\0b", 20));
}

TEST(Writer, fills_in_the_length_of_each_frame) {
    std::string out;
    Writer writer(out);
    writer.begin_frame('Q').c_string("x").end_frame().begin_frame('S').end_frame();
    EXPECT_EQ(out, std::string_view("Q\0\0\0\6x\0S\0\0\0\4", 12));
}

TEST(Writer, starts_a_frame_without_a_type_when_it_is_zero) {
    std::string out = "x";
    Writer(out).begin_frame('\0').u16(7).end_frame();
    EXPECT_EQ(out, std::string_view("x\0\0\0\6\0\7", 7));
}

TEST(Writer, writes_lengths_of_more_than_one_byte) {
    std::string out;
    Writer(out).begin_frame('d').raw(std::string(0x012345, 'x')).end_frame();
    EXPECT_EQ(load_u32(as_bytes(out).data() + 1), 0x012345U + 4U);
}

TEST(Writer, writes_what_a_cursor_reads) {
    std::string out;
    Writer(out).u8(255).u16(65535).u32(0xffffffffU).c_string("").raw(as_bytes("end"));
    Cursor cursor(as_bytes(out));
    EXPECT_EQ(cursor.u8(), 255U);
    EXPECT_EQ(cursor.u16(), 65535U);
    EXPECT_EQ(cursor.u32(), 0xffffffffU);
    EXPECT_EQ(cursor.c_string(), "");
    EXPECT_EQ(as_text(cursor.take(3)), "end");
    EXPECT_TRUE(cursor.finished());
}

}  // namespace
}  // namespace sluice::wire
