#pragma once

#include "protocol/pg/notification.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::pg {

/// The conversation with a backend that does nothing but listen, from the end of its login on.
///
/// Each request is a Query of its own, outside of any block, and has a ticket by which the caller
/// knows it again. When one has been answered, every notification of a transaction that had
/// committed before the request was sent has come: PostgreSQL signals its listeners before it
/// tells the committing client, and sends what it has for one before its ReadyForQuery. An empty
/// request is therefore a *barrier*.
///
/// Confined to: its owner; a plain value without I/O.
class ListeningSession {
  public:
    struct Event {
        enum class Kind : std::uint8_t {
            more_bytes,    ///< Nothing whole is there.
            nothing,       ///< Of no interest.
            notification,  ///< One has come.
            done,          ///< The request of `ticket` has succeeded.
            refused,       ///< It has failed, for what `error` says: the body of an ErrorResponse,
                           ///< which may be empty.
            violation,     ///< The backend broke the protocol: close it.
        };
        Kind kind = Kind::more_bytes;
        std::size_t bytes = 0;  ///< From the front; of one frame at most.
        Notification notification;
        std::uint64_t ticket = 0;
        std::string error;
    };

    // Each appends one request.
    void listen(std::string_view channel, std::uint64_t ticket, std::string& out);
    void unlisten(std::string_view channel, std::uint64_t ticket, std::string& out);
    void barrier(std::uint64_t ticket, std::string& out);

    /// What the front of `available` says. Views in the event are into it.
    [[nodiscard]] Event next(wire::Bytes available);
    [[nodiscard]] std::size_t owed() const noexcept { return tickets_.size(); }

  private:
    void ask(std::string_view sql, std::uint64_t ticket, std::string& out);
    [[nodiscard]] Event ready(Event event);
    [[nodiscard]] Event skip(Event event, std::size_t available) noexcept;

    std::deque<std::uint64_t> tickets_;  ///< Of requests not answered, oldest first.
    std::optional<std::string> error_;   ///< Of the oldest.
    std::size_t skip_left_ = 0;          ///< Bytes of a frame that is too long to be kept.
};

}  // namespace sluice::pg
