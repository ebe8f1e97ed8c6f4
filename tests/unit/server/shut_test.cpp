#include "protocol/pg/startup.hpp"

#include "server/pg/pool_directory.hpp"
#include "server/pg/shard.hpp"

#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

void run_posted(WorkerRig& rig) {
    for (bool posted = true; posted;) {
        posted = false;
        for (test::SimEngine* const engine : rig.engines)
            posted = engine->run_posted() || posted;
    }
}

TEST(Shut, closes_a_socket_that_is_handed_over_too_late) {
    WorkerRig rig(WorkerRig::settings_sample());
    const int client = rig.connect();
    rig.worker(0).shut();
    run_posted(rig);
    EXPECT_TRUE(rig.is_ended(client));
    EXPECT_EQ(rig.worker(0).client_count(), 0U);
    EXPECT_EQ(rig.network.open_count(), 1U) << "the client's own end";
}

TEST(Shut, ends_a_client_on_its_way_to_another_worker) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.pool_size = 1;  // One shard, which lives on the first worker.
    WorkerRig rig(settings, 2);
    const int client = rig.connect(1);
    std::string packet;
    pg::append_startup_message(packet, pg::ProtocolMinor::zero, "ann", "app", {});
    rig.send(client, packet);
    for (int turn = 0; turn < 3; ++turn) {
        rig.advance(std::chrono::milliseconds(1));
        rig.engines[1]->turn();
    }
    ASSERT_TRUE(rig.engines[0]->has_tasks()) << "it travels";
    EXPECT_EQ(rig.worker(1).client_count(), 0U);
    EXPECT_EQ(rig.shared->clients.used(), 1U);
    for (const auto& worker : rig.shared->workers)
        worker->shut();
    run_posted(rig);
    EXPECT_TRUE(rig.is_ended(client));
    EXPECT_EQ(rig.shared->clients.used(), 0U);
    EXPECT_EQ(rig.worker(0).client_count(), 0U);
    EXPECT_EQ(rig.network.open_count(), 1U);
}

TEST(Shut, keeps_nothing_in_a_shard_that_is_asked_for_too_late) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.min_pool_size = 1;
    WorkerRig rig(settings);
    const auto entry = pool_of(rig.worker(0), "app", "ann");
    ASSERT_TRUE(entry);
    rig.worker(0).shut();
    PgShard& shard = rig.worker(0).shard_of(entry);
    run_posted(rig);
    EXPECT_TRUE(shard.is_deserted());
    EXPECT_EQ(rig.shared->registry.process_budget().used(), 0U);
}

}  // namespace
}  // namespace sluice::server
