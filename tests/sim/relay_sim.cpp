#include "server/log.hpp"

#include "tests/sim/relay_sim_families.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace sluice::sim {
namespace {

using std::chrono::seconds;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// What runs now, for the last words of a broken invariant.
char running[128];

extern "C" void name_the_seed(int) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, running, sizeof running);
    std::signal(SIGABRT, SIG_DFL);
}

}  // namespace

World::Tally run_family(const Family& family, std::uint64_t seeds_usual) {
    std::signal(SIGABRT, name_the_seed);
    const std::uint64_t single = from_environment("SLUICE_SIM_SEED", 0);
    const std::uint64_t first = single > 0 ? single : 1;
    const std::uint64_t count = single > 0 ? 1 : from_environment("SLUICE_SIM_SEEDS", seeds_usual);
    if (single > 0) server::log::start({});
    World::Tally tally;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
        std::snprintf(running, sizeof running,
                      "repeat with SLUICE_SIM_SEED=%llu --gtest_filter=*.%s\n",
                      static_cast<unsigned long long>(seed), test->name());
        World world(family, seed, single > 0);
        const std::string problem = world.run();
        tally += world.tally();
        if (!problem.empty()) {
            ADD_FAILURE() << problem << '\n' << running;
            break;
        }
    }
    if (single > 0) server::log::stop();
    std::printf(
        "finished %zu refused %zu cut %zu answers %zu wait errors %zu cancelled %zu "
        "faults %zu cancels %zu\n",
        tally.finished, tally.refused, tally.cut, tally.answers, tally.wait_errors, tally.cancelled,
        tally.faults, tally.database_cancels);
    return tally;
}

void expect_reached(std::size_t count) {
    if (from_environment("SLUICE_SIM_SEED", 0) == 0) {
        EXPECT_GT(count, 0U);
    }
}

Family usual() {
    Family family;
    family.postgres.pool_size = 0;  // One to four.
    family.postgres.wait_timeout = seconds(0);
    family.postgres.server_connect_timeout = seconds(1);
    family.postgres.server_login_retry = seconds(1);
    family.postgres.cancel_wait_timeout = seconds(2);
    family.postgres.client_buffer_max = 16U * 1024U;
    // The simulated database has no channels: LISTEN there is one more state that is kept.
    family.postgres.session_state.listen = config::ListenPolicy::pin;
    return family;
}

namespace {

TEST(RelaySim, answers_every_request_of_honest_peers) {
    const World::Tally tally = run_family(usual(), 400);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
    expect_reached(tally.answers);
}

TEST(RelaySim, spreads_a_pool_over_workers_within_the_bound_of_the_process) {
    Family family = usual();
    family.postgres.pool_size = 16;
    family.max_backends = 3;
    family.users = 2;
    const World::Tally tally = run_family(family, 300);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
}

TEST(RelaySim, carries_large_results_and_parameters_past_slow_readers) {
    Family family = usual();
    family.habits.large = 500;
    family.habits.slow_reader = 300;
    family.habits.pipelines = 700;
    family.weather.pipe_bytes = 2048;
    family.weather.short_transfer = 500;
    const World::Tally tally = run_family(family, 60);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
}

TEST(RelaySim, leaves_nothing_behind_a_client_that_vanishes) {
    Family family = usual();
    family.habits.vanishes = 15;
    family.habits.keeps_state = 120;
    run_family(family, 500);
}

TEST(RelaySim, keeps_session_state_with_its_client) {
    Family family = usual();
    family.habits.keeps_state = 300;
    family.habits.vanishes = 3;
    family.profiles = 4;
    run_family(family, 300);
}

TEST(RelaySim, runs_no_request_under_settings_that_were_refused) {
    Family family = usual();
    family.profiles = 5;
    family.faults.role_refused = 150;
    family.habits.pipelines = 300;
    family.habits.vanishes = 3;
    family.habits.cancels = 5;
    family.refusals = {"42501"};
    run_family(family, 300);
}

TEST(RelaySim, keeps_statements_with_their_clients_whatever_backend_they_have) {
    for (const auto policy :
         {config::AutoPrepare::off, config::AutoPrepare::on, config::AutoPrepare::always}) {
        for (const std::uint32_t room : {1U, 3U, 200U}) {
            Family family = usual();
            family.habits.statements = 700;
            family.habits.extended = 800;
            family.habits.copy = 40;
            family.habits.operations_max = 20;
            family.habits.vanishes = 1;
            family.habits.keeps_state = 10;
            family.postgres.auto_prepare = policy;
            family.postgres.max_prepared_statements = room;
            run_family(family, 60);
        }
    }
}

TEST(RelaySim, sends_batches_again_whose_plans_are_out_of_date) {
    Family family = usual();
    family.habits.statements = 700;
    family.habits.extended = 900;
    family.habits.operations_max = 20;
    family.habits.vanishes = 2;
    family.habits.cancels = 5;
    family.faults.outdated = 60;
    const World::Tally tally = run_family(family, 300);
    expect_reached(tally.outdated);  // In blocks, and where others followed.
    if (tally.outdated > 0) {
        EXPECT_LT(tally.outdated * 3, tally.faults * 2);
    }
}

TEST(RelaySim, cancels_only_for_those_who_ask) {
    Family family = usual();
    family.habits.cancels = 25;
    family.habits.slow_query = 500;
    family.habits.vanishes = 3;
    const World::Tally tally = run_family(family, 400);
    expect_reached(tally.database_cancels);
    expect_reached(tally.cancelled);
}

TEST(RelaySim, cancels_stay_with_their_query_when_they_go_astray) {
    Family family = usual();
    family.habits.cancels = 25;
    family.habits.slow_query = 500;
    family.habits.vanishes = 5;
    family.faults.cancel_lost = 300;
    run_family(family, 200);
}

TEST(RelaySim, loses_only_the_clients_of_backends_that_die) {
    Family family = usual();
    family.faults.frame_death = 20;
    family.faults.turn_death = 2;
    family.habits.dies = 20;
    const World::Tally tally = run_family(family, 500);
    expect_reached(tally.faults);
}

TEST(RelaySim, outlives_a_database_that_cannot_be_reached) {
    Family family = usual();
    family.faults.connect_refused = 300;
    family.faults.connect_slow = 200;
    family.faults.connect_hangs = 50;
    family.faults.login_refused = 150;
    family.faults.login_closed = 100;
    family.faults.turn_death = 2;
    run_family(family, 300);
}

TEST(RelaySim, passes_on_a_login_that_the_database_rejects) {
    Family family = usual();
    family.faults.login_rejected = 400;
    family.faults.turn_death = 2;
    family.refusals = {"28P01"};
    run_family(family, 200);
}

TEST(RelaySim, tolerates_what_a_database_says_unasked) {
    Family family = usual();
    family.faults.turn_notice = 100;
    family.habits.vanishes = 2;
    family.weather.short_transfer = 600;
    run_family(family, 300);
}

TEST(RelaySim, refuses_those_who_wait_too_long_and_serves_them_later) {
    Family family = usual();
    family.postgres.pool_size = 1;
    family.postgres.wait_timeout = milliseconds(60);
    family.postgres.max_waiters = 4;
    family.habits.slow_query = 300;
    family.habits.cancels = 5;
    family.wait_errors = true;
    family.refusals = {"53300"};
    const World::Tally tally = run_family(family, 300);
    expect_reached(tally.wait_errors);
}

TEST(RelaySim, survives_clients_that_break_the_protocol) {
    Family family = usual();
    family.habits.hostile = 10;
    run_family(family, 300);
}

TEST(RelaySim, survives_a_database_that_breaks_the_protocol) {
    Family family = usual();
    family.faults.hostile = 20;
    family.habits.vanishes = 2;
    run_family(family, 300);
}

TEST(RelaySim, gives_each_client_its_own_backend_in_session_mode) {
    Family family = usual();
    family.postgres.pool_mode = config::PoolMode::session;
    family.habits.keeps_state = 150;
    family.habits.vanishes = 3;
    family.habits.cancels = 3;
    family.profiles = 3;
    run_family(family, 300);
}

TEST(RelaySim, ends_what_exceeds_its_timeouts) {
    Family family = usual();
    family.postgres.query_timeout = milliseconds(100);
    family.postgres.idle_transaction_timeout = milliseconds(60);
    family.postgres.transaction_timeout = milliseconds(400);
    family.postgres.client_idle_timeout = milliseconds(300);
    family.habits.slow_query = 200;
    family.habits.think_ms_max = 120;
    family.refusals = {"57014", "25P03", "25P04", "57P05"};
    family.cuts = true;  // In the middle of a large frame nothing can be said.
    run_family(family, 300);
}

TEST(RelaySim, takes_backends_from_those_who_pause_over_a_portal) {
    Family family = usual();
    family.postgres.portal_stall_timeout = milliseconds(50);
    family.habits.stalls = 400;
    family.habits.extended = 800;
    family.habits.transaction = 400;
    family.habits.vanishes = 3;
    family.habits.cancels = 3;
    family.profiles = 3;
    expect_reached(run_family(family, 300).lost);
}

TEST(RelaySim, reads_portals_ahead_for_those_who_pause) {
    Family family = usual();
    family.postgres.portal_stall_timeout = milliseconds(30);
    family.postgres.spool_bytes_max = 20U * 1024U;
    family.habits.stalls = 600;
    family.habits.extended = 900;
    family.habits.large = 200;
    family.habits.vanishes = 3;
    family.habits.cancels = 3;
    family.profiles = 3;
    const World::Tally tally = run_family(family, 300);
    expect_reached(tally.lost);
    expect_reached(tally.spooled_bytes);
}

TEST(RelaySim, spools_for_slow_readers_within_its_bounds) {
    Family family = usual();
    family.postgres.spool_bytes_max = 128U * 1024U;
    family.buffer_memory_max = 1024U * 1024U;
    family.habits.large = 500;
    family.habits.slow_reader = 500;
    family.habits.pipelines = 700;
    family.habits.vanishes = 2;
    family.weather.pipe_bytes = 2048;
    const World::Tally tally = run_family(family, 60);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
    expect_reached(tally.spooled_bytes);
}

TEST(RelaySim, ends_readers_that_are_too_slow) {
    Family family = usual();
    family.postgres.spool_bytes_max = 64U * 1024U;
    family.postgres.slow_reader_timeout = milliseconds(40);
    family.habits.large = 500;
    family.habits.slow_reader = 500;
    family.habits.pipelines = 700;
    family.weather.pipe_bytes = 2048;
    family.refusals = {"57014"};
    family.cuts = true;
    run_family(family, 60);
}

TEST(RelaySim, renews_idle_and_old_backends) {
    Family family = usual();
    family.postgres.server_idle_timeout = milliseconds(40);
    family.postgres.server_lifetime = milliseconds(200);
    family.postgres.server_check_delay = milliseconds(5);
    family.postgres.min_pool_size = 1;
    run_family(family, 200);
}

TEST(RelaySim, drains_while_clients_are_at_work) {
    Family family = usual();
    family.drains_early = true;
    family.refusals = {"57P01"};
    family.habits.vanishes = 2;
    run_family(family, 300);
}

TEST(RelaySim, goes_on_with_its_buffers_spent) {
    Family family = usual();
    family.buffer_memory_max = 40U * 1024U;
    family.habits.large = 500;
    family.habits.slow_reader = 500;
    family.habits.pipelines = 700;
    family.weather.pipe_bytes = 2048;
    family.cuts = true;
    family.refusals = {"08006", "53200"};
    run_family(family, 60);
}

TEST(RelaySim, does_everything_at_once) {
    Family family = usual();
    family.postgres.pool_size = 16;
    family.max_backends = 3;
    family.users = 2;
    family.profiles = 3;
    family.faults.frame_death = 5;
    family.faults.turn_death = 1;
    family.faults.connect_refused = 100;
    family.faults.login_refused = 50;
    family.faults.turn_notice = 10;
    family.habits.vanishes = 3;
    family.habits.cancels = 5;
    family.habits.dies = 5;
    family.habits.slow_query = 150;
    run_family(family, 400);
}

}  // namespace
}  // namespace sluice::sim
