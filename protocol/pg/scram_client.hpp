#pragma once

#include "protocol/pg/scram_keys.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg {

/// What a client must know to derive its keys: the password goes through PBKDF2 with these.
struct ScramChallenge {
    std::string salt;  ///< Raw bytes.
    std::uint32_t iterations = 0;
};

/// Why a backend's SCRAM message is refused.
struct ScramClientError {
    std::string text;
};

/// The client's side of SCRAM-SHA-256, without channel binding, towards a backend that may be
/// hostile: nothing of its messages is believed before the server's signature is checked.
///
/// Order of calls: start, challenge_received, keys_derived, final_received. The derivation in the
/// middle is the caller's, since it takes long and can be remembered.
///
/// Confined to: the login to one backend.
class ScramClient {
  public:
    template <class Value>
    using Result = boost::system::result<Value, ScramClientError>;

    /// The nonce is ours alone: to_base64 of scram_nonce_random_bytes fresh random bytes.
    explicit ScramClient(std::string_view nonce);

    /// Appends SASLInitialResponse.
    void start(std::string& out) const;
    /// The message of AuthenticationSASLContinue.
    [[nodiscard]] Result<ScramChallenge> challenge_received(std::string_view message);
    /// Appends SASLResponse with the proof.
    void keys_derived(const ScramClientKeys& keys, std::string& out);
    /// The message of AuthenticationSASLFinal; good only if the server knows the verifier.
    [[nodiscard]] Result<void> final_received(std::string_view message);

  private:
    enum class State : std::uint8_t { awaiting_challenge, awaiting_keys, awaiting_final, ended };

    State state_ = State::awaiting_challenge;
    /// Ours alone.
    std::string nonce_;
    /// server-first, until the proof is made.
    std::string server_first_;
    crypto::Sha256Digest server_signature_{};
};

}  // namespace sluice::pg
