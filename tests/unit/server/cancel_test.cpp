#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

namespace sluice::server {
namespace {

/// Two workers with a busy client each, and a cancel request of each client.
struct TwoBusyWorkers {
    explicit TwoBusyWorkers(const config::Settings& settings) : rig(settings, 2) {
        for (unsigned index = 0; index < 2; ++index)
            packets[index] = rig.busy_client(index);
    }
    void ask(std::size_t which) {
        rig.send(rig.connect(), packets[which]);
        rig.turns();
    }
    WorkerRig rig;
    std::array<std::string, 2> packets;
};

std::uint64_t dropped(WorkerRig& rig) {
    std::uint64_t sum = 0;
    for (const auto& worker : rig.shared->workers)
        sum += worker->counters.cancels_dropped;
    return sum;
}

TEST(Cancel, one_bound_holds_for_all_workers_and_a_place_becomes_free_again) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.max_cancels = 1;
    TwoBusyWorkers both(settings);
    both.ask(0);
    EXPECT_EQ(both.rig.cancel_count(), 1U);
    both.ask(1);
    EXPECT_EQ(both.rig.cancel_count(), 1U);
    EXPECT_EQ(dropped(both.rig), 1U);
    EXPECT_EQ(both.rig.shared->cancels.used(), 1U);
    both.rig.answer_cancels();
    both.rig.turns();
    EXPECT_EQ(both.rig.shared->cancels.used(), 0U);
    both.ask(1);
    EXPECT_EQ(both.rig.cancel_count(), 1U);
}

TEST(Cancel, zero_is_no_limit) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.max_cancels = 0;
    TwoBusyWorkers both(settings);
    both.ask(0);
    both.ask(1);
    EXPECT_EQ(both.rig.cancel_count(), 2U);
    EXPECT_EQ(dropped(both.rig), 0U);
}

TEST(Cancel, is_given_up_after_cancel_wait_timeout_and_never_without_one) {
    config::Settings settings = WorkerRig::settings_sample();
    for (const bool is_limited : {true, false}) {
        settings.postgres.cancel_wait_timeout = config::Duration(is_limited ? 1'000 : 0);
        TwoBusyWorkers both(settings);
        both.ask(0);
        both.rig.advance(std::chrono::milliseconds(900));
        both.rig.turns();
        EXPECT_EQ(both.rig.shared->cancels.used(), 1U);
        both.rig.advance(std::chrono::hours(1));
        both.rig.turns();
        EXPECT_EQ(both.rig.shared->cancels.used(), is_limited ? 0U : 1U);
    }
}

}  // namespace
}  // namespace sluice::server
