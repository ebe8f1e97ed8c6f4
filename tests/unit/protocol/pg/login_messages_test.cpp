#include "protocol/pg/login_messages.hpp"

#include "protocol/pg/parameter_statuses.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::pg {
namespace {

using namespace std::string_view_literals;

template <class Append>
std::string made_by(Append append) {
    std::string out;
    append(out);
    return out;
}

TEST(LoginMessages, are_the_bytes_of_the_manual) {
    EXPECT_EQ(made_by([](auto& out) { append_authentication_ok(out); }), "R\0\0\0\x08\0\0\0\0"sv);
    EXPECT_EQ(made_by([](auto& out) { append_authentication_cleartext_password(out); }),
              "R\0\0\0\x08\0\0\0\3"sv);
    constexpr std::array salt{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    EXPECT_EQ(made_by([&](auto& out) { append_authentication_md5_password(out, salt); }),
              "R\0\0\0\x0c\0\0\0\5\1\2\3\4"sv);
    constexpr std::array mechanisms{"SCRAM-SHA-256"sv};
    EXPECT_EQ(made_by([&](auto& out) { append_authentication_sasl(out, mechanisms); }),
              "R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"sv);
    EXPECT_EQ(made_by([](auto& out) { append_authentication_sasl_continue(out, "r=x"); }),
              "R\0\0\0\x0b\0\0\0\x0br=x"sv);
    EXPECT_EQ(made_by([](auto& out) { append_authentication_sasl_final(out, "v=x"); }),
              "R\0\0\0\x0b\0\0\0\x0cv=x"sv);
    EXPECT_EQ(made_by([](auto& out) { append_parameter_status(out, "a", "bc"); }),
              "S\0\0\0\x09"
              "a\0bc\0"sv);
    EXPECT_EQ(made_by([](auto& out) { append_backend_key_data(out, 258, wire::as_bytes("key!")); }),
              "K\0\0\0\x0c\0\0\1\2key!"sv);
    EXPECT_EQ(made_by([](auto& out) { append_ready_for_query(out, 'I'); }), "Z\0\0\0\5I"sv);
    EXPECT_EQ(made_by([](auto& out) { append_password(out, "pw"); }), "p\0\0\0\7pw\0"sv);
    EXPECT_EQ(made_by([](auto& out) { append_sasl_initial_response(out, "M", "n,,"); }),
              "p\0\0\0\x0dM\0\0\0\0\3n,,"sv);
    EXPECT_EQ(made_by([](auto& out) { append_sasl_response(out, "c="); }), "p\0\0\0\6c="sv);
}

TEST(ParameterStatuses, keep_the_last_value_of_a_name) {
    ParameterStatuses statuses;
    EXPECT_TRUE(statuses.set("TimeZone", "UTC"));
    EXPECT_TRUE(statuses.set("DateStyle", "ISO"));
    EXPECT_TRUE(statuses.set("TimeZone", "CET"));
    ASSERT_NE(statuses.find("TimeZone"), nullptr);
    EXPECT_EQ(*statuses.find("TimeZone"), "CET");
    EXPECT_EQ(statuses.find("timezone"), nullptr);
    EXPECT_EQ(made_by([&](auto& out) { statuses.append_frames(out); }),
              "S\0\0\0\x11TimeZone\0CET\0S\0\0\0\x12"
              "DateStyle\0ISO\0"sv);
}

TEST(ParameterStatuses, count_limit_holds_on_both_sides) {
    ParameterStatuses statuses;
    for (std::size_t i = 0; i < parameter_status_count_max; ++i) {
        EXPECT_TRUE(statuses.set("name" + std::to_string(i), "v"));
    }
    EXPECT_FALSE(statuses.set("one more", "v"));
    EXPECT_TRUE(statuses.set("name7", "w"));
    EXPECT_EQ(statuses.entries().size(), parameter_status_count_max);
}

TEST(ParameterStatuses, byte_limit_holds_on_both_sides) {
    ParameterStatuses statuses;
    const std::string longest(parameter_status_bytes_max - 1, 'v');
    EXPECT_FALSE(statuses.set("n", longest + "v"));
    EXPECT_TRUE(statuses.set("n", longest));
    EXPECT_FALSE(statuses.set("m", ""));
    EXPECT_TRUE(statuses.set("n", longest));
    EXPECT_TRUE(statuses.set("n", ""));
    EXPECT_TRUE(statuses.set("m", ""));
}

}  // namespace
}  // namespace sluice::pg
