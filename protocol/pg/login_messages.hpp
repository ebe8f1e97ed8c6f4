#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Frames of a login, from AuthenticationXXX to the first ReadyForQuery, each appended whole.
/// Source: PostgreSQL 17 manual, "Message Formats".
namespace sluice::pg {

using wire::Bytes;

/// First field of the 'R' frame.
enum class AuthenticationCode : std::uint32_t {
    ok = 0,
    kerberos_v5 = 2,
    cleartext_password = 3,
    md5_password = 5,
    scm_credential = 6,
    gss = 7,
    gss_continue = 8,
    sspi = 9,
    sasl = 10,
    sasl_continue = 11,
    sasl_final = 12,
};

// What a server sends.
void append_authentication_ok(std::string& out);
void append_authentication_cleartext_password(std::string& out);
void append_authentication_md5_password(std::string& out, std::span<const std::byte, 4> salt);
void append_authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms);
void append_authentication_sasl_continue(std::string& out, std::string_view message);
void append_authentication_sasl_final(std::string& out, std::string_view message);
void append_parameter_status(std::string& out, std::string_view name, std::string_view value);
void append_backend_key_data(std::string& out, std::uint32_t process_id, Bytes key);
void append_ready_for_query(std::string& out, char transaction_status);

// What a client sends, all of it frames of type 'p'.
void append_password(std::string& out, std::string_view password);
void append_sasl_initial_response(std::string& out, std::string_view mechanism,
                                  std::string_view message);
void append_sasl_response(std::string& out, std::string_view message);

}  // namespace sluice::pg
