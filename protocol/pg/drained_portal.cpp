#include "protocol/pg/drained_portal.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <cstdint>

namespace sluice::pg {

namespace {

constexpr std::string_view ready_idle{"Z\0\0\0\5I", 6};
constexpr std::string_view close_complete{"3\0\0\0\4", 5};
constexpr std::string_view portal_suspended{"s\0\0\0\4", 5};
/// A portal's name fits, and nothing else is asked here.
constexpr std::size_t frame_bytes_max = 10'000;

/// The frame at `at` of bytes that are whole frames.
wire::Bytes frame_at(wire::Bytes stored, std::size_t at) noexcept {
    const wire::Bytes rest = stored.subspan(at);
    return rest.first(frame_header_bytes + std::size_t{read_frame_header(rest).body_bytes});
}

BackendMessage type_of(wire::Bytes frame) noexcept {
    return static_cast<BackendMessage>(frame[0]);
}

void append_complete(std::string& out, std::uint64_t rows) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(BackendMessage::CommandComplete))
        .c_string("SELECT " + std::to_string(rows))
        .end_frame();
}

}  // namespace

void DrainedPortal::append_request(std::string& out) const {
    wire::Writer writer(out);
    writer.begin_frame(static_cast<char>(ClientMessage::Describe));
    writer.u8('P').c_string(name_).end_frame();
    writer.begin_frame(static_cast<char>(ClientMessage::Execute));
    writer.c_string(name_).u32(0).end_frame();
    writer.begin_frame(static_cast<char>(ClientMessage::Flush)).end_frame();
}

std::size_t DrainedPortal::finish(wire::Bytes stored) {
    if (stored.empty()) return 0;
    const wire::Bytes first = frame_at(stored, 0);
    if (type_of(first) != BackendMessage::RowDescription) return 0;
    wire::Bytes last = first;
    for (std::size_t at = first.size(); at < stored.size(); at += last.size())
        last = frame_at(stored, at);
    const bool selected = type_of(last) == BackendMessage::CommandComplete &&
                          wire::as_text(last.subspan(frame_header_bytes)).starts_with("SELECT ");
    if (!selected && type_of(last) != BackendMessage::ErrorResponse) return 0;
    description_ = wire::as_text(first);
    return first.size();
}

DrainedPortal::Answer DrainedPortal::answer(wire::Bytes client, wire::Bytes stored,
                                            std::string& words) {
    if (client.size() < frame_header_bytes) return {End::more_bytes};
    const FrameHeader header = read_frame_header(client);
    const std::size_t bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const auto type = static_cast<ClientMessage>(header.type);
    // A simple query ends the batch, as farewell does: with it the portal is gone.
    if (type == ClientMessage::Query || type == ClientMessage::Terminate) return {End::over};
    if (!header.valid || bytes > frame_bytes_max) return {End::lost};
    if (client.size() < bytes) return {End::more_bytes};
    const wire::Bytes body = client.subspan(frame_header_bytes, header.body_bytes);
    Answer answer{End::lost};
    switch (type) {
        case ClientMessage::Execute: answer = execute(body, stored, words); break;
        case ClientMessage::Describe:
        case ClientMessage::Close: answer = of_portal(header.type, body, words); break;
        case ClientMessage::Sync:
            if (!body.empty()) break;
            words += ready_idle;
            answer.end = End::over;
            break;
        case ClientMessage::Flush:
            if (body.empty()) answer.end = End::open;
            break;
        case ClientMessage::CopyData:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail: answer.end = End::open; break;  // Outside of a COPY: ignored.
        case ClientMessage::Bind:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Query:
        case ClientMessage::Terminate: break;
    }
    if (answer.end != End::lost) answer.taken = bytes;
    return answer;
}

DrainedPortal::Answer DrainedPortal::of_portal(char type, wire::Bytes body,
                                               std::string& words) const {
    wire::Cursor cursor(body);
    const bool portal = cursor.u8() == 'P';
    const bool same = cursor.c_string() == name_;
    if (cursor.failed() || cursor.left() > 0 || !portal || !same) return {End::lost};
    const bool describes = static_cast<ClientMessage>(type) == ClientMessage::Describe;
    words += describes ? std::string_view(description_) : close_complete;
    return {describes ? End::open : End::over};
}

/// As PostgreSQL counts: a limit that is reached suspends the portal, whether more follows or not.
DrainedPortal::Answer DrainedPortal::execute(wire::Bytes body, wire::Bytes stored,
                                             std::string& words) {
    wire::Cursor cursor(body);
    const bool same = cursor.c_string() == name_;
    const auto limit = static_cast<std::int32_t>(cursor.u32());
    if (cursor.failed() || cursor.left() > 0 || !same) return {End::lost};
    std::uint64_t rows = 0;
    Answer answer;
    while (!exhausted_) {
        if (limit > 0 && rows == static_cast<std::uint64_t>(limit)) {
            words += portal_suspended;
            return answer;
        }
        const wire::Bytes frame = frame_at(stored, answer.passed_on);
        if (type_of(frame) == BackendMessage::CommandComplete) {
            exhausted_ = true;
            answer.left_behind = frame.size();
            break;
        }
        answer.passed_on += frame.size();
        if (type_of(frame) == BackendMessage::ErrorResponse) {
            answer.end = End::failed;
            return answer;
        }
        if (type_of(frame) == BackendMessage::DataRow) ++rows;
    }
    append_complete(words, rows);
    return answer;
}

}  // namespace sluice::pg
