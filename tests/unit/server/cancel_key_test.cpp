#include "server/pg/cancel_key.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace sluice::server {
namespace {

TEST(CancelKeys, short_keys_are_the_secret_itself) {
    const CancelKeys keys;
    const CancelKey key = keys.key_of(7, 0x01020304U, CancelKeyForm::short_form);
    EXPECT_EQ(wire::as_text(key.view()), std::string_view("\1\2\3\4", 4));
}

TEST(CancelKeys, long_keys_depend_on_process_secret_and_this_program) {
    const CancelKeys keys;
    const auto text = [](const CancelKeys& by, std::uint32_t process_id, std::uint32_t secret) {
        const CancelKey key = by.key_of(process_id, secret, CancelKeyForm::long_form);
        EXPECT_EQ(key.view().size(), 32U);
        return std::string(wire::as_text(key.view()));
    };
    const std::string one = text(keys, 7, 9);
    EXPECT_EQ(text(keys, 7, 9), one);
    EXPECT_NE(text(keys, 8, 9).substr(4), one.substr(4));
    EXPECT_NE(text(keys, 7, 8).substr(4), one.substr(4));
    const CancelKeys others;
    EXPECT_NE(text(others, 7, 9).substr(4), one.substr(4));
}

}  // namespace
}  // namespace sluice::server
