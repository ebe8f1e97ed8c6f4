#pragma once

#include "protocol/pg/login_messages.hpp"
#include "protocol/pg/parameter_statuses.hpp"
#include "protocol/pg/password.hpp"
#include "protocol/pg/scram_client.hpp"
#include "protocol/pg/startup.hpp"
#include "protocol/pg/startup_settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::pg {

/// Longest frame body of a login, in bytes, and most frames: a backend past either is refused.
inline constexpr std::size_t login_frame_bytes_max = 64 * 1024;
inline constexpr std::size_t login_frame_count_max = 2'000;
/// Most bytes that are kept of what a server says at a login beside the protocol's own; the rest of
/// it is dropped.
inline constexpr std::size_t login_notice_bytes_max = 8 * 1024;

/// No secret: only a backend that trusts us lets us in.
struct NoSecret {};
/// The caller has the keys for one salt and iteration count (of a verifier, by a client's proof),
/// but no password: SCRAM is the only way.
struct ScramKeysOnly {};
using BackendSecret = std::variant<NoSecret, PlainPassword, Md5Secret, ScramKeysOnly>;

/// What BackendKeyData said; needed to cancel.
struct BackendKey {
    std::uint32_t process_id = 0;
    std::string key;  ///< 1 to cancel_key_bytes_max bytes; empty when the backend gave none.
};

/// The conversation with a backend from the startup packet to the first ReadyForQuery.
///
///     start ──> awaiting_authentication ──> (password_sent | SCRAM) ──> awaiting_ready ──> ended
///
/// The backend counts as hostile: every length, count and order is checked, and AuthenticationOk
/// in the middle of SCRAM, before the server's signature was verified, is refused. TLS comes
/// before this. Bounded in size, not in time: the deadline is the caller's.
///
/// Confined to: the coroutine that opens one backend.
class BackendLogin {
  public:
    /// Send what was appended, if anything, and bring the next frame.
    struct Continue {};
    /// Derive the keys for this salt and count from the password, then call scram_keys_derived().
    /// A caller that cannot (other salt than its keys have) gives the backend up.
    using NeedScramKeys = ScramChallenge;
    /// Logged in, idle. What the backend reported may be taken.
    struct Ready {};
    /// The backend's own ErrorResponse: the body as it came, for parse_error_fields().
    struct Refused {
        Bytes body;
    };
    /// The backend did what the protocol forbids, or asked for what we cannot do. For the log and
    /// for the waiting clients; never a secret.
    struct Failed {
        std::string text;
    };
    using Step = std::variant<Continue, NeedScramKeys, Ready, Refused, Failed>;

    /// The nonce as for ScramClient; fresh for each login.
    /// `minor` is asked for; an older server says so and gets its own.
    BackendLogin(ProtocolMinor minor, std::string user, std::string database,
                 const StartupSettings& settings, BackendSecret secret,
                 std::string_view scram_nonce);

    /// Of a replication connection: what the startup packet says of it. Before start().
    void ask_for_replication(std::string_view value) { replication_ = value; }
    /// Appends the startup packet.
    void start(std::string& out);
    /// One whole frame. After Ready, Refused or Failed there is no further call.
    [[nodiscard]] Step frame_received(char type, Bytes body, std::string& out);
    /// Answers NeedScramKeys.
    void scram_keys_derived(const ScramClientKeys& keys, std::string& out);

    /// Complete once Ready was returned; moved out by the caller.
    [[nodiscard]] ParameterStatuses& parameter_statuses() noexcept { return statuses_; }
    [[nodiscard]] BackendKey& backend_key() noexcept { return key_; }
    /// The NoticeResponse frames behind AuthenticationOk, such as that a name has been truncated.
    [[nodiscard]] std::string& notices() noexcept { return notices_; }

  private:
    struct AwaitingAuthentication {};
    struct PasswordSent {};
    struct AwaitingChallenge {
        ScramClient scram;
    };
    struct AwaitingKeys {
        ScramClient scram;
    };
    struct AwaitingSignature {
        ScramClient scram;
    };
    struct SignatureVerified {};
    struct AwaitingReady {};
    struct Ended {};
    using State =
        std::variant<AwaitingAuthentication, PasswordSent, AwaitingChallenge, AwaitingKeys,
                     AwaitingSignature, SignatureVerified, AwaitingReady, Ended>;

    Step authentication_received(Bytes body, std::string& out);
    Step authentication_asked(AuthenticationCode code, wire::Cursor fields, std::string& out);
    Step sasl_asked(wire::Cursor fields, std::string& out);
    Step key_data_received(Bytes body);
    Step notice_received(Bytes body);
    Step parameter_status_received(Bytes body);
    Step negotiation_received(Bytes body);
    Step ready_received(Bytes body);
    Step failed(std::string text);

    State state_ = AwaitingAuthentication{};
    ProtocolMinor minor_;
    std::string user_;
    std::string database_;
    StartupSettings settings_;
    std::string replication_;  ///< Empty: an ordinary connection.
    BackendSecret secret_;
    std::string scram_nonce_;
    ParameterStatuses statuses_;
    BackendKey key_;
    std::string notices_;
    std::size_t frame_count_ = 0;
    enum class Negotiation : std::uint8_t { none, seen } negotiation_ = Negotiation::none;
};

}  // namespace sluice::pg
