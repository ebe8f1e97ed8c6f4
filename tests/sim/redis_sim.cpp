#include "server/log.hpp"

#include "tests/sim/redis_sim_world.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace sluice::redis_sim {
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

/// SLUICE_SIM_SEED runs exactly that seed and tells what happens; SLUICE_SIM_SEEDS is how many
/// are run otherwise.
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
        "finished %zu refused %zu cut %zu replies %zu pins %zu wait errors %zu lost errors %zu "
        "faults %zu timeouts %zu memory errors %zu spared %zu messages %zu slow links %zu\n",
        tally.finished, tally.refused, tally.cut, tally.replies, tally.pins, tally.wait_errors,
        tally.lost_errors, tally.faults, tally.timeouts, tally.memory_errors, tally.spared,
        tally.messages, tally.slow_links);
    return tally;
}

/// That a family reaches what it is there for; a single seed need not.
void expect_reached(std::size_t count) {
    if (from_environment("SLUICE_SIM_SEED", 0) == 0) {
        EXPECT_GT(count, 0U);
    }
}

Family usual() {
    Family family;
    family.redis.max_connections = 0;     // Two to eight.
    family.redis.pinned_connections = 0;  // One to one fewer.
    family.redis.wait_timeout = seconds(0);
    family.redis.server_connect_timeout = seconds(1);
    family.redis.max_held_bytes = 4096;
    return family;
}

TEST(RedisSim, answers_every_request_of_honest_peers) {
    const World::Tally tally = run_family(usual(), 200);
    EXPECT_EQ(tally.refused + tally.cut + tally.wait_errors + tally.lost_errors, 0U);
    expect_reached(tally.pins);
}

TEST(RedisSim, leaves_nothing_behind_a_client_that_vanishes) {
    Family family = usual();
    family.habits.vanishes = 15;
    family.habits.pipelines = 600;
    family.faults.late = 200;
    run_family(family, 200);
}

TEST(RedisSim, gives_late_replies_to_nobody_else) {
    Family family = usual();
    family.redis.shared_connections = 1;
    family.faults.late = 500;
    family.habits.vanishes = 30;
    family.habits.pipelines = 800;
    run_family(family, 250);
}

TEST(RedisSim, carries_large_values_and_replies_past_slow_readers) {
    Family family = usual();
    family.habits.large = 300;
    family.habits.big_reply = 300;
    family.habits.slow_reader = 300;
    family.habits.vanishes = 2;
    family.weather.pipe_bytes = 2048;
    family.weather.short_transfer = 500;
    const World::Tally tally = run_family(family, 30);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
}

TEST(RedisSim, cuts_readers_that_hold_up_others) {
    Family family = usual();
    family.redis.client_buffer_max = 32U * 1024U;
    family.habits.big_reply = 500;
    family.habits.slow_reader = 500;
    family.habits.pipelines = 700;
    family.weather.pipe_bytes = 2048;
    family.cuts = true;
    const World::Tally tally = run_family(family, 30);
    expect_reached(tally.cut);
}

TEST(RedisSim, tells_everybody_of_a_backend_that_dies) {
    Family family = usual();
    family.faults.request_death = 15;
    family.faults.turn_death = 2;
    family.faults.late = 200;
    family.habits.pipelines = 600;
    const World::Tally tally = run_family(family, 200);
    expect_reached(tally.lost_errors);
    expect_reached(tally.cut);
}

TEST(RedisSim, outlives_a_server_that_cannot_be_reached) {
    Family family = usual();
    family.faults.connect_refused = 300;
    family.faults.connect_slow = 200;
    family.faults.connect_hangs = 50;
    family.faults.login_refused = 150;
    family.faults.login_closed = 100;
    family.faults.turn_death = 2;
    const World::Tally tally = run_family(family, 200);
    expect_reached(tally.lost_errors);
}

TEST(RedisSim, takes_it_as_normal_that_idle_backends_are_closed) {
    Family family = usual();
    family.faults.idle_close = 20;
    family.habits.think_ms_max = 100;
    run_family(family, 200);
}

TEST(RedisSim, refuses_those_who_wait_too_long_and_serves_them_later) {
    Family family = usual();
    family.redis.pinned_connections = 1;
    family.redis.wait_timeout = milliseconds(60);
    family.redis.max_waiters = 4;
    family.habits.blocking = 400;
    family.habits.watch = 200;
    family.habits.large = 150;
    family.wait_errors = true;
    family.refusals = true;  // In the middle of a value that is larger than is held.
    const World::Tally tally = run_family(family, 200);
    expect_reached(tally.wait_errors);
}

TEST(RedisSim, turns_away_who_comes_when_it_is_full) {
    Family family = usual();
    family.redis.max_clients = 3;
    family.refusals = true;
    family.habits.vanishes = 3;
    const World::Tally tally = run_family(family, 250);
    expect_reached(tally.refused);
}

TEST(RedisSim, survives_clients_that_break_the_protocol) {
    Family family = usual();
    family.habits.hostile = 60;
    run_family(family, 200);
}

TEST(RedisSim, survives_a_server_that_breaks_the_protocol) {
    Family family = usual();
    family.faults.hostile = 15;
    family.habits.vanishes = 2;
    run_family(family, 200);
}

TEST(RedisSim, lets_nobody_in_without_a_login) {
    Family family = usual();
    family.password = "secret";
    family.habits.vanishes = 2;
    run_family(family, 200);
}

TEST(RedisSim, renews_idle_backends) {
    Family family = usual();
    family.redis.server_idle_timeout = milliseconds(40);
    family.habits.think_ms_max = 60;
    const World::Tally tally = run_family(family, 200);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
}

TEST(RedisSim, drains_while_clients_are_at_work) {
    Family family = usual();
    family.drains_early = true;
    family.refusals = true;
    family.cuts = true;
    family.habits.vanishes = 2;
    run_family(family, 250);
}

TEST(RedisSim, goes_on_with_its_buffers_spent) {
    Family family = usual();
    family.buffer_memory_max = 24U * 1024U;
    family.redis.client_buffer_max = 16U * 1024U;
    family.habits.large = 300;
    family.habits.big_reply = 300;
    family.habits.slow_reader = 500;
    family.habits.pipelines = 700;
    family.weather.pipe_bytes = 2048;
    family.refusals = true;
    family.cuts = true;
    run_family(family, 60);
}

TEST(RedisSim, answers_in_order_whatever_lane_they_come_by) {
    Family family = usual();
    family.redis.max_connections = 6;
    family.redis.pinned_connections = 2;
    family.habits.heavy = 250;
    family.habits.pipelines = 700;
    family.faults.late = 150;
    const World::Tally tally = run_family(family, 60);
    EXPECT_EQ(tally.refused + tally.cut, 0U);
    expect_reached(tally.slow_links);
}

TEST(RedisSim, gives_nobody_what_comes_after_its_time) {
    Family family = usual();
    family.redis.query_timeout = milliseconds(80);
    family.faults.late = 300;
    family.habits.pipelines = 600;
    family.habits.vanishes = 2;
    family.timeouts = true;
    family.refusals = true;  // What lies on a backend of its own is lost with it.
    family.cuts = true;      // In the middle of a reply nothing can be said.
    const World::Tally tally = run_family(family, 250);
    expect_reached(tally.timeouts);
}

TEST(RedisSim, spares_a_server_without_memory_and_nobody_for_ever) {
    Family family = usual();
    family.redis.memory_gate = config::MemoryGate::on;
    family.habits.insists = 500;
    family.habits.pipelines = 600;
    family.faults.memory_spent = 30;
    const World::Tally tally = run_family(family, 60);
    EXPECT_EQ(tally.refused + tally.cut + tally.lost_errors, 0U);
    expect_reached(tally.memory_errors);
    expect_reached(tally.spared);
}

TEST(RedisSim, tells_listeners_everything_in_order) {
    Family family = usual();
    family.redis.max_connections = 8;
    family.redis.pinned_connections = 3;
    family.habits.listeners_max = 6;
    family.habits.publishes = 400;
    const World::Tally tally = run_family(family, 200);
    EXPECT_EQ(tally.refused + tally.cut + tally.lost_errors, 0U);
    expect_reached(tally.messages);
}

TEST(RedisSim, keeps_listeners_through_the_loss_of_their_backend) {
    Family family = usual();
    family.redis.max_connections = 8;
    family.redis.pinned_connections = 3;
    family.habits.listeners_max = 6;
    family.habits.publishes = 400;
    family.habits.vanishes = 4;
    family.faults.turn_death = 5;
    family.faults.connect_refused = 100;
    family.faults.late = 200;
    const World::Tally tally = run_family(family, 200);
    expect_reached(tally.messages);
}

TEST(RedisSim, cuts_listeners_that_do_not_read) {
    Family family = usual();
    family.redis.max_connections = 8;
    family.redis.pinned_connections = 3;
    family.redis.client_buffer_max = 512;
    family.habits.listeners_max = 6;
    family.habits.publishes = 600;
    family.habits.operations_max = 40;
    family.habits.slow_reader = 500;
    family.weather.pipe_bytes = 128;
    family.cuts = true;
    const World::Tally tally = run_family(family, 30);
    expect_reached(tally.cut);
}

TEST(RedisSim, does_everything_at_once) {
    Family family = usual();
    family.workers_max = 3;
    family.redis.max_connections = 3;
    family.redis.pinned_connections = 2;
    family.redis.server_idle_timeout = milliseconds(300);
    family.habits.blocking = 150;
    family.habits.moves = 150;
    family.habits.vanishes = 5;
    family.habits.hostile = 10;
    family.faults.request_death = 4;
    family.faults.turn_death = 1;
    family.faults.idle_close = 2;
    family.faults.connect_refused = 80;
    family.faults.login_refused = 40;
    run_family(family, 200);
}

}  // namespace
}  // namespace sluice::redis_sim
