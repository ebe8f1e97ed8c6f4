#include "pool/budget.hpp"

#include "pool/permit_chain.hpp"

#include <gtest/gtest.h>

namespace sluice::pool {
namespace {

TEST(Budget, gives_exactly_its_limit) {
    Budget budget(2);
    EXPECT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.try_take());
    EXPECT_FALSE(budget.try_take());
    EXPECT_FALSE(budget.has_room());
    EXPECT_EQ(budget.used(), 2U);
    EXPECT_FALSE(budget.give_back());
    EXPECT_TRUE(budget.try_take());
}

TEST(Budget, has_no_limit_at_zero) {
    Budget budget(0);
    for (int taken = 0; taken < 1'000; ++taken)
        ASSERT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.has_room());
    EXPECT_TRUE(budget.try_take_within(1'001));
    EXPECT_FALSE(budget.try_take_within(1'001));
}

TEST(Budget, lends_extra_only_to_those_who_name_it) {
    Budget budget(1);
    EXPECT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.try_take(1));
    EXPECT_FALSE(budget.try_take(1));
    budget.give_back();
    EXPECT_FALSE(budget.try_take());
    EXPECT_TRUE(budget.has_room(1));
}

TEST(Budget, a_cap_never_widens_the_limit) {
    Budget budget(2);
    EXPECT_TRUE(budget.try_take_within(1));
    EXPECT_FALSE(budget.try_take_within(1));
    EXPECT_TRUE(budget.try_take_within(9));
    EXPECT_FALSE(budget.try_take_within(9));
}

TEST(Budget, a_lower_limit_takes_nothing_away) {
    Budget budget(3);
    for (int taken = 0; taken < 3; ++taken)
        ASSERT_TRUE(budget.try_take());
    budget.set_limit(1);
    EXPECT_EQ(budget.used(), 3U);
    budget.give_back();
    budget.give_back();
    EXPECT_FALSE(budget.try_take());
    budget.give_back();
    EXPECT_TRUE(budget.try_take());
}

TEST(Budget, tells_the_giver_once_that_somebody_wants) {
    Budget budget(2);
    ASSERT_TRUE(budget.try_take());
    ASSERT_TRUE(budget.try_take());
    EXPECT_TRUE(budget.want());
    EXPECT_FALSE(budget.want());
    EXPECT_TRUE(budget.wanted());
    EXPECT_TRUE(budget.give_back());
    EXPECT_FALSE(budget.wanted());
    EXPECT_FALSE(budget.give_back());
}

TEST(Budget, is_freed_by_one_at_a_time) {
    Budget budget(1);
    ASSERT_TRUE(budget.try_take());
    EXPECT_FALSE(budget.claim_want());
    EXPECT_TRUE(budget.want());
    EXPECT_TRUE(budget.claim_want());
    EXPECT_FALSE(budget.claim_want());
    EXPECT_FALSE(budget.wanted());
    EXPECT_FALSE(budget.want());
    EXPECT_TRUE(budget.give_back());
}

TEST(PermitChain, takes_one_of_each_or_none) {
    for (std::size_t spent = 0; spent < PermitChain::length; ++spent) {
        Budget budgets[] = {Budget(spent == 0 ? 1 : 5), Budget(spent == 1 ? 1 : 5),
                            Budget(spent == 2 ? 1 : 5), Budget(spent == 3 ? 1 : 5)};
        PermitChain chain(&budgets[0], &budgets[1], &budgets[2], &budgets[3]);
        EXPECT_EQ(chain.try_take(0).taken, PermitChain::Taken::yes);
        const PermitChain::Attempt attempt = chain.try_take(0);
        EXPECT_EQ(attempt.taken, PermitChain::Taken::no);
        EXPECT_EQ(attempt.spent_at, spent);
        for (const Budget& budget : budgets)
            EXPECT_EQ(budget.used(), 1U);
        EXPECT_EQ(chain.give_back(), 0);
        for (const Budget& budget : budgets)
            EXPECT_EQ(budget.used(), 0U);
    }
}

TEST(PermitChain, the_reserve_widens_the_pools_own_budget_alone) {
    Budget pool(1);
    Budget process(2);
    PermitChain chain(&pool, nullptr, nullptr, &process);
    EXPECT_EQ(chain.try_take(0).taken, PermitChain::Taken::yes);
    EXPECT_EQ(chain.try_take(0).spent_at, PermitChain::own);
    EXPECT_EQ(chain.try_take(5).taken, PermitChain::Taken::yes);
    EXPECT_EQ(chain.try_take(5).spent_at, 3U);
}

TEST(PermitChain, names_the_budgets_that_are_wanted) {
    Budget pool(1);
    Budget user(1);
    PermitChain chain(&pool, nullptr, &user, nullptr);
    ASSERT_EQ(chain.try_take(0).taken, PermitChain::Taken::yes);
    pool.want();
    EXPECT_FALSE(chain.shared_wanted());
    EXPECT_FALSE(chain.claim_shared_want());
    user.want();
    EXPECT_TRUE(chain.shared_wanted());
    EXPECT_TRUE(chain.claim_shared_want());
    EXPECT_EQ(chain.give_back(), 0b101);
}

}  // namespace
}  // namespace sluice::pool
