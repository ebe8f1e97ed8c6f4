#pragma once

#include "protocol/crypto.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Keys of SCRAM-SHA-256 and what is common to both its sides. Source: RFC 5802 and RFC 7677.
///
/// Passwords are used as they are: for ASCII that is what SASLprep yields, and for text it cannot
/// prepare PostgreSQL does the same. A password outside ASCII that SASLprep would change (a
/// non-breaking space, a ligature) does not match a verifier that PostgreSQL made.
namespace sluice::pg {

using wire::Bytes;

inline constexpr std::string_view scram_mechanism = "SCRAM-SHA-256";
/// Longest message of either side we read, in bytes; PostgreSQL 17's own limit.
inline constexpr std::size_t scram_message_bytes_max = 1024;
/// What PostgreSQL uses for new verifiers.
inline constexpr std::uint32_t scram_iterations_default = 4096;
/// Most iterations a backend may ask of us: about 0.1 s of one core.
inline constexpr std::uint32_t scram_iterations_max = 1'000'000;
/// Bytes from the generator for a nonce (24 characters in base64) and for a salt.
inline constexpr std::size_t scram_nonce_random_bytes = 18;
inline constexpr std::size_t scram_salt_bytes = 16;

/// What a server stores of a password.
struct ScramVerifier {
    std::uint32_t iterations = scram_iterations_default;
    std::string salt;  ///< Raw bytes.
    crypto::Sha256Digest stored_key{};
    crypto::Sha256Digest server_key{};
    bool operator==(const ScramVerifier&) const = default;
};

/// What a client needs of a password for one salt and iteration count. Worth keeping: PBKDF2 is
/// nearly all the cost of a login. As secret as the password.
struct ScramClientKeys {
    crypto::Sha256Digest client_key{};
    crypto::Sha256Digest server_key{};
};

/// From the result of PBKDF2 over the password (SaltedPassword).
[[nodiscard]] ScramClientKeys scram_client_keys(const crypto::Sha256Digest& salted) noexcept;

/// The whole way from a password; takes a PBKDF2. crypto::Pbkdf2Sha256 does it in slices.
[[nodiscard]] ScramClientKeys derive_scram_client_keys(std::string_view password, Bytes salt,
                                                       std::uint32_t iterations) noexcept;
[[nodiscard]] ScramVerifier derive_scram_verifier(std::string_view password, Bytes salt,
                                                  std::uint32_t iterations);

/// The verifier that the keys belong to.
[[nodiscard]] ScramVerifier scram_verifier(const ScramClientKeys& keys, Bytes salt,
                                           std::uint32_t iterations);

/// A proof out of a key, or a key out of a proof: XOR of the two.
[[nodiscard]] crypto::Sha256Digest scram_proof(const crypto::Sha256Digest& key,
                                               const crypto::Sha256Digest& signature) noexcept;

/// Printable ASCII without a comma, and not empty.
[[nodiscard]] bool is_scram_nonce(std::string_view text) noexcept;

/// Reads the attributes of a SCRAM message (`a=value,b=value`) in order. After the first fault
/// every read yields an empty view.
class ScramAttributes {
  public:
    explicit ScramAttributes(std::string_view message) noexcept : rest_(message) {}

    /// The value of the next attribute, which must have this name.
    std::string_view take(char name) noexcept;
    /// Skips extensions: well-formed attributes up to one of this name, or to the end.
    void skip_to(char name) noexcept;

    [[nodiscard]] bool next_is(char name) const noexcept {
        return !failed_ && !rest_.empty() && rest_.front() == name;
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool finished() const noexcept { return !failed_ && rest_.empty(); }
    /// What has not been read; it starts at the name of an attribute.
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  private:
    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace sluice::pg
