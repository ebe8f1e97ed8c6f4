#include "protocol/pg/scram_server.hpp"

#include "protocol/pg/login_messages.hpp"
#include "protocol/pg/password.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace sluice::pg {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using wire::as_bytes;
using Outcome = ScramServerStep::Outcome;

// RFC 7677, section 3.
const ScramVerifier verifier = std::get<ScramVerifier>(parse_stored_secret(
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="));
constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view challenge =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view final_start =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view good_proof = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

std::string initial(std::string_view message, std::string_view mechanism = scram_mechanism) {
    std::string frame;
    append_sasl_initial_response(frame, mechanism, message);
    return frame.substr(5);
}

std::string challenge_frame(std::string_view message) {
    std::string frame;
    append_authentication_sasl_continue(frame, message);
    return frame;
}

struct Reply {
    Outcome outcome;
    std::string text;
    std::string out;
};

Reply feed(ScramServer& server, std::string_view body) {
    std::string out;
    const ScramServerStep step = server.message_received(as_bytes(body), out);
    return {step.outcome, std::string(step.text), out};
}

/// After the violation nothing is taken any more.
void expect_violation(ScramServer& server, std::string_view body) {
    const Reply reply = feed(server, body);
    EXPECT_EQ(reply.outcome, Outcome::violation) << body;
    EXPECT_NE(reply.text, "") << body;
    EXPECT_EQ(reply.out, "") << body;
    EXPECT_EQ(feed(server, initial(first)).outcome, Outcome::violation);
    EXPECT_EQ(feed(server, std::string(final_start).append(good_proof)).outcome,
              Outcome::violation);
}

ScramServer challenged() {
    ScramServer server(verifier, ScramUser::known, server_nonce);
    EXPECT_EQ(feed(server, initial(first)).outcome, Outcome::challenged);
    return server;
}

TEST(ScramServer, speaks_the_dialogue_of_rfc_7677) {
    ScramServer server(verifier, ScramUser::known, server_nonce);
    const Reply one = feed(server, initial(first));
    EXPECT_EQ(one.outcome, Outcome::challenged);
    EXPECT_EQ(one.out, challenge_frame(challenge));
    const Reply two = feed(server, std::string(final_start).append(good_proof));
    EXPECT_EQ(two.outcome, Outcome::verified);
    EXPECT_EQ(two.out, "R\0\0\0\x36\0\0\0\x0cv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="sv);
    EXPECT_EQ(crypto::sha256(server.client_key()), verifier.stored_key);
    EXPECT_EQ(feed(server, std::string(final_start).append(good_proof)).outcome,
              Outcome::violation);
}

struct Dialect {
    std::string_view first;
    std::string_view binding;
    std::string_view proof;
};

// libpq sends no name, node-postgres an asterisk; 'y' is a client that could bind.
TEST(ScramServer, takes_what_clients_send) {
    const Dialect rows[] = {
        {"n,,n=,r=rOprNGfwEbeRWgbNEkqO", "biws", "qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k="},
        {"y,,n=*,r=rOprNGfwEbeRWgbNEkqO", "eSws", "29sMx1Lnr97eRo43Q/VvJHr+CKxxuwBnz30s4Gs8sqI="},
    };
    for (const Dialect& row : rows) {
        ScramServer server(verifier, ScramUser::known, server_nonce);
        EXPECT_EQ(feed(server, initial(row.first)).out, challenge_frame(challenge));
        const std::string rest =
            std::string(final_start.substr(6)) + ",p=" + std::string(row.proof);
        EXPECT_EQ(feed(server, "c=" + std::string(row.binding) + rest).outcome, Outcome::verified);

        ScramServer other(verifier, ScramUser::known, server_nonce);
        EXPECT_EQ(feed(other, initial(row.first)).outcome, Outcome::challenged);
        expect_violation(other, "c=" + std::string(row.binding == "biws" ? "eSws" : "biws") + rest);
    }
}

TEST(ScramServer, without_initial_response_asks_by_an_empty_challenge) {
    ScramServer server(verifier, ScramUser::known, server_nonce);
    const Reply zero = feed(server, "SCRAM-SHA-256\0\xff\xff\xff\xff"sv);
    EXPECT_EQ(zero.outcome, Outcome::challenged);
    EXPECT_EQ(zero.out, challenge_frame(""));
    EXPECT_EQ(feed(server, first).out, challenge_frame(challenge));
    EXPECT_EQ(feed(server, std::string(final_start).append(good_proof)).outcome, Outcome::verified);
}

TEST(ScramServer, wrong_password_and_unknown_user_look_alike) {
    ScramServer wrong = challenged();
    const Reply reply = feed(wrong, std::string(final_start) +
                                        ",p=" + crypto::to_base64(as_bytes(std::string(32, 'x'))));
    EXPECT_EQ(reply.outcome, Outcome::failed);
    EXPECT_EQ(reply.out, "");

    const ScramVerifier mock = mock_scram_verifier(as_bytes("secret"), "nobody", 4096);
    ScramServer unknown(mock, ScramUser::unknown, server_nonce);
    const Reply first_reply = feed(unknown, initial(first));
    EXPECT_EQ(first_reply.outcome, Outcome::challenged);
    EXPECT_EQ(first_reply.out.size(), challenge_frame(challenge).size());
    EXPECT_EQ(feed(unknown, std::string(final_start).append(good_proof)).outcome, Outcome::failed);
}

TEST(ScramServer, unknown_user_fails_even_with_the_right_proof) {
    ScramServer server(verifier, ScramUser::unknown, server_nonce);
    EXPECT_EQ(feed(server, initial(first)).outcome, Outcome::challenged);
    EXPECT_EQ(feed(server, std::string(final_start).append(good_proof)).outcome, Outcome::failed);
    EXPECT_EQ(server.client_key(), crypto::Sha256Digest{});
}

TEST(ScramServer, refuses_bad_initial_responses) {
    const std::string good = initial(first);
    std::vector<std::string> bodies{initial(first, "SCRAM-SHA-256-PLUS"),
                                    initial(first, "SCRAM-SHA-1"),
                                    initial(first, ""),
                                    good + "x",
                                    "SCRAM-SHA-256\0\xff\xff\xff\xffn"s,
                                    "SCRAM-SHA-256\0\x7f\xff\xff\xffn,,"s,
                                    "SCRAM-SHA-256\0\xff\xff\xff\xfen,,"s};
    for (std::size_t size = 0; size < good.size(); ++size)
        bodies.push_back(good.substr(0, size));
    for (const std::string& body : bodies) {
        ScramServer server(verifier, ScramUser::known, server_nonce);
        expect_violation(server, body);
    }
}

TEST(ScramServer, refuses_bad_first_messages) {
    const std::string_view messages[] = {"",
                                         "n",
                                         "n,",
                                         "n,,",
                                         "n,,n=",
                                         "n,,n=,",
                                         "n,,n=,r=",
                                         "n,,r=abc,n=",
                                         "n,,n=u,x=1,r=abc",
                                         "p=tls-server-end-point,,n=,r=abc",
                                         "p,,n=,r=abc",
                                         "x,,n=,r=abc",
                                         "n,a=me,n=,r=abc",
                                         "n,b=me,n=,r=abc",
                                         "n,,m=ext,n=,r=abc",
                                         "n,,n=,r=a\x7f",
                                         "n,,n=,r=a b",
                                         "n,,n=,r=\xc3\xa9",
                                         "n,,n=,r=abc,",
                                         "n,,n=,r=abc,1=x",
                                         "n,,n=,r=abc,xy",
                                         "n,,n=,r=abc\0"sv,
                                         "N,,n=,r=abc",
                                         " n,,n=,r=abc"};
    for (const std::string_view message : messages) {
        ScramServer server(verifier, ScramUser::known, server_nonce);
        expect_violation(server, initial(message));
    }
}

TEST(ScramServer, optional_extensions_are_passed_over) {
    ScramServer server(verifier, ScramUser::known, server_nonce);
    EXPECT_EQ(feed(server, initial("n,,n=,r=abc,x=1,y=")).outcome, Outcome::challenged);
}

TEST(ScramServer, message_limit_holds_on_both_sides) {
    const std::string start = "n,,n=,r=";
    const std::string longest = start + std::string(scram_message_bytes_max - start.size(), 'x');
    ScramServer good(verifier, ScramUser::known, server_nonce);
    EXPECT_EQ(feed(good, initial(longest)).outcome, Outcome::challenged);
    ScramServer bad(verifier, ScramUser::known, server_nonce);
    expect_violation(bad, initial(longest + "x"));
    ScramServer late = challenged();
    expect_violation(late, std::string(scram_message_bytes_max + 1, 'x'));
}

TEST(ScramServer, refuses_bad_final_messages) {
    const std::string start(final_start);
    const std::string whole = start + std::string(good_proof);
    std::vector<std::string> messages{
        whole + ",",
        whole + ",x=1",
        whole + "\0"s,
        start + ",p=AAAA",
        start + ",p=",
        start + ",p=!",
        start + "x" + std::string(good_proof),
        "r=rOprNGfwEbeRWgbNEkqO,c=biws" + std::string(good_proof),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO" + std::string(good_proof),
        "c=,r=x" + std::string(good_proof),
        std::string(good_proof.substr(1)),
        start + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=",  // Unused bits set.
        start + ",p=dHzbZapWIk4jUhN-Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    };
    for (std::size_t size = 0; size < whole.size(); ++size)
        messages.push_back(whole.substr(0, size));
    for (const std::string& message : messages) {
        ScramServer server = challenged();
        expect_violation(server, message);
    }
}

}  // namespace
}  // namespace sluice::pg
