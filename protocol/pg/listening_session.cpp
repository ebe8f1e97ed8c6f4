#include "protocol/pg/listening_session.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pg {

namespace {

/// Words that a function or an extension may have made as long as it likes.
bool may_be_long(BackendMessage type) noexcept {
    return type == BackendMessage::NoticeResponse || type == BackendMessage::ErrorResponse ||
           type == BackendMessage::ParameterStatus;
}

}  // namespace

void ListeningSession::ask(std::string_view sql, std::uint64_t ticket, std::string& out) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Query))
        .c_string(sql)
        .end_frame();
    tickets_.push_back(ticket);
}

void ListeningSession::listen(std::string_view channel, std::uint64_t ticket, std::string& out) {
    std::string sql("LISTEN ");
    append_channel(sql, channel);
    ask(sql, ticket, out);
}

void ListeningSession::unlisten(std::string_view channel, std::uint64_t ticket, std::string& out) {
    std::string sql("UNLISTEN ");
    append_channel(sql, channel);
    ask(sql, ticket, out);
}

void ListeningSession::barrier(std::uint64_t ticket, std::string& out) {
    ask({}, ticket, out);
}

ListeningSession::Event ListeningSession::next(wire::Bytes available) {
    Event event;
    if (skip_left_ > 0) return skip(std::move(event), available.size());
    if (available.size() < frame_header_bytes) return event;
    const FrameHeader header = read_frame_header(available);
    if (!header.valid) {
        event.kind = Event::Kind::violation;
        return event;
    }
    if (header.body_bytes > notification_bytes_max) {
        if (!may_be_long(static_cast<BackendMessage>(header.type))) {
            event.kind = Event::Kind::violation;
            return event;
        }
        // What an error says is lost with its length, but not that it is one.
        if (static_cast<BackendMessage>(header.type) == BackendMessage::ErrorResponse) error_ = "";
        skip_left_ = frame_header_bytes + std::size_t{header.body_bytes};
        return skip(std::move(event), available.size());
    }
    if (available.size() - frame_header_bytes < header.body_bytes) return event;
    const wire::Bytes body = available.subspan(frame_header_bytes, header.body_bytes);
    event.bytes = frame_header_bytes + header.body_bytes;
    event.kind = Event::Kind::nothing;
    const auto type = static_cast<BackendMessage>(header.type);
    if (type == BackendMessage::NotificationResponse) {
        const bool sound = parse_notification(body, event.notification);
        event.kind = sound ? Event::Kind::notification : Event::Kind::violation;
    } else if (type == BackendMessage::ErrorResponse) {
        // Unasked for, it is the backend's farewell; the end of its stream follows.
        error_ = std::string(wire::as_text(body));
    } else if (type == BackendMessage::ReadyForQuery) {
        return ready(std::move(event));
    }
    return event;
}

ListeningSession::Event ListeningSession::ready(Event event) {
    if (tickets_.empty()) {
        event.kind = Event::Kind::violation;
        return event;
    }
    event.kind = error_ ? Event::Kind::refused : Event::Kind::done;
    event.ticket = tickets_.front();
    event.error = std::exchange(error_, {}).value_or("");
    tickets_.pop_front();
    return event;
}

ListeningSession::Event ListeningSession::skip(Event event, std::size_t available) noexcept {
    if (available == 0) return event;
    event.bytes = std::min(skip_left_, available);
    event.kind = Event::Kind::nothing;
    skip_left_ -= event.bytes;
    return event;
}

}  // namespace sluice::pg
