// Families of clients whose blocks are begun without a backend.

#include "tests/sim/relay_sim_families.hpp"

#include <gtest/gtest.h>

namespace sluice::sim {
namespace {

Family deferring() {
    Family family = usual();
    family.postgres.deferred_begin = true;
    family.habits.transaction = 600;
    family.habits.bare_blocks = 900;
    return family;
}

TEST(RelaySim, defers_blocks_until_they_need_a_backend) {
    Family family = deferring();
    family.profiles = 3;
    const World::Tally tally = run_family(family, 300);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
    expect_reached(tally.begins_sent);
    expect_reached(tally.begins_spared);
}

TEST(RelaySim, defers_blocks_of_clients_that_keep_statements_and_state) {
    Family family = deferring();
    family.habits.statements = 500;
    family.habits.extended = 700;
    family.habits.keeps_state = 60;
    family.habits.vanishes = 3;
    family.postgres.max_prepared_statements = 3;
    family.profiles = 4;
    run_family(family, 200);
}

TEST(RelaySim, refuses_what_comes_behind_a_begin_that_fails) {
    Family family = deferring();
    family.habits.cancels = 40;
    family.habits.vanishes = 3;
    family.habits.slow_query = 200;
    family.habits.think_ms_max = 4;
    expect_reached(run_family(family, 400).cancelled);
}

TEST(RelaySim, refuses_a_deferred_block_that_waits_too_long) {
    Family family = deferring();
    family.postgres.pool_size = 1;
    family.postgres.wait_timeout = milliseconds(60);
    family.habits.slow_query = 300;
    family.wait_errors = true;
    family.refusals = {"53300"};
    expect_reached(run_family(family, 200).wait_errors);
}

TEST(RelaySim, loses_deferred_blocks_with_their_backends) {
    Family family = deferring();
    family.faults.frame_death = 15;
    family.faults.turn_death = 2;
    family.faults.turn_notice = 50;
    family.postgres.portal_stall_timeout = milliseconds(50);
    family.habits.stalls = 200;
    family.habits.vanishes = 3;
    expect_reached(run_family(family, 300).faults);
}

}  // namespace
}  // namespace sluice::sim
