#include "pool/registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::pool {
namespace {

Registry::Recipe recipe(std::uint32_t pool_size, std::uint32_t of_database = 0,
                        std::uint32_t of_user = 0) {
    Registry::Recipe made;
    made.limits.pool_size = pool_size;
    made.max_db_connections = of_database;
    made.max_user_connections = of_user;
    return made;
}

TEST(Registry, makes_a_pool_once) {
    Registry registry(0);
    int asked = 0;
    const auto ask = [&asked] {
        ++asked;
        return recipe(3);
    };
    EXPECT_EQ(registry.find({"app", "ann"}), nullptr);
    const auto made = registry.find_or_make({"app", "ann"}, ask);
    EXPECT_EQ(registry.find_or_make({"app", "ann"}, ask), made);
    EXPECT_EQ(registry.find({"app", "ann"}), made);
    EXPECT_EQ(registry.find({"appa", "nn"}), nullptr);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(made->pool->limit(), 3U);
    EXPECT_EQ(registry.entries().size(), 1U);
}

TEST(Registry, pools_share_the_budgets_of_database_user_and_process) {
    Registry registry(9);
    const auto ann = registry.find_or_make({"app", "ann"}, [] { return recipe(1, 4, 5); });
    const auto bob = registry.find_or_make({"app", "bob"}, [] { return recipe(1, 4, 6); });
    const auto other = registry.find_or_make({"crm", "ann"}, [] { return recipe(1, 7, 5); });
    EXPECT_NE(ann->pool, bob->pool);
    EXPECT_EQ(ann->database, bob->database);
    EXPECT_NE(ann->database, other->database);
    EXPECT_EQ(ann->user, other->user);
    EXPECT_NE(ann->user, bob->user);
    EXPECT_EQ(ann->process, other->process);
    EXPECT_EQ(&registry.process_budget(), ann->process.get());
    EXPECT_EQ(ann->database->limit(), 4U);
    EXPECT_EQ(bob->user->limit(), 6U);
}

TEST(Registry, names_that_look_alike_do_not_share_budgets) {
    Registry registry(0);
    const auto one = registry.find_or_make({"u", ""}, [] { return recipe(1); });
    const auto two = registry.find_or_make({"", "u"}, [] { return recipe(1); });
    const auto three = registry.find_or_make({"", ""}, [] { return recipe(1); });
    std::vector<Budget*> all;
    for (const auto& entry : {one, two, three}) {
        for (Budget* budget : {entry->pool.get(), entry->database.get(), entry->user.get()}) {
            all.push_back(budget);
        }
    }
    std::sort(all.begin(), all.end());
    // "u" and "" as databases, "" and "u" as users, three pools: seven of nine.
    EXPECT_EQ(std::unique(all.begin(), all.end()) - all.begin(), 7);
}

TEST(Registry, a_successor_counts_against_the_budget_of_the_retired) {
    Registry registry(0);
    auto old = registry.find_or_make({"app", "ann"}, [] { return recipe(2); });
    ASSERT_TRUE(old->pool->try_take());
    EXPECT_EQ(registry.retire({"app", "ann"}), old);
    EXPECT_EQ(registry.retire({"app", "ann"}), nullptr);
    EXPECT_EQ(registry.find({"app", "ann"}), nullptr);

    auto successor = registry.find_or_make({"app", "ann"}, [] { return recipe(3); });
    EXPECT_NE(successor, old);
    EXPECT_EQ(successor->pool, old->pool);
    EXPECT_EQ(successor->pool->limit(), 3U);
    EXPECT_EQ(successor->pool->used(), 1U);
    old->pool->give_back();
}

TEST(Registry, a_retired_pool_lives_as_long_as_somebody_holds_it) {
    struct Attached : PoolAttachment {
        explicit Attached(bool& gone) : gone_(gone) {}
        ~Attached() override { gone_ = true; }
        bool& gone_;
    };
    bool gone = false;
    Registry registry(0);
    auto held = registry.find_or_make({"app", "ann"}, [&gone] {
        Registry::Recipe made = recipe(1);
        made.attachment = std::make_unique<Attached>(gone);
        return made;
    });
    registry.retire({"app", "ann"});
    EXPECT_FALSE(gone);
    held.reset();
    EXPECT_TRUE(gone);
}

TEST(ShardCount, is_one_for_every_eight_backends_up_to_the_workers) {
    EXPECT_EQ(shard_count_for(1, 4), 1U);
    EXPECT_EQ(shard_count_for(8, 4), 1U);
    EXPECT_EQ(shard_count_for(15, 4), 1U);
    EXPECT_EQ(shard_count_for(16, 4), 2U);
    EXPECT_EQ(shard_count_for(1'000, 4), 4U);
    EXPECT_EQ(shard_count_for(0, 4), 4U);
    EXPECT_EQ(shard_count_for(0, 0), 1U);
    EXPECT_EQ(shard_count_for(100'000, 1'000), shard_count_max);
}

TEST(Registry, names_that_come_and_go_leave_no_budgets_behind) {
    Registry registry(0);
    const auto stays = registry.find_or_make({"app", "ann"}, [] { return recipe(1); });
    for (int number = 0; number < 1'000; ++number) {
        const std::string name = "made-up-" + std::to_string(number);
        const auto entry = registry.find_or_make({name, name}, [] { return recipe(1); });
        EXPECT_TRUE(registry.retire(*entry));
        EXPECT_FALSE(registry.retire(*entry)) << "it is gone";
    }
    EXPECT_LE(registry.budget_count(), 80U);
    EXPECT_EQ(registry.entries().size(), 1U);
    const auto again = registry.find_or_make({"app", "bob"}, [] { return recipe(1); });
    EXPECT_EQ(again->database, stays->database);
}

TEST(Registry, does_not_retire_a_successor) {
    Registry registry(0);
    const auto first = registry.find_or_make({"app", "ann"}, [] { return recipe(1); });
    ASSERT_TRUE(registry.retire(*first));
    const auto second = registry.find_or_make({"app", "ann"}, [] { return recipe(1); });
    EXPECT_FALSE(registry.retire(*first));
    EXPECT_EQ(registry.find({"app", "ann"}), second);
}

}  // namespace
}  // namespace sluice::pool
