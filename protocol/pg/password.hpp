#pragma once

#include "protocol/pg/scram_keys.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

/// Secrets of users as files and catalogs store them, and PostgreSQL's md5 method.
namespace sluice::pg {

struct PlainPassword {
    std::string text;
};

/// MD5 of password and user name; whoever has it can log in by md5, so it is as good as plain.
struct Md5Secret {
    crypto::Md5Hex hex{};
};

using StoredSecret = std::variant<PlainPassword, Md5Secret, ScramVerifier>;

/// Reads the password column of userlist.txt or pg_authid. What is not exactly an md5 secret or a
/// SCRAM-SHA-256 verifier is a plain password, as in PgBouncer and PostgreSQL.
[[nodiscard]] StoredSecret parse_stored_secret(std::string_view text);

/// `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`.
[[nodiscard]] std::string format_scram_verifier(const ScramVerifier& verifier);

[[nodiscard]] Md5Secret derive_md5_secret(std::string_view password,
                                          std::string_view user) noexcept;

using Md5Salt = std::array<std::byte, 4>;
/// "md5" and 32 digits: what a client sends as its password.
using Md5Response = std::array<char, 35>;
[[nodiscard]] Md5Response md5_response(const Md5Secret& secret, const Md5Salt& salt) noexcept;
/// In constant time for texts of the right length.
[[nodiscard]] bool md5_response_matches(const Md5Secret& secret, const Md5Salt& salt,
                                        std::string_view response) noexcept;

/// Checks a password sent in clear. For a verifier this takes a whole PBKDF2; the other kinds are
/// compared in constant time, lengths hidden too.
[[nodiscard]] bool plain_password_matches(const StoredSecret& secret, std::string_view user,
                                          std::string_view password) noexcept;

/// A verifier for a name that may not log in: looks like any other, stays the same for one process
/// secret and name, and is satisfied by no password. Give it the iterations of real users, or the
/// challenge tells them apart.
[[nodiscard]] ScramVerifier mock_scram_verifier(Bytes process_secret, std::string_view user,
                                                std::uint32_t iterations);

/// Body of a PasswordMessage: one text and its zero byte, nothing else. False when it is not.
[[nodiscard]] bool parse_password_message(Bytes body, std::string_view& password) noexcept;

}  // namespace sluice::pg
