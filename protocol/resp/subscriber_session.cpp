#include "protocol/resp/subscriber_session.hpp"

#include "protocol/resp/request.hpp"

#include <utility>

namespace sluice::resp {

namespace {

using Event = Heard::Event;

/// Without the dash and the line's end.
std::string_view error_of(std::string_view line) {
    line.remove_prefix(1);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.remove_suffix(1);
    return line;
}

}  // namespace

Heard front_of_message(wire::Bytes available) noexcept {
    Heard heard;
    heard.event = Event::violation;
    ArgumentReader words(available);
    const auto word = words.next();
    if (!word) return heard;
    if (*word == "pong") {
        heard.event = Event::pong;
        return heard;
    }
    const auto name = words.next();
    if (!name) return heard;
    heard.name = *name;
    for (std::size_t kind = 0; kind < channel_kind_count; ++kind) {
        const ChannelWords& known = channel_words[kind];
        heard.kind = static_cast<ChannelKind>(kind);
        if (*word == known.message) heard.event = Event::message;
        if (*word == known.subscribe) heard.event = Event::subscribed;
        if (*word == known.unsubscribe) heard.event = Event::unsubscribed;
        if (heard.event != Event::violation) return heard;
    }
    return heard;
}

Heard SubscriberSession::next(wire::Bytes available) {
    Heard heard;
    const ReplyScan scan = scanner_.next(available.subspan(looked_at_));
    if (scan.event == ReplyScan::Event::violation || scan.event == ReplyScan::Event::push) {
        heard.event = Event::violation;
        return heard;
    }
    looked_at_ += scan.bytes;
    if (scan.event == ReplyScan::Event::part) {
        if (skipping_) heard.bytes = std::exchange(looked_at_, 0);
        return heard;
    }
    const std::size_t bytes = std::exchange(looked_at_, 0);
    if (skipping_) {
        skipping_ = false;
        heard.bytes = bytes;
        return heard;
    }
    const wire::Bytes reply = available.first(bytes);
    if (reply[0] == std::byte{'*'}) {
        heard = front_of_message(reply);
    } else if (reply[0] == std::byte{'-'}) {
        heard.event = Event::error;
        heard.name = error_of(wire::as_text(reply));
    } else {
        heard.event = wire::as_text(reply) == "+PONG\r\n" ? Event::pong : Event::violation;
    }
    heard.bytes = bytes;
    return heard;
}

std::size_t SubscriberSession::skip_rest() noexcept {
    skipping_ = true;
    return std::exchange(looked_at_, 0);
}

}  // namespace sluice::resp
