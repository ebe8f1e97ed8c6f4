#include "protocol/pg/error_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg {
namespace {

using namespace std::string_view_literals;
using wire::as_bytes;

TEST(ErrorFields, writes_what_the_manual_says) {
    std::string out;
    append_error(out, Severity::fatal, "53300", "full", "who", "wait");
    EXPECT_EQ(out, "E\0\0\0\x2bSFATAL\0VFATAL\0C53300\0Mfull\0Dwho\0Hwait\0\0"sv);
    out.clear();
    append_notice(out, Severity::warning, "01000", "hm");
    EXPECT_EQ(out, "N\0\0\0\x22SWARNING\0VWARNING\0C01000\0Mhm\0\0"sv);
    out.clear();
    append_error(out, Severity::error, "XX000", "");
    append_notice(out, Severity::notice, "00000", "n");
    EXPECT_EQ(out,
              "E\0\0\0\x1cSERROR\0VERROR\0CXX000\0M\0\0"
              "N\0\0\0\x1fSNOTICE\0VNOTICE\0C00000\0Mn\0\0"sv);
}

TEST(ErrorFields, a_zero_byte_cannot_break_the_frame) {
    std::string out;
    append_error(out, Severity::error, "XX000", "ab\0Cyy"sv);
    EXPECT_EQ(out, "E\0\0\0\x1eSERROR\0VERROR\0CXX000\0Mab\0\0"sv);
}

TEST(ErrorFields, reads_every_field_it_knows) {
    const ErrorFields fields = parse_error_fields(
        as_bytes("SFATAL\0VPANIC\0C57P01\0Mm\0Dd\0Hh\0P7\0Ww\0nc\0Rr\0Ff.c\0L12\0?x\0\0"sv));
    EXPECT_EQ(fields.severity, "FATAL");
    EXPECT_EQ(fields.severity_plain, "PANIC");
    EXPECT_EQ(fields.sqlstate, "57P01");
    EXPECT_EQ(fields.message, "m");
    EXPECT_EQ(fields.detail, "d");
    EXPECT_EQ(fields.hint, "h");
    EXPECT_EQ(fields.position, "7");
    EXPECT_EQ(fields.where, "w");
    EXPECT_EQ(fields.constraint, "c");
    EXPECT_EQ(fields.routine, "r");
    EXPECT_TRUE(fields.is_fatal());
}

TEST(ErrorFields, plain_severity_outdoes_the_translated_one) {
    EXPECT_FALSE(parse_error_fields(as_bytes("SFATAL\0VERROR\0\0"sv)).is_fatal());
    EXPECT_TRUE(parse_error_fields(as_bytes("SFEHLER\0VFATAL\0\0"sv)).is_fatal());
    EXPECT_TRUE(parse_error_fields(as_bytes("SFATAL\0\0"sv)).is_fatal());
    EXPECT_FALSE(parse_error_fields({}).is_fatal());
}

// A server error without SQLSTATE once crashed another pooler (CVE-2026-6666).
TEST(ErrorFields, missing_or_odd_sqlstate_is_empty) {
    EXPECT_EQ(parse_error_fields(as_bytes("SERROR\0Mm\0\0"sv)).sqlstate, "");
    EXPECT_EQ(parse_error_fields(as_bytes("C1234\0Mm\0\0"sv)).sqlstate, "");
    EXPECT_EQ(parse_error_fields(as_bytes("C123456\0Mm\0\0"sv)).sqlstate, "");
    EXPECT_EQ(parse_error_fields(as_bytes("C\0Mm\0\0"sv)).message, "m");
}

TEST(ErrorFields, cut_at_every_byte_yields_the_whole_fields_before) {
    constexpr std::string_view body = "SERROR\0C42601\0Mmessage\0\0"sv;
    for (std::size_t size = 0; size <= body.size(); ++size) {
        const ErrorFields fields = parse_error_fields(as_bytes(body.substr(0, size)));
        EXPECT_EQ(fields.severity, size >= 7 ? "ERROR" : "") << size;
        EXPECT_EQ(fields.sqlstate, size >= 14 ? "42601" : "") << size;
        EXPECT_EQ(fields.message, size >= 23 ? "message" : "") << size;
    }
}

}  // namespace
}  // namespace sluice::pg
