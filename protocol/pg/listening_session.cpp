#include "protocol/pg/listening_session.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <utility>

namespace sluice::pg {

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
    if (available.size() < frame_header_bytes) return event;
    const FrameHeader header = read_frame_header(available);
    if (!header.valid || header.body_bytes > notification_bytes_max) {
        event.kind = Event::Kind::violation;
        return event;
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
        error_ = wire::as_text(body);
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
    event.kind = error_.empty() ? Event::Kind::done : Event::Kind::refused;
    event.ticket = tickets_.front();
    event.error = std::exchange(error_, {});
    tickets_.pop_front();
    return event;
}

}  // namespace sluice::pg
