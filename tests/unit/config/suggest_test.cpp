#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::config {
namespace {

TEST(Suggest, counts_edits) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("pool_size", "pool_size"), 0U);
    EXPECT_EQ(edit_distance("pool_sise", "pool_size"), 1U);
    EXPECT_EQ(edit_distance("pol_size", "pool_size"), 1U);
    EXPECT_EQ(edit_distance("pool_sizee", "pool_size"), 1U);
    EXPECT_EQ(edit_distance("pool_szie", "pool_size"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Suggest, names_the_nearest_word_only_when_it_is_near) {
    constexpr std::array<std::string_view, 3> known{"pool_size", "pool_mode", "port"};
    EXPECT_EQ(nearest("pool_sise", known), "pool_size");
    EXPECT_EQ(nearest("poolsize", known), "pool_size");
    EXPECT_EQ(nearest("prot", known), "port");
    EXPECT_EQ(nearest("banana", known), "");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest(std::string(100'000, 'x'), known), "");
    EXPECT_EQ(nearest("x", {}), "");
}

TEST(Suggest, translates_the_words_of_pgbouncer) {
    EXPECT_EQ(translate_pgbouncer("default_pool_size"),
              "PgBouncer's `default_pool_size` is `pool_size` here");
    EXPECT_EQ(translate_pgbouncer("auth_query"),
              "PgBouncer's `auth_query`: it is not in this version");
    EXPECT_EQ(translate_pgbouncer("pool_size"), "");
}

}  // namespace
}  // namespace sluice::config
