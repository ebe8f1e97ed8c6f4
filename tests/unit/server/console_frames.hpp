#pragma once

#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

struct SeenFrame {
    char type;
    std::string body;
};

[[nodiscard]] inline std::vector<SeenFrame> frames_of(std::string_view reply) {
    std::vector<SeenFrame> frames;
    while (!reply.empty()) {
        if (reply.size() < pg::frame_header_bytes) {
            ADD_FAILURE() << "half a header";
            break;
        }
        const auto header = pg::read_frame_header(wire::as_bytes(reply));
        if (!header.valid || header.body_bytes > reply.size() - pg::frame_header_bytes) {
            ADD_FAILURE() << "half a frame";
            break;
        }
        frames.push_back(
            {header.type, std::string(reply.substr(pg::frame_header_bytes, header.body_bytes))});
        reply.remove_prefix(pg::frame_header_bytes + header.body_bytes);
    }
    return frames;
}

/// The type bytes of a reply: "TDDCZ".
[[nodiscard]] inline std::string types_of(std::string_view reply) {
    std::string types;
    for (const SeenFrame& frame : frames_of(reply))
        types += frame.type;
    return types;
}

/// The first ErrorResponse's SQLSTATE, or empty.
[[nodiscard]] inline std::string sqlstate_of(std::string_view reply) {
    for (const SeenFrame& frame : frames_of(reply)) {
        if (frame.type != 'E') continue;
        return std::string(pg::parse_error_fields(wire::as_bytes(frame.body)).sqlstate);
    }
    return {};
}

/// A reply as lines: `name:oid` of the columns, then the rows, then what else there is.
[[nodiscard]] inline std::string text_of(std::string_view reply) {
    std::string text;
    for (const SeenFrame& frame : frames_of(reply)) {
        wire::Cursor body(wire::as_bytes(frame.body));
        text += frame.type;
        if (frame.type == 'T') {
            for (unsigned left = body.u16(); left > 0; --left) {
                text += " " + std::string(body.c_string());
                body.take(6);
                text += ":" + std::to_string(body.u32());
                body.take(8);
            }
        } else if (frame.type == 'D') {
            for (unsigned left = body.u16(); left > 0; --left) {
                const std::int32_t size = body.i32();
                text += " | ";
                text += size < 0
                            ? "(null)"
                            : std::string(wire::as_text(body.take(static_cast<std::size_t>(size))));
            }
        } else if (frame.type == 'E') {
            const auto fields = pg::parse_error_fields(body.rest());
            text += " " + std::string(fields.severity) + " " + std::string(fields.sqlstate) + " " +
                    std::string(fields.message) + " (" + std::string(fields.hint) + ")";
            body.take(body.left());
        } else if (body.left() > 0) {
            text += " " + std::string(wire::as_text(body.rest()));
            if (text.ends_with('\0')) text.pop_back();
            body.take(body.left());
        }
        EXPECT_TRUE(body.finished()) << frame.type;
        text += "\n";
    }
    return text;
}

/// Frames of a client.
[[nodiscard]] inline std::string client_frame(char type, std::string_view body) {
    std::string out;
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
    return out;
}
[[nodiscard]] inline std::string query_frame(const std::string& sql) {
    return client_frame('Q', sql + '\0');
}
[[nodiscard]] inline std::string parse_frame(const std::string& name, const std::string& sql) {
    return client_frame('P', name + '\0' + sql + '\0' + std::string(2, '\0'));
}
/// `formats`: one byte a format code.
[[nodiscard]] inline std::string bind_frame(const std::string& portal, const std::string& name,
                                            std::string_view formats = {}) {
    std::string body = portal + '\0' + name + '\0';
    wire::Writer writer(body);
    writer.u16(0).u16(0).u16(static_cast<std::uint16_t>(formats.size()));
    for (const char format : formats)
        writer.u16(static_cast<std::uint16_t>(format));
    return client_frame('B', body);
}
[[nodiscard]] inline std::string describe_frame(char what, const std::string& name) {
    return client_frame('D', what + name + '\0');
}
[[nodiscard]] inline std::string execute_frame(const std::string& portal,
                                               std::uint32_t row_count = 0) {
    std::string body = portal + '\0';
    wire::Writer(body).u32(row_count);
    return client_frame('E', body);
}
[[nodiscard]] inline std::string close_frame(char what, const std::string& name) {
    return client_frame('C', what + name + '\0');
}
[[nodiscard]] inline std::string sync_frame() {
    return client_frame('S', {});
}

}  // namespace sluice::server
