#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The first packet of a conversation, which has no type byte: reading it for clients and writing
/// it for backends. Source: PostgreSQL 17 manual, "Message Formats" and "Start-up".
namespace sluice::pg {

using wire::Bytes;

/// What PostgreSQL itself accepts for a first packet, in bytes.
inline constexpr std::size_t startup_bytes_max = 10'000;
/// Longest name of a user or database, in bytes (NAMEDATALEN - 1); longer ones are cut.
inline constexpr std::size_t name_bytes_max = 63;
/// Longest secret of a cancel key, in bytes (protocol 3.2); it is never empty.
inline constexpr std::size_t cancel_key_bytes_max = 256;

inline constexpr std::uint32_t protocol_3_0 = 3U << 16U;

/// A minor version of protocol 3. There was never a 3.1; 3.2 came with PostgreSQL 18 and differs in
/// the length of cancel keys alone.
enum class ProtocolMinor : std::uint16_t { zero = 0, two = 2 };
inline constexpr ProtocolMinor protocol_minor_newest = ProtocolMinor::two;

/// One `name = value`; views into bytes of somebody else.
struct StartupParameter {
    std::string_view name;
    std::string_view value;
    bool operator==(const StartupParameter&) const = default;
};

struct SslRequest {};
struct GssEncRequest {};

struct CancelRequest {
    std::uint32_t process_id;
    Bytes key;  ///< 1 to cancel_key_bytes_max bytes.
};

/// All views point into the received bytes.
struct StartupMessage {
    std::uint16_t minor_version = 0;  ///< As asked for; see `minor()`.
    std::string_view user;            ///< Never empty; cut to name_bytes_max.
    std::string_view database;        ///< The user's name when the client gave none.
    /// Everything but `user`, `database` and `_pq_.` options, in order. A name may stand here more
    /// than once: the last one wins, as find() and StartupSettings have it.
    std::vector<StartupParameter> parameters;
    /// Names of `_pq_.` options. This program knows none, so all of them are unknown.
    std::vector<std::string_view> protocol_options;

    /// The value of the last parameter of exactly this name, or an empty view.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept;

    /// True when the client must be sent NegotiateProtocolVersion, before anything else, once.
    [[nodiscard]] bool needs_negotiation() const noexcept {
        return minor_version > static_cast<std::uint16_t>(protocol_minor_newest) ||
               !protocol_options.empty();
    }
    /// What is spoken with this client.
    [[nodiscard]] ProtocolMinor minor() const noexcept {
        return minor_version < static_cast<std::uint16_t>(ProtocolMinor::two) ? ProtocolMinor::zero
                                                                              : ProtocolMinor::two;
    }
};

/// Not all has arrived; there is no fault so far.
struct StartupIncomplete {
    std::size_t bytes_wanted;  ///< Received bytes at which asking again can say more.
};

struct StartupViolation {
    enum class Reply : std::uint8_t {
        none,          ///< Perhaps not PostgreSQL at all: close without a word, as PostgreSQL does.
        error,         ///< An ErrorResponse.
        legacy_error,  ///< The error message of protocol 2, which such a client understands.
    };
    Reply reply = Reply::none;
    std::string_view sqlstate;
    std::string text;
};

struct StartupResult {
    std::variant<StartupIncomplete, StartupViolation, SslRequest, GssEncRequest, CancelRequest,
                 StartupMessage>
        packet;
    /// Length of the packet read; zero unless it was complete and good. What was received behind
    /// it is the caller's to judge: after SSLRequest or GSSENCRequest it is hostile.
    std::size_t packet_bytes = 0;
};

/// Reads the first packet from what has arrived so far. A length out of range is refused from its
/// four bytes, an unknown version from eight; nothing is remembered between calls.
[[nodiscard]] StartupResult parse_startup(Bytes received,
                                          std::size_t bytes_max = startup_bytes_max);

/// What the violation's `reply` says; nothing for `none`.
void append_startup_violation(std::string& out, const StartupViolation& violation);

/// NegotiateProtocolVersion: this version is spoken, and these options are unknown.
void append_negotiate_protocol_version(std::string& out, ProtocolMinor minor,
                                       std::span<const std::string_view> options);

/// A StartupMessage.
void append_startup_message(std::string& out, ProtocolMinor minor, std::string_view user,
                            std::string_view database,
                            std::span<const StartupParameter> parameters);
void append_ssl_request(std::string& out);
void append_cancel_request(std::string& out, std::uint32_t process_id, Bytes key);

}  // namespace sluice::pg
