#pragma once

#include "protocol/resp/protocol_fault.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::resp {

/// What one request may be at most. A request that breaks one of these ends its client.
struct RequestLimits {
    std::uint32_t arguments_max = 1'048'576;            ///< Redis itself: 2^31 - 1.
    std::uint64_t bulk_bytes_max = 512U * 1024 * 1024;  ///< `proto-max-bulk-len` of Redis.
    std::uint32_t inline_bytes_max = 64U * 1024;

    /// Who has not logged in can make us hold little. Source: Redis 7.0, which has the same two.
    static constexpr std::uint32_t unauthenticated_arguments_max = 10;
    static constexpr std::uint64_t unauthenticated_bulk_bytes_max = 16'384;
};

enum class LoginState : std::uint8_t { required, done };

struct RequestScan {
    enum class Event : std::uint8_t {
        incomplete,
        complete,     ///< An array of bulk strings, of `bytes` bytes.
        empty,        ///< `*0`, `*-1`: read over, never answered.
        inline_line,  ///< A line of `bytes` bytes with its line feed, not split yet.
        violation,
    };
    Event event = Event::incomplete;
    std::size_t bytes = 0;
    ProtocolFault fault = ProtocolFault::none;
    char found = '\0';  ///< With `expected_dollar`.
};

/// Cuts one request after the other out of a client's bytes. Looks at no byte of a bulk, and at
/// each byte of a frame's skeleton once, however many calls it takes; those of its first call twice
/// when the request has not arrived in full. Source: "Redis serialization protocol specification",
/// redis.io.
class RequestScanner {
  public:
    /// `available` begins with the first byte of the request that has not been passed on.
    [[nodiscard]] RequestScan scan(wire::Bytes available, const RequestLimits& limits,
                                   LoginState login);

    /// The first `bytes` of an incomplete request have left; the rest is still to come.
    void passed(std::size_t bytes) noexcept { at_ -= bytes; }
    /// Bytes of the incomplete request that may be passed on: those that were looked at.
    [[nodiscard]] std::size_t looked_at(wire::Bytes available) const noexcept {
        return at_ < available.size() ? at_ : available.size();
    }
    /// What the request under way comes to at least, by the lengths that have been read.
    [[nodiscard]] std::size_t announced_bytes() const noexcept {
        // Behind a bulk its CRLF is still to come.
        return phase_ == Phase::bulk && arguments_left_ > 0 ? at_ + 2 : at_;
    }
    /// The request was consumed, or is to be looked at again from its start.
    void restart() noexcept { *this = {}; }
    [[nodiscard]] bool within_request() const noexcept { return phase_ != Phase::start; }

  private:
    enum class Phase : std::uint8_t { start, line, bulk_header, bulk };

    [[nodiscard]] RequestScan scan_line(wire::Bytes available, const RequestLimits& limits);
    [[nodiscard]] RequestScan scan_count(wire::Bytes available, const RequestLimits& limits,
                                         LoginState login);
    [[nodiscard]] RequestScan scan_bulk_header(wire::Bytes available, const RequestLimits& limits,
                                               LoginState login);
    [[nodiscard]] bool bulk_ends(wire::Bytes available) const noexcept;

    std::size_t at_ = 0;  ///< The next byte to look at; may lie beyond what has arrived.
    std::uint32_t arguments_left_ = 0;
    Phase phase_ = Phase::start;
};

}  // namespace sluice::resp
