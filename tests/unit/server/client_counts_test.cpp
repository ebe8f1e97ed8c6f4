#include "server/pg/pool_directory.hpp"

#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace sluice::server {
namespace {

/// In login, console, and those that the pools count, on that worker.
std::vector<std::uint32_t> counts(WorkerRig& rig, unsigned worker = 0) {
    const WorkerSnapshot snapshot = rig.worker(worker).snapshot(SnapshotDetail::counters);
    EXPECT_TRUE(snapshot.clients.empty()) << "nobody was to be looked at";
    std::uint32_t of_pools = 0;
    for (const PoolSnapshot& pool : snapshot.pools)
        of_pools += pool.clients_idle + pool.clients_waiting + pool.clients_active;
    return {snapshot.clients_login, snapshot.clients_console, of_pools};
}

using Counts = std::vector<std::uint32_t>;

TEST(ClientCounts, follow_clients_through_their_lives) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.stats_users = {"ann"};
    WorkerRig rig(settings);
    EXPECT_EQ(counts(rig), (Counts{0, 0, 0}));
    const int one = rig.connect();
    const int other = rig.connect();
    const int console = rig.connect();
    rig.turns();
    EXPECT_EQ(counts(rig), (Counts{3, 0, 0}));
    ASSERT_FALSE(rig.log_in(one).empty());
    EXPECT_EQ(counts(rig), (Counts{2, 0, 1}));
    ASSERT_FALSE(rig.log_in(console, "ann", "sluice").empty());
    EXPECT_EQ(counts(rig), (Counts{1, 1, 1}));
    for (const int leaves : {one, other, console}) {
        rig.network.close(leaves);
        rig.turns();
    }
    EXPECT_EQ(counts(rig), (Counts{0, 0, 0}));
    EXPECT_EQ(rig.worker(0).client_count(), 0U);
}

TEST(ClientCounts, move_with_clients_to_other_workers) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.pool_size = 1;  // One shard, which lives on the first worker.
    WorkerRig rig(settings, 2);
    const int client = rig.connect(1);
    rig.turns();
    EXPECT_EQ(counts(rig, 1), (Counts{1, 0, 0}));
    ASSERT_FALSE(rig.log_in(client).empty());
    EXPECT_EQ(counts(rig, 1), (Counts{0, 0, 0}));
    EXPECT_EQ(counts(rig, 0), (Counts{0, 0, 1}));
    rig.network.close(client);
    rig.turns();
    EXPECT_EQ(counts(rig, 0), (Counts{0, 0, 0}));
}

}  // namespace
}  // namespace sluice::server
