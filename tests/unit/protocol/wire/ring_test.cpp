#include "protocol/wire/ring.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace sluice::wire {
namespace {

TEST(Ring, keeps_its_order_where_it_grows_behind_a_turn) {
    Ring<int> ring;
    int next = 0;
    int oldest = 0;
    for (; next < 10; ++next)
        ring.push_back(next);
    for (; oldest < 7; ++oldest)
        ring.pop_front();
    for (; next < 200; ++next) {
        ring.push_back(next);
        EXPECT_EQ(ring.front(), oldest);
        EXPECT_EQ(ring.back(), next);
    }
    ASSERT_EQ(ring.size(), 193U);
    for (std::size_t index = 0; index < ring.size(); ++index)
        EXPECT_EQ(ring[index], oldest + static_cast<int>(index));
    for (; oldest < 200; ++oldest) {
        ASSERT_EQ(ring.front(), oldest);
        ring.pop_front();
    }
    EXPECT_TRUE(ring.empty());
}

TEST(Ring, keeps_the_oldest_of_those_it_has) {
    Ring<int> ring;
    for (int entry = 0; entry < 20; ++entry)
        ring.push_back(entry);
    ring.pop_front();
    ring.keep_oldest(3);
    ASSERT_EQ(ring.size(), 3U);
    EXPECT_EQ(ring.front(), 1);
    EXPECT_EQ(ring.back(), 3);
    ring.keep_oldest(5);
    EXPECT_EQ(ring.size(), 3U);
    ring.clear();
    EXPECT_TRUE(ring.empty());
    ring.push_back(7);
    EXPECT_EQ(ring.front(), 7);
}

}  // namespace
}  // namespace sluice::wire
