#include "protocol/pg/scram_client.hpp"

#include "protocol/pg/scram_server.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg {
namespace {

using namespace std::string_view_literals;
using wire::as_bytes;

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view challenge =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

ScramClientKeys keys_for(std::string_view password, const ScramChallenge& asked) {
    return derive_scram_client_keys(password, as_bytes(asked.salt), asked.iterations);
}

ScramClient proven(std::string_view password = "pencil") {
    ScramClient client(nonce);
    const auto asked = client.challenge_received(challenge);
    EXPECT_TRUE(asked.has_value());
    std::string out;
    if (asked) client.keys_derived(keys_for(password, *asked), out);
    return client;
}

// RFC 7677's numbers with the empty user name that libpq sends; proof and signature were computed
// by another implementation.
TEST(ScramClient, speaks_the_dialogue_without_a_user_name) {
    ScramClient client(nonce);
    std::string out;
    client.start(out);
    EXPECT_EQ(out, "p\0\0\0\x32SCRAM-SHA-256\0\0\0\0\x1cn,,n=,r=rOprNGfwEbeRWgbNEkqO"sv);
    const auto asked = client.challenge_received(challenge);
    ASSERT_TRUE(asked);
    EXPECT_EQ(crypto::to_base64(as_bytes(asked->salt)), "W22ZaJ0SNY7soEsUEjb6gQ==");
    EXPECT_EQ(asked->iterations, 4096U);
    out.clear();
    client.keys_derived(keys_for("pencil", *asked), out);
    EXPECT_EQ(out.substr(5),
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
              "p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=");
    EXPECT_TRUE(client.final_received("v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg="));
    EXPECT_FALSE(client.final_received("v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg="));
}

TEST(ScramClient, and_scram_server_understand_each_other) {
    const std::string salt = "0123456789abcdef";
    for (const std::string_view password : {"pencil"sv, ""sv, "\xc3\xa9 \"x\\"sv}) {
        const ScramVerifier verifier = derive_scram_verifier(password, as_bytes(salt), 5);
        for (const std::string_view given : {password, "wrong"sv}) {
            ScramServer server(verifier, ScramUser::known, "server");
            ScramClient client("client");
            std::string from_client;
            std::string from_server;
            client.start(from_client);
            ASSERT_EQ(
                server.message_received(as_bytes(from_client).subspan(5), from_server).outcome,
                ScramServerStep::Outcome::challenged);
            const auto asked = client.challenge_received(from_server.substr(9));
            ASSERT_TRUE(asked);
            from_client.clear();
            from_server.clear();
            client.keys_derived(keys_for(given, *asked), from_client);
            const auto step =
                server.message_received(as_bytes(from_client).subspan(5), from_server);
            if (given == "wrong") {
                EXPECT_EQ(step.outcome, ScramServerStep::Outcome::failed);
            } else {
                EXPECT_EQ(step.outcome, ScramServerStep::Outcome::verified);
                EXPECT_TRUE(client.final_received(from_server.substr(9)));
                EXPECT_EQ(server.client_key(), keys_for(given, *asked).client_key);
            }
        }
    }
}

TEST(ScramClient, refuses_bad_challenges) {
    std::vector<std::string> messages{
        "e=other-error",
        std::string(challenge) + ",x=1",
        std::string(challenge) + ",",
        "m=ext," + std::string(challenge),
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",    // Adds nothing,
        "r=xOprNGfwEbeRWgbNEkqOxx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  // not ours,
        "r=rOprNGfwEbeRWgbNEkqO x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  // not printable.
        "r=rOprNGfwEbeRWgbNEkqO\x80,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOxx,s=,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOxx,s=W22Za,i=4096",
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOxx,i=4096",
    };
    for (const std::string_view count : {"0", "-1", "+1", "04096", "", " 1", "1 ", "1x", "1000001",
                                         "4294967297", "99999999999999999999"}) {
        messages.push_back("r=rOprNGfwEbeRWgbNEkqOxx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=" +
                           std::string(count));
    }
    // Shorter by up to three digits it is still a count.
    for (std::size_t size = 0; size < challenge.size() - 3; ++size) {
        messages.emplace_back(challenge.substr(0, size));
    }
    for (const std::string& message : messages) {
        ScramClient client(nonce);
        const auto asked = client.challenge_received(message);
        ASSERT_FALSE(asked) << message;
        EXPECT_FALSE(asked.error().text.empty());
        EXPECT_FALSE(client.challenge_received(challenge)) << "after a fault";
    }
}

TEST(ScramClient, limits_hold_on_both_sides) {
    ScramClient most(nonce);
    EXPECT_TRUE(most.challenge_received("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1000000"));
    ScramClient least(nonce);
    EXPECT_TRUE(least.challenge_received("r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1"));
    const std::string end = ",s=QQ==,i=1";
    const std::string start = "r=rOprNGfwEbeRWgbNEkqO";
    const std::string fill(scram_message_bytes_max - start.size() - end.size(), 'x');
    ScramClient longest(nonce);
    EXPECT_TRUE(longest.challenge_received(start + fill + end));
    ScramClient longer(nonce);
    EXPECT_FALSE(longer.challenge_received(start + fill + "x" + end));
}

TEST(ScramClient, trusts_only_a_server_that_knows_the_verifier) {
    const std::string good = "v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg=";
    std::vector<std::string> messages{
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        good + ",",
        good + ",x=1",
        "e=invalid-proof",
        std::string(scram_message_bytes_max + 1, 'v'),
    };
    for (std::size_t size = 0; size < good.size(); ++size)
        messages.push_back(good.substr(0, size));
    for (const std::string& message : messages) {
        ScramClient client = proven();
        EXPECT_FALSE(client.final_received(message)) << message;
        EXPECT_FALSE(client.final_received(good)) << "after a fault";
    }
    EXPECT_FALSE(proven("wrong").final_received(good));
}

TEST(ScramClient, final_message_before_the_proof_is_refused) {
    ScramClient client(nonce);
    EXPECT_FALSE(client.final_received("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
}

TEST(ScramClient, shows_a_servers_error_without_its_control_bytes) {
    ScramClient client = proven();
    const auto result = client.final_received("e=bad\x1b[2J\n" + std::string(500, 'x'));
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().text.starts_with("server reports SCRAM error: bad?[2J?xxx"));
    EXPECT_LT(result.error().text.size(), 200U);
}

}  // namespace
}  // namespace sluice::pg
