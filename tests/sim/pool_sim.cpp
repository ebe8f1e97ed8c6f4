#include "pool_sim_world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice::pool::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// SLUICE_SIM_SEED runs exactly that seed; SLUICE_SIM_SEEDS is how many to try otherwise.
///
/// Seen to be found by it when put into the engine on purpose: idle shards not woken, newcomers
/// that pass older waiters elsewhere, wakes left out after a connect or a permit, room not made
/// for another pool or not asked for, a place lost with a promised backend. Not to be found in
/// one thread: what two shards do in the same moment (tests/unit/pool/pool_duel_test.cpp).
TEST(PoolSim, keeps_its_promises_in_every_script) {
    const std::uint64_t single = from_environment("SLUICE_SIM_SEED", 0);
    const std::uint64_t first = single > 0 ? single : 1;
    const std::uint64_t runs = single > 0 ? 1 : from_environment("SLUICE_SIM_SEEDS", 1'500);
    Counters totals;
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        World world(seed);
        const std::string failure = world.run();
        ASSERT_EQ(failure, "") << "repeat with SLUICE_SIM_SEED=" << seed;
        totals += world.totals();
    }
    if (runs < 1'000) return;
    // The scripts are of use only if they reach everything.
    EXPECT_GT(totals.grants_at_once, 1'000U);
    EXPECT_GT(totals.grants_after_wait, 1'000U);
    EXPECT_GT(totals.sends, 1'000U);
    EXPECT_GT(totals.checks, 1'000U);
    EXPECT_GT(totals.resets, 1'000U);
    EXPECT_GT(totals.open_failures, 1'000U);
    for (std::size_t reason = 0; reason < refused_count; ++reason) {
        if (static_cast<Refused>(reason) == Refused::draining) continue;
        EXPECT_GT(totals.refusals[reason], 100U) << "refusal " << reason;
    }
    for (std::size_t reason = 0; reason < close_reason_count; ++reason) {
        if (static_cast<CloseReason>(reason) == CloseReason::over_limit) continue;
        EXPECT_GT(totals.closes[reason], 100U) << "close reason " << reason;
    }
}

}  // namespace
}  // namespace sluice::pool::sim
