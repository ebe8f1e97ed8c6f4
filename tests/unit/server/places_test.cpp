#include "server/pg/console.hpp"

#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

config::Settings settings_with(std::uint32_t max_clients) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.auth = config::AuthMethod::scram_sha_256;
    settings.postgres.max_clients = max_clients;
    settings.postgres.users["ann"].name = "ann";
    settings.postgres.users["ann"].password = config::Secret("secret");
    settings.postgres.stats_users = {"ann"};
    return settings;
}

TEST(Places, are_taken_before_anybody_has_proved_who_he_is) {
    WorkerRig rig(settings_with(2));
    for (int count = 0; count < 2; ++count) {
        const std::string reply = rig.log_in(rig.connect());
        ASSERT_EQ(reply.substr(0, 1), "R") << "asked for a password";
    }
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "53300");
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect(), "nobody", "nothing")), "53300");
    EXPECT_EQ(rig.shared->clients.used(), 2U);
}

TEST(Places, become_free_when_a_login_is_given_up) {
    WorkerRig rig(settings_with(1));
    const int first = rig.connect();
    ASSERT_EQ(rig.log_in(first).substr(0, 1), "R");
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "53300");
    rig.network.close(first);
    rig.turns();
    EXPECT_EQ(rig.log_in(rig.connect()).substr(0, 1), "R");
    rig.advance(std::chrono::minutes(2));  // Past client_login_timeout.
    rig.turns();
    EXPECT_EQ(rig.shared->clients.used(), 0U);
}

TEST(Places, of_the_console_go_beyond_the_others_and_no_further) {
    WorkerRig rig(settings_with(1));
    ASSERT_EQ(rig.log_in(rig.connect()).substr(0, 1), "R");
    for (std::uint32_t count = 0; count < PgConsole::reserve; ++count) {
        const char* const name = count % 2 == 0 ? "sluice" : "pgbouncer";
        ASSERT_EQ(rig.log_in(rig.connect(), "ann", name).substr(0, 1), "R") << count;
    }
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect(), "ann", "sluice")), "53300");
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "53300");
}

TEST(Places, are_without_limit_at_zero) {
    WorkerRig rig(settings_with(0));
    for (int count = 0; count < 20; ++count)
        ASSERT_EQ(rig.log_in(rig.connect()).substr(0, 1), "R");
}

TEST(Places, are_not_needed_for_a_cancel) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.max_clients = 1;
    WorkerRig rig(settings);
    const std::string packet = rig.busy_client();
    EXPECT_EQ(refusal_of(rig.log_in(rig.connect())), "53300");
    rig.send(rig.connect(), packet);
    rig.turns();
    EXPECT_EQ(rig.cancel_count(), 1U);
}

}  // namespace
}  // namespace sluice::server
