#pragma once

#include "protocol/pg/backend_login.hpp"
#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/login_messages.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// Frames a backend sends in a login, and how to give them to a BackendLogin.
namespace sluice::pg::login_frames {

using namespace std::string_literals;
using namespace std::string_view_literals;
using wire::as_bytes;
using Step = BackendLogin::Step;

inline constexpr std::string_view client_nonce = "rOprNGfwEbeRWgbNEkqO";
inline constexpr Md5Salt md5_salt{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

inline BackendLogin login_with(BackendSecret secret, ProtocolMinor minor = ProtocolMinor::zero) {
    return {minor, "t_md5", "shop", StartupSettings{}, std::move(secret), client_nonce};
}

/// A frame as the machine is given it.
struct LoginFrame {
    char type = '\0';
    std::string body;
};

template <class Append, class... Arguments>
LoginFrame frame_of(Append append, Arguments&&... arguments) {
    std::string out;
    append(out, std::forward<Arguments>(arguments)...);
    return {out[0], out.substr(5)};
}

inline LoginFrame sasl_offer(std::initializer_list<std::string_view> names) {
    return frame_of(append_authentication_sasl, std::span(names.begin(), names.size()));
}

inline const LoginFrame ok = frame_of(append_authentication_ok);
inline const LoginFrame ask_cleartext = frame_of(append_authentication_cleartext_password);
inline const LoginFrame ask_md5 = frame_of(append_authentication_md5_password, md5_salt);
inline const LoginFrame ask_sasl = sasl_offer({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
inline const LoginFrame status = frame_of(append_parameter_status, "TimeZone", "UTC");
inline const LoginFrame key = frame_of(append_backend_key_data, 4711U, as_bytes("key!"));
inline const LoginFrame ready = frame_of(append_ready_for_query, 'I');
inline const LoginFrame notice = frame_of(append_notice, Severity::notice, "00000"sv, "hello"sv,
                                          std::string_view{}, std::string_view{});
inline const LoginFrame error = frame_of(append_error, Severity::fatal, "28P01"sv, "no"sv,
                                         std::string_view{}, std::string_view{});
inline const LoginFrame negotiation{'v', "\0\3\0\0\0\0\0\0"s};

inline Step feed(BackendLogin& login, const LoginFrame& frame, std::string* sent = nullptr) {
    std::string out;
    Step step = login.frame_received(frame.type, as_bytes(frame.body), out);
    if (sent != nullptr) *sent = out;
    return step;
}

inline bool continues(const Step& step) {
    return std::holds_alternative<BackendLogin::Continue>(step);
}

inline std::string failure(const Step& step) {
    const auto* const failed = std::get_if<BackendLogin::Failed>(&step);
    return failed ? failed->text : "";
}

}  // namespace sluice::pg::login_frames
