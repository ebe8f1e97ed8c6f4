#include "protocol/pg/login_messages.hpp"
#include "protocol/pg/startup.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

constexpr std::string_view client_first = "n,,n=,r=abcdefghijklmnopqrstuvwx";

config::Settings with_scram() {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.auth = config::AuthMethod::scram_sha_256;
    settings.postgres.users["ann"].name = "ann";
    settings.postgres.users["ann"].password = config::Secret("secret");
    return settings;
}

struct Challenge {
    unsigned turns = 0;  ///< Of the loop, from the client's first message on.
    std::string text;    ///< Salt and iterations.
};

Challenge challenge_of(WorkerRig& rig, std::string_view user) {
    const int client = rig.connect();
    EXPECT_EQ(types_of(rig.log_in(client, user)), "R");
    std::string first;
    pg::append_sasl_initial_response(first, pg::scram_mechanism, client_first);
    rig.send(client, first);
    Challenge challenge;
    std::string reply;
    while (reply.empty() && challenge.turns < 100) {
        rig.turns(1);
        ++challenge.turns;
        reply = rig.take(client);
    }
    challenge.text = reply.substr(std::min(reply.size(), reply.find(",s=")));
    return challenge;
}

TEST(LoginWork, before_the_challenge_is_the_same_for_users_and_strangers) {
    // A worker hashes a password in slices, one a turn: who is hashed for waits for several.
    WorkerRig known_first(with_scram());
    const Challenge known = challenge_of(known_first, "ann");
    WorkerRig stranger_first(with_scram());
    const Challenge stranger = challenge_of(stranger_first, "eve");
    EXPECT_LE(known.turns, 2U);
    EXPECT_EQ(known.turns, stranger.turns);
    EXPECT_EQ(known.text.size(), stranger.text.size());
    // Nor does a second try tell.
    EXPECT_EQ(challenge_of(known_first, "ann").text, known.text);
    EXPECT_EQ(challenge_of(stranger_first, "eve").text, stranger.text);
    EXPECT_NE(known.text, "");
}

TEST(LoginWork, of_a_salt_survives_a_reload) {
    WorkerRig rig(with_scram());
    const Challenge before = challenge_of(rig, "ann");
    config::Settings settings = with_scram();
    settings.postgres.users.erase("ann");
    settings.postgres.users["bob"].name = "bob";
    settings.postgres.users["bob"].password = config::Secret("secret");
    rig.shared->reconfigure(settings, [] {});
    rig.turns();
    EXPECT_EQ(challenge_of(rig, "ann").text, before.text) << "who has left is not told from others";
}

}  // namespace
}  // namespace sluice::server
