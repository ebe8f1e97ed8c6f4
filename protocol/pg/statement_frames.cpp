#include "protocol/pg/statement_frames.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace sluice::pg {

namespace {

/// Where the text that begins at `at` ends, its zero byte not included.
NameSearch find_zero(wire::Bytes part, bool whole, std::size_t at, std::size_t& end) noexcept {
    const wire::Bytes rest = part.subspan(std::min(at, part.size()));
    const wire::Bytes searched = rest.first(std::min(rest.size(), searched_name_bytes_max + 1));
    const void* const zero =
        searched.empty() ? nullptr : std::memchr(searched.data(), 0, searched.size());
    if (zero != nullptr) {
        end = static_cast<std::size_t>(static_cast<const std::byte*>(zero) - part.data());
        return NameSearch::found;
    }
    if (rest.size() > searched_name_bytes_max) return NameSearch::too_long;
    return whole ? NameSearch::absent : NameSearch::more_bytes;
}

bool continues_name(char byte) noexcept {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
}

}  // namespace

NameSearch find_name(wire::Bytes available, NamedFrame& found) noexcept {
    const FrameHeader header = read_frame_header(available);
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const wire::Bytes part = available.first(std::min(available.size(), frame_bytes));
    const bool whole = part.size() == frame_bytes;
    std::size_t at = frame_header_bytes;
    const auto type = static_cast<ClientMessage>(header.type);
    if (type == ClientMessage::Bind) {
        // The portal's name comes first.
        const NameSearch portal = find_zero(part, whole, at, at);
        if (portal != NameSearch::found) return portal;
        ++at;
    } else if (type != ClientMessage::Parse) {
        ++at;  // 'S' or 'P'.
    }
    std::size_t end = 0;
    const NameSearch name = find_zero(part, whole, at, end);
    if (name == NameSearch::found) {
        found = {wire::as_text(part.subspan(at, end - at)), at, end + 1};
    }
    return name;
}

bool is_parse_body(wire::Bytes body) noexcept {
    wire::Cursor cursor(body);
    (void)cursor.c_string();
    const std::size_t type_count = cursor.u16();
    return !cursor.failed() && cursor.left() == type_count * 4;
}

void append_renamed_front(std::string& out, wire::Bytes frame, const NamedFrame& named,
                          std::string_view name) {
    const std::size_t old_length = wire::load_u32(frame.data() + 1);
    const auto length = static_cast<std::uint32_t>(old_length - named.name.size() + name.size());
    wire::Writer(out)
        .u8(std::to_integer<std::uint8_t>(frame[0]))
        .u32(length)
        .raw(frame.subspan(frame_header_bytes, named.name_at - frame_header_bytes))
        .c_string(name);
}

void append_parse(std::string& out, std::string_view name, std::string_view body) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Parse))
        .c_string(name)
        .raw(body)
        .end_frame();
}

void append_empty_parse(std::string& out, std::string_view name, std::uint16_t parameter_count) {
    wire::Writer writer(out);
    writer.begin_frame(static_cast<char>(ClientMessage::Parse));
    writer.c_string(name).c_string("").u16(parameter_count);
    for (unsigned i = 0; i < parameter_count; ++i)
        writer.u32(0);
    writer.end_frame();
}

std::uint16_t parameter_count(std::string_view parse_body) {
    wire::Cursor cursor(wire::as_bytes(parse_body));
    const std::string_view text = cursor.c_string();
    std::uint16_t highest = cursor.u16();
    for (std::size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
        std::uint16_t number = 0;
        const char* const begin = text.data() + at + 1;
        const auto read = std::from_chars(begin, text.data() + text.size(), number);
        if (read.ec == std::errc{}) highest = std::max(highest, number);
    }
    return highest;
}

void append_close(std::string& out, std::string_view name) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Close))
        .u8('S')
        .c_string(name)
        .end_frame();
}

void append_describe(std::string& out, std::string_view name) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Describe))
        .u8('S')
        .c_string(name)
        .end_frame()
        .begin_frame(static_cast<char>(ClientMessage::Flush))
        .end_frame();
}

void append_close_portal(std::string& out, std::string_view portal) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Close))
        .u8('P')
        .c_string(portal)
        .end_frame();
}

void append_bind(std::string& out, std::string_view portal, std::string_view name) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Bind))
        .c_string(portal)
        .c_string(name)
        .u16(0)
        .u16(0)
        .u16(0)
        .end_frame();
}

void append_execute(std::string& out, std::string_view portal) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Execute))
        .c_string(portal)
        .u32(0)
        .end_frame();
}

void append_renamed_error(std::string& out, wire::Bytes frame, std::string_view ours,
                          std::string_view clients) {
    std::string_view rest = wire::as_text(frame.subspan(frame_header_bytes));
    wire::Writer writer(out);
    writer.begin_frame(static_cast<char>(BackendMessage::ErrorResponse));
    while (true) {
        const std::size_t at = rest.find(ours);
        if (at == std::string_view::npos) break;
        const std::size_t end = at + ours.size();
        const bool longer = end < rest.size() && continues_name(rest[end]);
        writer.raw(rest.substr(0, at)).raw(longer ? ours : clients);
        rest.remove_prefix(end);
    }
    writer.raw(rest).end_frame();
}

}  // namespace sluice::pg
