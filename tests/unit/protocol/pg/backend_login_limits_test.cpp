// What a backend may not do in a login, and how much it may do of the rest.

#include "tests/unit/protocol/pg/backend_login_frames.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::pg {
namespace {

using namespace login_frames;

TEST(BackendLoginLimits, an_empty_error_is_an_error_too) {
    BackendLogin login = login_with(NoSecret{});
    EXPECT_TRUE(std::holds_alternative<BackendLogin::Refused>(feed(login, {'E', ""})));
}

TEST(BackendLoginLimits, every_authentication_frame_cut_short_is_refused) {
    const StartupSettings none;
    for (const LoginFrame& whole : {ok, ask_cleartext, ask_md5, ask_sasl}) {
        for (std::size_t size = 0; size < whole.body.size(); ++size) {
            BackendLogin login = login_with(PlainPassword{"pw1"});
            EXPECT_NE(failure(feed(login, {'R', whole.body.substr(0, size)})), "");
        }
        BackendLogin login = login_with(PlainPassword{"pw1"});
        EXPECT_NE(failure(feed(login, {'R', whole.body + "x"})), "");
    }
}

TEST(BackendLoginLimits, ready_and_key_before_authentication_ok_are_refused) {
    for (const LoginFrame& frame : {ready, key}) {
        BackendLogin login = login_with(NoSecret{});
        EXPECT_NE(failure(feed(login, frame)), "");
        BackendLogin asked = login_with(PlainPassword{"pw1"});
        EXPECT_TRUE(continues(feed(asked, ask_cleartext)));
        EXPECT_NE(failure(feed(asked, frame)), "");
    }
}

TEST(BackendLoginLimits, only_one_authentication_is_answered) {
    for (const LoginFrame& first : {ask_cleartext, ask_md5, ok}) {
        for (const LoginFrame& second : {ask_cleartext, ask_md5, ask_sasl}) {
            BackendLogin login = login_with(PlainPassword{"pw1"});
            EXPECT_TRUE(continues(feed(login, first)));
            std::string sent;
            EXPECT_NE(failure(feed(login, second, &sent)), "");
            EXPECT_EQ(sent, "");
        }
    }
    BackendLogin login = login_with(NoSecret{});
    EXPECT_TRUE(continues(feed(login, ok)));
    EXPECT_NE(failure(feed(login, ok)), "");
}

TEST(BackendLoginLimits, refusals_name_what_the_backend_wants) {
    struct Row {
        BackendSecret secret;
        LoginFrame frame;
        std::string_view text;
    };
    const Row rows[] = {
        {NoSecret{}, ask_cleartext,
         "backend asks for a cleartext password, but no password is configured for it"},
        {NoSecret{}, ask_md5,
         "backend asks for an md5 password, but no password is configured for it"},
        {NoSecret{}, ask_sasl,
         "backend asks for SCRAM-SHA-256, but no password is configured for it"},
        {Md5Secret{}, ask_cleartext,
         "backend asks for a cleartext password, which an md5 secret cannot answer; configure its "
         "password"},
        {Md5Secret{}, ask_sasl,
         "backend asks for SCRAM-SHA-256, which an md5 secret cannot answer; configure its "
         "password"},
        {ScramKeysOnly{}, ask_md5,
         "backend asks for an md5 password, which a SCRAM secret cannot answer; configure its "
         "password"},
        {PlainPassword{"x"},
         {'R', "\0\0\0\7"s},
         "backend asks for authentication by GSSAPI, which is not supported; use trust, password, "
         "md5 or scram-sha-256"},
        {PlainPassword{"x"},
         {'R', "\0\0\0\x4d"s},
         "backend asks for authentication by method 77, which is not supported; use trust, "
         "password, md5 or scram-sha-256"},
        {PlainPassword{"x"}, sasl_offer({"SCRAM-SHA-256-PLUS", "OAUTH\nBEARER"}),
         "backend offers only these SASL mechanisms: SCRAM-SHA-256-PLUS, OAUTH?BEARER; none is "
         "SCRAM-SHA-256"},
    };
    for (const Row& row : rows) {
        BackendLogin login = login_with(row.secret);
        std::string sent;
        EXPECT_EQ(failure(feed(login, row.frame, &sent)), row.text);
        EXPECT_EQ(sent, "");
    }
}

TEST(BackendLoginLimits, a_backend_without_key_data_has_no_key) {
    BackendLogin login = login_with(NoSecret{});
    EXPECT_TRUE(continues(feed(login, ok)));
    EXPECT_TRUE(std::holds_alternative<BackendLogin::Ready>(feed(login, ready)));
    EXPECT_EQ(login.backend_key().key, "");
}

TEST(BackendLoginLimits, cancel_keys_have_1_to_256_bytes_and_come_once) {
    for (const std::size_t size : {1U, 4U, 256U}) {
        BackendLogin login = login_with(NoSecret{});
        EXPECT_TRUE(continues(feed(login, ok)));
        const LoginFrame long_key =
            frame_of(append_backend_key_data, 1U, as_bytes(std::string(size, 'k')));
        EXPECT_TRUE(continues(feed(login, long_key)));
        EXPECT_EQ(login.backend_key().key.size(), size);
        EXPECT_NE(failure(feed(login, long_key)), "");
    }
}

TEST(BackendLoginLimits, negotiation_is_tolerated_once_before_authentication) {
    BackendLogin twice = login_with(NoSecret{});
    EXPECT_TRUE(continues(feed(twice, negotiation)));
    EXPECT_NE(failure(feed(twice, negotiation)), "");
    BackendLogin listing = login_with(NoSecret{});
    EXPECT_TRUE(continues(feed(listing, {'v', "\0\0\0\0\0\0\0\1_pq_.x\0"s})));
    EXPECT_TRUE(continues(feed(listing, ok)));
    EXPECT_NE(failure(feed(listing, negotiation)), "");
}

TEST(BackendLoginLimits, a_server_may_negotiate_down_but_not_up) {
    for (const ProtocolMinor asked : {ProtocolMinor::zero, ProtocolMinor::two}) {
        for (char answered = 0; answered < 4; ++answered) {
            const bool down = answered <= static_cast<char>(asked);
            std::string body("\0\3\0\0\0\0\0\0"s);
            body[3] = answered;
            BackendLogin whole = login_with(NoSecret{}, asked);
            EXPECT_EQ(continues(feed(whole, {'v', body})), down) << int{answered};
            body[1] = 0;
            BackendLogin minor_alone = login_with(NoSecret{}, asked);
            EXPECT_EQ(continues(feed(minor_alone, {'v', body})), down) << int{answered};
        }
    }
    std::string out;
    login_with(NoSecret{}, ProtocolMinor::two).start(out);
    EXPECT_EQ(out.substr(4, 4), "\0\3\0\2"s);
}

TEST(BackendLoginLimits, frame_limits_hold_on_both_sides) {
    BackendLogin longest = login_with(NoSecret{});
    EXPECT_TRUE(continues(feed(longest, {'N', std::string(login_frame_bytes_max, 'x')})));
    EXPECT_NE(failure(feed(longest, {'N', std::string(login_frame_bytes_max + 1, 'x')})), "");

    BackendLogin endless = login_with(NoSecret{});
    for (std::size_t i = 0; i < login_frame_count_max; ++i) {
        ASSERT_TRUE(continues(feed(endless, notice)));
    }
    EXPECT_EQ(failure(feed(endless, notice)), "backend's login does not end");
}

TEST(BackendLoginLimits, parameter_limit_holds_on_both_sides) {
    BackendLogin login = login_with(NoSecret{});
    for (std::size_t i = 0; i < parameter_status_count_max; ++i) {
        ASSERT_TRUE(
            continues(feed(login, frame_of(append_parameter_status, std::to_string(i), "v"))));
    }
    EXPECT_EQ(failure(feed(login, status)), "backend reports too many parameters");
}

TEST(BackendLoginLimits, mechanism_count_limit_holds_on_both_sides) {
    LoginFrame most{'R', "\0\0\0\x0a"s};
    for (int i = 0; i < 15; ++i)
        most.body += "X\0"s;
    most.body += "SCRAM-SHA-256\0\0"s;
    BackendLogin login = login_with(PlainPassword{"x"});
    EXPECT_TRUE(continues(feed(login, most)));
    most.body.insert(4, "X\0"s);
    BackendLogin other = login_with(PlainPassword{"x"});
    EXPECT_NE(failure(feed(other, most)), "");
}

}  // namespace
}  // namespace sluice::pg
