#pragma once

#include "protocol/wire/cursor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::resp {

/// The version of the protocol a peer speaks. Replies of one are never turned into the other's:
/// flat and nested pairs, nulls and doubles differ by command.
enum class RespVersion : std::uint8_t { resp2 = 2, resp3 = 3 };

struct ReplyScan {
    enum class Event : std::uint8_t {
        part,       ///< `bytes` of a reply, and more of it is to come.
        reply,      ///< `bytes` to the end of a reply.
        push,       ///< `bytes` to the end of a push, which answers nothing.
        violation,  ///< Not RESP; and so for good, since where the next reply begins is lost.
    };
    Event event = Event::part;
    std::size_t bytes = 0;
};

/// Cuts a backend's bytes into replies by their lengths alone, in whatever pieces they come.
/// Nothing is kept but counts: a reply of any size and any nesting takes the same few bytes here.
/// Source: "Redis serialization protocol specification", redis.io, RESP2 and RESP3.
class ReplyScanner {
  public:
    /// The bytes of the front of `available` that belong to one reply or push. With `part`,
    /// `bytes` may be fewer than there are: what is left is half a header, to be offered again.
    [[nodiscard]] ReplyScan next(wire::Bytes available) noexcept;

    [[nodiscard]] bool within_reply() const noexcept { return elements_left_ > 0; }
    [[nodiscard]] bool within_push() const noexcept { return within_reply() && is_push_; }
    /// The reply at hand, or that has just ended, is an error.
    [[nodiscard]] bool is_error() const noexcept { return is_error_; }
    /// Refusals for want of memory within the reply at hand, or that has just ended: in the answer
    /// to EXEC each command has its own.
    [[nodiscard]] std::uint32_t inner_oom_count() const noexcept { return inner_oom_count_; }
    /// The first bytes of that error: its token and what it is about.
    [[nodiscard]] std::string_view error_text() const noexcept {
        return {error_.data(), error_bytes_};
    }

  private:
    enum class Phase : std::uint8_t { header, line, bulk, broken };

    [[nodiscard]] bool read_header(wire::Bytes available, std::size_t& at) noexcept;
    [[nodiscard]] bool begin_aggregate(char type, std::int64_t count) noexcept;
    [[nodiscard]] std::size_t skip_line(wire::Bytes available) noexcept;
    void begin_value(char type) noexcept;
    void keep_error(wire::Bytes part) noexcept;
    void end_value() noexcept;

    /// Values that the reply at hand still lacks; an aggregate is replaced by its elements. 0:
    /// between two replies. Bounded by what fits, since each element has a header of its own.
    std::uint64_t elements_left_ = 0;
    std::uint64_t bulk_left_ = 0;   ///< With the CRLF.
    std::array<char, 48> error_{};  ///< Of the error at hand, or the last one.
    std::uint32_t inner_oom_count_ = 0;
    std::uint8_t error_bytes_ = 0;
    Phase phase_ = Phase::header;
    bool is_push_ = false;
    bool is_error_ = false;
    bool in_error_ = false;  ///< The value at hand is an error, of the reply or within it.
};

}  // namespace sluice::resp
