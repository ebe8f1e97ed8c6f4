#pragma once

#include "protocol/resp/channel_kind.hpp"
#include "protocol/resp/reply_scanner.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::resp {

/// What a backend that has only subscriptions says next.
struct Heard {
    enum class Event : std::uint8_t {
        incomplete,    ///< To be offered again with more behind it, unless `bytes` are consumed.
        message,       ///< For those who have `name` of `kind`.
        subscribed,    ///< To `name` of `kind`.
        unsubscribed,  ///< Likewise.
        error,         ///< In answer to the oldest request: `name` is its text.
        pong,
        violation,
    };
    Event event = Event::incomplete;
    std::size_t bytes = 0;
    ChannelKind kind = ChannelKind::channel;
    std::string_view name;
};

/// Cuts the bytes of a backend in RESP2's subscriber mode into messages and answers. A message has
/// nothing but bulk strings in it, so that to a client of RESP3 its first byte is all that differs.
///
/// Looks at each byte once, however a message comes apart. Nothing here performs I/O.
class SubscriberSession {
  public:
    [[nodiscard]] Heard next(wire::Bytes available);

    /// What has been offered of an incomplete message, and the rest of it, is not wanted: it is
    /// consumed as it comes. Returns the bytes to consume now.
    [[nodiscard]] std::size_t skip_rest() noexcept;
    [[nodiscard]] bool skipping() const noexcept { return skipping_; }

  private:
    ReplyScanner scanner_;
    std::size_t looked_at_ = 0;  ///< Of the reply at the front.
    bool skipping_ = false;
};

/// Of as much of a message as there is: the channel it is for.
[[nodiscard]] Heard front_of_message(wire::Bytes available) noexcept;

}  // namespace sluice::resp
