#include "server/client_budgets.hpp"
#include "server/pg/pool_directory.hpp"
#include "server/pg/shard.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace sluice::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint16_t port_of_nobody = 5;

config::Settings through_star(std::uint16_t port = 5432) {
    config::Settings settings = WorkerRig::settings_sample();
    config::Database any = settings.postgres.databases.at("app");
    any.name = "*";
    any.hosts = {{"127.0.0.1", port}};
    settings.postgres.databases.emplace("*", any);
    settings.postgres.users["ann"].name = "ann";
    settings.postgres.users["*"].name = "*";
    return settings;
}

std::size_t shard_count(WorkerRig& rig) {
    std::size_t count = 0;
    for (const auto& worker : rig.shared->workers)
        worker->for_each_shard([&count](PgShard&) { ++count; });
    return count;
}

std::size_t remembered_counters(WorkerRig& rig) {
    std::size_t count = 0;
    for (const auto& worker : rig.shared->workers)
        count += worker->snapshot(SnapshotDetail::counters).departed.size();
    return count;
}

void pass(WorkerRig& rig, milliseconds time) {
    rig.advance(time);
    rig.turns();
}

/// Logs in, asks something and leaves.
void visit(WorkerRig& rig, std::string_view user, std::string_view database) {
    const int client = rig.connect();
    ASSERT_EQ(refusal_of(rig.log_in(client, user, database)), "");
    rig.send(client, query_frame("SELECT 1"));
    rig.turns();
    rig.network.close(client);
    rig.turns();
}

TEST(IdlePools, that_never_had_a_backend_are_forgotten_soon) {
    config::Settings settings = through_star(port_of_nobody);
    settings.postgres.autodb_idle_timeout = config::Duration(0);
    WorkerRig rig(settings, 2);
    for (int number = 0; number < 60; ++number) {
        const std::string name = "made-up-" + std::to_string(number);
        const int client = rig.connect(number % 2 == 0 ? 0 : 1);
        std::ignore = rig.log_in(client, "eve", name);
        rig.network.close(client);
    }
    rig.turns();
    EXPECT_GT(rig.shared->registry.entries().size(), 10U);
    for (int second = 0; second < 30; ++second)
        pass(rig, seconds(1));
    EXPECT_TRUE(rig.shared->registry.entries().empty());
    EXPECT_EQ(shard_count(rig), 0U);
    EXPECT_EQ(remembered_counters(rig), 0U);
    EXPECT_EQ(rig.shared->registry.budget_count(), 0U);
    EXPECT_EQ(rig.shared->registry.process_budget().used(), 0U);
}

TEST(IdlePools, that_no_client_ever_enters_are_forgotten_as_well) {
    WorkerRig rig(through_star());
    ASSERT_TRUE(pool_of(rig.worker(0), "made-up", "eve"));
    pass(rig, seconds(2));
    EXPECT_TRUE(rig.shared->registry.entries().empty());
}

TEST(IdlePools, through_the_star_are_forgotten_after_autodb_idle_timeout) {
    config::Settings settings = through_star();
    settings.postgres.autodb_idle_timeout = minutes(5);
    settings.postgres.server_idle_timeout = config::Duration(0);
    settings.postgres.min_pool_size = 1;
    WorkerRig rig(settings);
    visit(rig, "ann", "shop");
    visit(rig, "eve", "app");
    pass(rig, minutes(4));
    EXPECT_EQ(rig.shared->registry.entries().size(), 2U);
    EXPECT_GE(rig.shared->registry.process_budget().used(), 2U);
    visit(rig, "eve", "app");
    pass(rig, minutes(2));
    ASSERT_EQ(rig.shared->registry.entries().size(), 1U) << "used since";
    EXPECT_EQ(rig.shared->registry.entries()[0]->key.user, "eve");
    pass(rig, minutes(4));
    EXPECT_TRUE(rig.shared->registry.entries().empty());
    EXPECT_EQ(shard_count(rig), 0U);
    EXPECT_EQ(remembered_counters(rig), 0U);
    EXPECT_EQ(rig.shared->registry.process_budget().used(), 0U) << "its backends are closed";
}

TEST(IdlePools, that_the_settings_name_stay) {
    config::Settings settings = through_star(port_of_nobody);
    WorkerRig rig(settings);
    visit(rig, "ann", "app");
    ASSERT_TRUE(pool_of(rig.worker(0), "app", "ann"));
    pass(rig, hours(5));
    EXPECT_EQ(rig.shared->registry.entries().size(), 1U);
    // A reload that names them no more lets them go.
    settings.postgres.users.erase("ann");
    rig.shared->reconfigure(settings, [] {});
    rig.turns();
    pass(rig, seconds(1));
    EXPECT_TRUE(rig.shared->registry.entries().empty());
}

TEST(IdlePools, stay_while_a_client_is_there) {
    config::Settings settings = through_star();
    settings.postgres.autodb_idle_timeout = minutes(5);
    WorkerRig rig(settings);
    const int client = rig.connect();
    ASSERT_EQ(refusal_of(rig.log_in(client, "eve", "shop")), "");
    pass(rig, hours(1));
    EXPECT_EQ(rig.shared->registry.entries().size(), 1U);
    rig.send(client, query_frame("SELECT 1"));
    rig.turns();
    EXPECT_NE(rig.take(client), "");
    rig.network.close(client);
    rig.turns();
    pass(rig, minutes(4));
    EXPECT_EQ(rig.shared->registry.entries().size(), 1U) << "from its leaving on";
    pass(rig, minutes(2));
    EXPECT_TRUE(rig.shared->registry.entries().empty());
}

TEST(IdlePools, stay_for_good_without_a_timeout) {
    config::Settings settings = through_star();
    settings.postgres.autodb_idle_timeout = config::Duration(0);
    WorkerRig rig(settings);
    visit(rig, "eve", "shop");
    pass(rig, hours(100));
    EXPECT_EQ(rig.shared->registry.entries().size(), 1U);
}

TEST(ClientBudgets, are_there_while_somebody_counts_in_them) {
    ClientBudgets budgets;
    auto* const first = budgets.try_take("ann", 2);
    auto* const second = budgets.try_take("ann", 2);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first, second);
    EXPECT_EQ(budgets.try_take("ann", 2), nullptr);
    ASSERT_NE(budgets.try_take("bob", 1), nullptr);
    EXPECT_EQ(budgets.size(), 2U);
    budgets.give_back(*first);
    EXPECT_EQ(budgets.size(), 2U);
    budgets.give_back(*first);
    EXPECT_EQ(budgets.size(), 1U);
}

}  // namespace
}  // namespace sluice::server
