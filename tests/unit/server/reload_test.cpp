#include "server/pg/shard.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

std::size_t shard_count(WorkerRig& rig) {
    std::size_t count = 0;
    for (const auto& worker : rig.shared->workers)
        worker->for_each_shard([&count](PgShard&) { ++count; });
    return count;
}

std::uint64_t queries(WorkerRig& rig) {
    Snapshot snapshot;
    for (const auto& worker : rig.shared->workers)
        snapshot.workers.push_back(worker->snapshot(SnapshotDetail::counters));
    std::uint64_t sum = 0;
    for (const PoolSnapshot& pool : pools_of(snapshot))
        sum += pool.counters.queries;
    return sum;
}

/// Another size of the pool: its successor is another pool.
config::Settings other(config::Settings settings) {
    ++settings.postgres.pool_size;
    return settings;
}

void reload(WorkerRig& rig, const config::Settings& settings) {
    rig.shared->reconfigure(settings, [] {});
    rig.turns();
}

void ask(WorkerRig& rig, int client) {
    rig.send(client, query_frame("SELECT 1"));
    rig.turns();
}

TEST(Reload, frees_the_shard_of_a_replaced_pool_when_its_last_client_leaves) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.pool_size = 1;
    WorkerRig rig(settings);
    const int old_client = rig.connect();
    ASSERT_FALSE(rig.log_in(old_client).empty());
    ask(rig, old_client);
    reload(rig, other(settings));
    EXPECT_EQ(shard_count(rig), 1U);
    const int new_client = rig.connect();
    ASSERT_FALSE(rig.log_in(new_client).empty());
    ask(rig, new_client);
    EXPECT_EQ(shard_count(rig), 2U);
    ask(rig, old_client);
    EXPECT_EQ(queries(rig), 3U);

    rig.network.close(old_client);
    rig.turns();
    EXPECT_EQ(shard_count(rig), 1U);
    EXPECT_EQ(queries(rig), 3U) << "counters never fall";
    ask(rig, new_client);
    EXPECT_EQ(queries(rig), 4U);
}

TEST(Reload, frees_the_shard_of_a_replaced_pool_that_nobody_uses_with_its_warm_backends) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.min_pool_size = 2;
    WorkerRig rig(settings, 2);
    const int client = rig.connect();
    ASSERT_FALSE(rig.log_in(client).empty());
    rig.network.close(client);
    rig.turns();
    rig.advance(std::chrono::seconds(1));
    rig.turns();
    EXPECT_GE(rig.shared->registry.process_budget().used(), 2U);
    reload(rig, other(settings));
    EXPECT_EQ(shard_count(rig), 0U);
    EXPECT_EQ(rig.shared->registry.process_budget().used(), 0U);
}

TEST(Reload, takes_a_client_that_it_overtakes_to_the_successor) {
    const config::Settings settings = WorkerRig::settings_sample();
    WorkerRig rig(settings, 2);
    const int first = rig.connect(0);
    ASSERT_FALSE(rig.log_in(first).empty());
    const auto entry = rig.shared->registry.find({"app", "ann"});
    ASSERT_TRUE(entry);
    reload(rig, other(settings));
    EXPECT_TRUE(static_cast<PgPool&>(*entry->attachment).retired());
    const int second = rig.connect(1);
    ASSERT_FALSE(rig.log_in(second).empty());
    EXPECT_NE(rig.shared->registry.find({"app", "ann"}), entry);
}

TEST(Reload, reaches_every_limit_of_the_process) {
    config::Settings settings = WorkerRig::settings_sample();
    WorkerRig rig(settings);
    settings.server.max_backends = 3;
    settings.server.buffer_memory_max = 1 << 20;
    settings.postgres.max_clients = 4;
    settings.postgres.max_cancels = 5;
    settings.postgres.max_logins_per_second = 1;
    reload(rig, settings);
    EXPECT_EQ(rig.shared->registry.process_budget().limit(), 3U);
    EXPECT_EQ(rig.shared->buffers.bytes_max(), 1U << 20U);
    EXPECT_EQ(rig.shared->clients.limit(), 4U);
    EXPECT_EQ(rig.shared->cancels.limit(), 5U);
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "");
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "53300");
}

}  // namespace
}  // namespace sluice::server
