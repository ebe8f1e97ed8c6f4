#include "protocol/pg/backend_login.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/scram_server.hpp"

#include "tests/unit/protocol/pg/backend_login_frames.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace sluice::pg {
namespace {

using namespace login_frames;

/// A backend's half of a whole login by one method, which is stopped before any of its frames.
struct Dialogue {
    std::string name;
    BackendSecret secret;
    std::string password;
    /// What the backend sends next, given what we sent last; sasl frames are made by a ScramServer.
    enum class Method { trust, cleartext, md5, scram } method;
};

const Dialogue dialogues[] = {
    {"trust", NoSecret{}, "", Dialogue::Method::trust},
    {"cleartext", PlainPassword{"pw1"}, "pw1", Dialogue::Method::cleartext},
    {"md5", PlainPassword{"pw1"}, "pw1", Dialogue::Method::md5},
    {"md5 secret", derive_md5_secret("pw1", "t_md5"), "pw1", Dialogue::Method::md5},
    {"scram", PlainPassword{"pw1"}, "pw1", Dialogue::Method::scram},
    {"scram keys", ScramKeysOnly{}, "pw1", Dialogue::Method::scram},
};

/// Plays the backend honestly, but calls `before` ahead of each frame with its number; when that
/// returns false, the dialogue ends there.
void play(BackendLogin& login, const Dialogue& dialogue,
          const std::function<bool(std::size_t)>& before) {
    static const ScramVerifier verifier =
        derive_scram_verifier("pw1", as_bytes("0123456789abcdef"), 3);
    ScramServer server(verifier, ScramUser::known, "server");
    std::size_t number = 0;
    std::string sent;
    const auto backend_sends = [&](const LoginFrame& frame) {
        if (!before(number++)) return false;
        Step step = feed(login, frame, &sent);
        if (const auto* const asked = std::get_if<BackendLogin::NeedScramKeys>(&step)) {
            EXPECT_EQ(sent, "");
            EXPECT_EQ(asked->salt, "0123456789abcdef");
            EXPECT_EQ(asked->iterations, 3U);
            login.scram_keys_derived(
                derive_scram_client_keys(dialogue.password, as_bytes(asked->salt),
                                         asked->iterations),
                sent);
            return true;
        }
        EXPECT_TRUE(continues(step)) << dialogue.name << ": " << failure(step);
        return continues(step);
    };
    const auto scram_answer = [&] {
        std::string answer;
        EXPECT_NE(server.message_received(as_bytes(sent).subspan(5), answer).outcome,
                  ScramServerStep::Outcome::violation);
        return LoginFrame{answer.at(0), answer.substr(5)};
    };
    switch (dialogue.method) {
        case Dialogue::Method::trust: break;
        case Dialogue::Method::cleartext:
            if (!backend_sends(ask_cleartext)) return;
            EXPECT_EQ(sent, "p\0\0\0\x08pw1\0"sv);
            break;
        case Dialogue::Method::md5:
            if (!backend_sends(ask_md5)) return;
            EXPECT_EQ(sent, "p\0\0\0\x28md54779e33300b244f01f23639d4d3343d9\0"sv);
            break;
        case Dialogue::Method::scram:
            if (!backend_sends(ask_sasl)) return;
            if (!backend_sends(scram_answer())) return;
            if (!backend_sends(scram_answer())) return;
            break;
    }
    for (const LoginFrame& frame : {ok, status, key}) {
        if (!backend_sends(frame)) return;
        EXPECT_EQ(sent, "");
    }
    if (!before(number)) return;
    EXPECT_TRUE(std::holds_alternative<BackendLogin::Ready>(feed(login, ready)));
}

TEST(BackendLogin, starts_with_user_database_and_settings) {
    StartupSettings settings;
    ASSERT_TRUE(settings.set("search_path", "a, \"B\""));
    BackendLogin login(ProtocolMinor::zero, "ann", "shop", settings, NoSecret{}, client_nonce);
    std::string out;
    login.start(out);
    EXPECT_EQ(out, "\0\0\0\x33\0\3\0\0user\0ann\0database\0shop\0search_path\0a, \"B\"\0\0"sv);
}

TEST(BackendLogin, goes_through_by_every_method) {
    for (const Dialogue& dialogue : dialogues) {
        BackendLogin login = login_with(dialogue.secret);
        play(login, dialogue, [](std::size_t) { return true; });
        EXPECT_EQ(login.backend_key().process_id, 4711U) << dialogue.name;
        EXPECT_EQ(login.backend_key().key, "key!");
        ASSERT_NE(login.parameter_statuses().find("TimeZone"), nullptr);
    }
}

TEST(BackendLogin, keeps_what_the_server_says_once_it_has_let_us_in) {
    BackendLogin login = login_with(NoSecret{});
    const LoginFrame before{'N', "early"};
    const LoginFrame notice{'N', "SNOTICE\0\0"s};
    EXPECT_TRUE(std::holds_alternative<BackendLogin::Continue>(feed(login, before)));
    for (const LoginFrame& frame : {ok, notice, status, notice})
        EXPECT_TRUE(std::holds_alternative<BackendLogin::Continue>(feed(login, frame)));
    const std::string whole = "N\0\0\0\x0dSNOTICE\0\0"s;
    EXPECT_EQ(login.notices(), whole + whole);
    // Beyond the limit it is dropped, and the login goes on.
    const std::size_t room = login_notice_bytes_max - 2 * whole.size() - frame_header_bytes;
    for (const std::size_t bytes : {room + 1, room, std::size_t{0}}) {
        const LoginFrame more{'N', std::string(bytes, 'x')};
        EXPECT_TRUE(std::holds_alternative<BackendLogin::Continue>(feed(login, more)));
    }
    EXPECT_EQ(login.notices().size(), login_notice_bytes_max);
    EXPECT_TRUE(std::holds_alternative<BackendLogin::Ready>(feed(login, ready)));
}

/// Runs every dialogue up to each of its frames and then lets the check loose on the machine.
void at_every_step(const std::function<void(BackendLogin&, const std::string&)>& check) {
    for (const Dialogue& dialogue : dialogues) {
        for (std::size_t stop = 0;; ++stop) {
            BackendLogin login = login_with(dialogue.secret);
            std::size_t reached = 0;
            play(login, dialogue, [&](std::size_t number) {
                reached = number;
                return number < stop;
            });
            if (reached < stop) break;
            check(login, dialogue.name + ", before frame " + std::to_string(stop));
        }
    }
}

TEST(BackendLogin, an_error_at_any_step_is_handed_on_as_it_came) {
    at_every_step([](BackendLogin& login, const std::string& where) {
        const Step step = feed(login, error);
        const auto* const refused = std::get_if<BackendLogin::Refused>(&step);
        ASSERT_NE(refused, nullptr) << where;
        EXPECT_EQ(parse_error_fields(refused->body).sqlstate, "28P01");
    });
}

TEST(BackendLogin, notices_and_parameters_may_come_at_any_step) {
    for (const Dialogue& dialogue : dialogues) {
        BackendLogin login = login_with(dialogue.secret);
        play(login, dialogue, [&](std::size_t) {
            EXPECT_TRUE(continues(feed(login, notice)));
            EXPECT_TRUE(continues(feed(login, status)));
            return true;
        });
        EXPECT_EQ(login.backend_key().process_id, 4711U) << dialogue.name;
    }
}

TEST(BackendLogin, foreign_frames_are_refused_at_any_step) {
    const std::vector<LoginFrame> frames{
        {'T', ""},
        {'D', ""},
        {'C', "SELECT 1\0"s},
        {'A', ""},
        {'\0', ""},
        {'R', ""},
        {'R', "\0"s},
        {'S', ""},
        {'S', "a"},
        {'S', "a\0"s},
        {'S', "a\0b"s},
        {'S', "a\0b\0c"s},
        {'Z', ""},
        {'Z', "T"},
        {'Z', "E"},
        {'Z', "II"},
        {'K', ""},
        {'K', "\0\0\0\1"s},
        {'K', "\0\0\0\1"s + std::string(257, 'k')},
        {'v', ""},
        {'v', "\0\3\0\1\0\0\0\0"s},
        {'v', "\0\3\0\0\xff\xff\xff\xff"s},
        {'v', "\0\3\0\0\0\0\0\1x"s},
        {'v', "\0\3\0\0\0\0\0\0x"s},
        {'R', "\0\0\0\0x"s},
        {'R', "\0\0\0\2"s},
        {'R', "\0\0\0\7"s},
        {'R', "\0\0\0\x08"s},
        {'R', "\0\0\0\x63"s},
        {'R', "\0\0\0\x0b"s},
        {'R', "\0\0\0\x0c"s},
        {'R', "\0\0\0\x0br=x"s},
        {'R', "\0\0\0\x0cv=x"s},
    };
    for (const LoginFrame& frame : frames) {
        at_every_step([&frame](BackendLogin& login, const std::string& where) {
            EXPECT_NE(failure(feed(login, frame)), "") << where << ", frame " << frame.type;
        });
    }
}

// Whoever answers for the backend without knowing its verifier would do just this.
TEST(BackendLogin, authentication_ok_in_the_middle_of_scram_is_refused) {
    const Dialogue& scram = dialogues[4];
    for (const std::size_t stop : {1U, 2U}) {
        BackendLogin login = login_with(scram.secret);
        play(login, scram, [stop](std::size_t number) { return number < stop; });
        EXPECT_EQ(failure(feed(login, ok)), "backend sent an authentication request out of turn");
    }
}

TEST(BackendLogin, a_wrong_scram_signature_is_refused) {
    BackendLogin login = login_with(PlainPassword{"pw1"});
    play(login, dialogues[4], [](std::size_t number) { return number < 2; });
    const std::string forged = "v=" + crypto::to_base64(as_bytes(std::string(32, 'x')));
    EXPECT_NE(failure(feed(login, frame_of(append_authentication_sasl_final, forged))), "");
}

}  // namespace
}  // namespace sluice::pg
