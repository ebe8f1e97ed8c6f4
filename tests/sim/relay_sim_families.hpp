#pragma once

#include "tests/sim/relay_sim_world.hpp"

#include <cstddef>
#include <cstdint>

/// What the files of families share.
namespace sluice::sim {

/// SLUICE_SIM_SEED runs exactly that seed and tells what happens; SLUICE_SIM_SEEDS is how many
/// are run otherwise.
World::Tally run_family(const Family& family, std::uint64_t seeds_usual);

/// That a family reaches what it is there for; a single seed need not.
void expect_reached(std::size_t count);

[[nodiscard]] Family usual();

}  // namespace sluice::sim
