#pragma once

#include "protocol/pg/scram_keys.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg {

/// Whether the verifier is that of a user who may log in, or a mock one.
enum class ScramUser : std::uint8_t { known, unknown };

/// Where a SCRAM dialogue with a client stands after one of its messages.
struct ScramServerStep {
    enum class Outcome : std::uint8_t {
        challenged,  ///< A frame was appended; the client's next message is awaited.
        verified,    ///< The final frame was appended; AuthenticationOk may follow.
        failed,      ///< Wrong password or unknown user: 28P01. Nothing was appended.
        violation,   ///< Not SCRAM as RFC 5802 has it: 08P01 with `text`. Nothing was appended.
    };
    Outcome outcome;
    std::string_view text = {};  ///< Of a violation; a constant.
};

/// The server's side of SCRAM-SHA-256, after AuthenticationSASL has offered it.
///
/// An unknown user goes the same way, over mock_scram_verifier(), with the same work: only the
/// last comparison knows. The dialogue is two messages long and keeps one string.
///
/// Channel binding is not offered yet. When it is, the constructor takes the binding's bytes, and
/// flag 'y' (a client that could bind but was told that we cannot) becomes a downgrade error.
///
/// Confined to: the login of one client. The verifier must outlive it.
class ScramServer {
  public:
    /// The nonce is ours alone: to_base64 of scram_nonce_random_bytes fresh random bytes.
    ScramServer(const ScramVerifier& verifier, ScramUser user, std::string_view nonce);
    ScramServer(ScramVerifier&&, ScramUser, std::string_view) = delete;

    /// Body of the next 'p' frame: SASLInitialResponse first, then SASLResponse. Appends the frame
    /// to answer with to `out`. Once it has ended, every further message is a violation.
    [[nodiscard]] ScramServerStep message_received(Bytes body, std::string& out);

    /// The next message is to prove that the client knows the password: only now the keys of the
    /// verifier are looked at, while its salt and iterations have been told.
    [[nodiscard]] bool awaits_proof() const noexcept { return state_ == State::awaiting_final; }

    /// Out of the client's proof, once verified: with it one can log in to any backend that has
    /// the same salt and iterations for this user.
    [[nodiscard]] const crypto::Sha256Digest& client_key() const noexcept;

  private:
    enum class State : std::uint8_t { awaiting_initial, awaiting_first, awaiting_final, ended };

    ScramServerStep initial_received(Bytes body, std::string& out);
    ScramServerStep first_received(std::string_view message, std::string& out);
    ScramServerStep final_received(std::string_view message, std::string& out);
    ScramServerStep violation(std::string_view text) noexcept;

    const ScramVerifier& verifier_;
    ScramUser user_;
    State state_ = State::awaiting_initial;
    /// 'n' or 'y', as the client's first message began; its last one must say the same.
    char binding_flag_ = 'n';
    /// Until the first message our nonce alone, then the client's and ours.
    std::string nonce_;
    /// client-first-bare "," server-first ","
    std::string auth_message_;
    crypto::Sha256Digest client_key_{};
};

}  // namespace sluice::pg
