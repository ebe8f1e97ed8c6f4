#include "server/pg/cancel_key.hpp"

#include "server/pg/client_process_id.hpp"

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

TEST(ClientProcessId, is_of_no_process_and_names_the_slot) {
    constexpr std::uint32_t most_of_linux = 1U << 22;
    for (const unsigned worker : {0U, 1U, 63U, 64U}) {
        for (const std::uint32_t slot : {0U, 1U, (1U << 20) - 1}) {
            for (const std::uint64_t turn : {0ULL, 1ULL, 15ULL, 16ULL, ~0ULL}) {
                const std::uint32_t id = client_process_id(worker, slot, turn);
                EXPECT_GT(id, most_of_linux);
                EXPECT_LT(id, 1U << 31) << "drivers read it as a signed number";
                EXPECT_EQ(slot_of(id), slot);
                EXPECT_NE(id, client_process_id(worker, slot, turn + 1));
                EXPECT_NE(id, client_process_id(worker ^ 1, slot, turn));
            }
        }
    }
    EXPECT_LT(client_process_id(0, 1U << 20, 0), 1U << 31);
}

}  // namespace
}  // namespace sluice::server
