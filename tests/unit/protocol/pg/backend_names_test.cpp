#include "protocol/pg/backend_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg {
namespace {

constexpr StatementId one{1};
constexpr StatementId two{2};
constexpr StatementId none{};

TEST(BackendNames, rely_on_what_is_sent_within_a_batch) {
    BackendNames names;
    EXPECT_EQ(names.version("s", 0), none);
    names.begin("s", one, 1);
    EXPECT_EQ(names.version("s", 1), one);
    EXPECT_EQ(names.version("s", 2), std::nullopt) << "it may not happen";
    names.settle(Outcome::happened);
    EXPECT_EQ(names.version("s", 2), one);
    names.begin("s", none, 2);
    names.begin("s", two, 2);
    EXPECT_EQ(names.version("s", 2), two);
    names.settle(Outcome::read_over);
    names.settle(Outcome::read_over);
    EXPECT_EQ(names.version("s", 3), one);
    names.begin("s", none, 3);
    names.settle(Outcome::happened);
    EXPECT_EQ(names.version("s", 3), none);
    EXPECT_TRUE(names.empty());
}

TEST(BackendNames, do_not_know_what_an_error_was_about) {
    BackendNames names;
    names.begin("s", one, 1);
    names.settle(Outcome::failed);
    EXPECT_EQ(names.version("s", 2), std::nullopt);
    names.begin("s", none, 2);
    names.settle(Outcome::happened);
    EXPECT_EQ(names.version("s", 2), none);
}

TEST(BackendNames, do_not_know_any_after_a_change_that_nobody_followed) {
    BackendNames names;
    names.changed("s", one);
    names.distrust_all();
    EXPECT_TRUE(names.uncertain());
    EXPECT_EQ(names.version("s", 1), one);
    EXPECT_EQ(names.version("t", 1), std::nullopt);
    names.forget_all();
    EXPECT_FALSE(names.uncertain());
    EXPECT_EQ(names.version("s", 1), none);
    EXPECT_EQ(names.version("t", 1), none);
}

TEST(BackendNames, give_up_the_least_recently_used) {
    BackendNames names;
    for (const std::string name : {"a", "b", "c"})
        names.changed(name, one);
    names.touch("a");
    EXPECT_EQ(names.surplus(4), std::nullopt);
    EXPECT_EQ(names.surplus(0), std::nullopt);
    EXPECT_EQ(names.surplus(3), "b");
    names.begin("b", none, 1);
    EXPECT_EQ(names.surplus(3), std::nullopt) << "its room is free already";
    EXPECT_EQ(names.surplus(2), "c");
}

TEST(BackendNames, settle_in_the_order_in_which_they_were_sent) {
    BackendNames names;
    for (int i = 0; i < 200; ++i)
        names.begin("s" + std::to_string(i), one, 1);
    for (int i = 0; i < 200; ++i)
        names.settle(i % 2 == 0 ? Outcome::happened : Outcome::read_over);
    for (int i = 0; i < 200; ++i)
        EXPECT_EQ(names.version("s" + std::to_string(i), 2), i % 2 == 0 ? one : none);
    EXPECT_EQ(names.size(), 100U);
}

}  // namespace
}  // namespace sluice::pg
