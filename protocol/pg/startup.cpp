#include "protocol/pg/startup.hpp"

#include "protocol/pg/error_fields.hpp"
#include "protocol/wire/writer.hpp"

#include <utility>

namespace sluice::pg {

namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t header_bytes = 8;
constexpr std::size_t cancel_request_bytes_max = header_bytes + 4 + cancel_key_bytes_max;

constexpr std::uint32_t cancel_request_code = (1234U << 16U) | 5678U;
constexpr std::uint32_t ssl_request_code = (1234U << 16U) | 5679U;
constexpr std::uint32_t gssenc_request_code = (1234U << 16U) | 5680U;

/// Most clients send four parameters besides user and database: one allocation.
constexpr std::size_t parameters_expected = 8;

using Reply = StartupViolation::Reply;

StartupResult violation(Reply reply, std::string_view sqlstate, std::string text) {
    return {StartupViolation{reply, sqlstate, std::move(text)}, 0};
}

StartupResult not_a_startup_packet(std::string text) {
    return violation(Reply::none, "08P01", std::move(text));
}

StartupResult unsupported_version(std::uint32_t version) {
    const std::uint32_t major = version >> 16U;
    std::string text = "unsupported frontend protocol " + std::to_string(major) + "." +
                       std::to_string(version & 0xffffU) + ": server supports 3.0 to 3.0";
    return violation(major < 3 ? Reply::legacy_error : Reply::error, "0A000", std::move(text));
}

/// Bytes, not characters, just as PostgreSQL cuts them.
std::string_view cut_name(std::string_view name) noexcept {
    return name.substr(0, name_bytes_max);
}

StartupResult parse_cancel_request(wire::Cursor body, std::size_t packet_bytes) {
    const std::uint32_t process_id = body.u32();
    const Bytes key = body.rest();
    if (key.empty()) {
        return not_a_startup_packet("invalid length of cancel request packet");
    }
    return {CancelRequest{process_id, key}, packet_bytes};
}

StartupResult parse_startup_message(wire::Cursor body, std::uint16_t minor,
                                    std::size_t packet_bytes) {
    StartupMessage message;
    message.minor_version = minor;
    for (;;) {
        const std::string_view name = body.c_string();
        if (name.empty()) break;
        const std::string_view value = body.c_string();
        if (name == "user") {
            message.user = cut_name(value);
        } else if (name == "database") {
            message.database = cut_name(value);
        } else if (name.starts_with("_pq_.")) {
            message.protocol_options.push_back(name);
        } else {
            if (message.parameters.empty()) message.parameters.reserve(parameters_expected);
            message.parameters.push_back({name, value});
        }
    }
    if (!body.finished()) {
        return violation(Reply::error, "08P01",
                         "invalid startup packet layout: expected terminator as last byte");
    }
    if (message.user.empty()) {
        return violation(Reply::error, "28000",
                         "no PostgreSQL user name specified in startup packet");
    }
    if (message.database.empty()) message.database = message.user;
    return {std::move(message), packet_bytes};
}

constexpr std::uint32_t version_of(ProtocolMinor minor) noexcept {
    return protocol_3_0 | static_cast<std::uint32_t>(minor);
}

}  // namespace

std::string_view StartupMessage::find(std::string_view name) const noexcept {
    for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
        if (parameter->name == name) return parameter->value;
    }
    return {};
}

StartupResult parse_startup(Bytes received, std::size_t bytes_max) {
    if (received.size() < length_bytes) return {StartupIncomplete{header_bytes}, 0};
    const std::size_t packet_bytes = wire::load_u32(received.data());
    if (packet_bytes < header_bytes || packet_bytes > bytes_max) {
        return not_a_startup_packet("invalid length of startup packet");
    }
    if (received.size() < header_bytes) return {StartupIncomplete{header_bytes}, 0};

    const std::uint32_t code = wire::load_u32(received.data() + length_bytes);
    if (code == ssl_request_code || code == gssenc_request_code) {
        if (packet_bytes != header_bytes) {
            return not_a_startup_packet("invalid length of encryption request packet");
        }
        if (code == ssl_request_code) return {SslRequest{}, packet_bytes};
        return {GssEncRequest{}, packet_bytes};
    }
    if (code != cancel_request_code && code >> 16U != 3) return unsupported_version(code);
    if (code == cancel_request_code && packet_bytes > cancel_request_bytes_max) {
        return not_a_startup_packet("invalid length of cancel request packet");
    }
    if (received.size() < packet_bytes) return {StartupIncomplete{packet_bytes}, 0};

    const wire::Cursor body(received.first(packet_bytes).subspan(header_bytes));
    if (code == cancel_request_code) return parse_cancel_request(body, packet_bytes);
    return parse_startup_message(body, static_cast<std::uint16_t>(code & 0xffffU), packet_bytes);
}

void append_startup_violation(std::string& out, const StartupViolation& violation) {
    switch (violation.reply) {
        case Reply::none: return;
        case Reply::error:
            append_error(out, Severity::fatal, violation.sqlstate, violation.text);
            return;
        case Reply::legacy_error:
            // Protocol 2: the type, then text up to a zero byte; no length.
            out.append("EFATAL:  ").append(violation.text).append("\n").push_back('\0');
            return;
    }
}

void append_negotiate_protocol_version(std::string& out, ProtocolMinor minor,
                                       std::span<const std::string_view> options) {
    wire::Writer writer(out);
    // The manual speaks of a minor version, but every server sends the whole number, and libpq 18
    // refuses anything below 3.0.
    writer.begin_frame('v').u32(version_of(minor)).u32(static_cast<std::uint32_t>(options.size()));
    for (const std::string_view option : options)
        writer.c_string(option);
    writer.end_frame();
}

void append_startup_message(std::string& out, ProtocolMinor minor, std::string_view user,
                            std::string_view database,
                            std::span<const StartupParameter> parameters) {
    wire::Writer writer(out);
    writer.begin_frame('\0').u32(version_of(minor));
    writer.c_string("user").c_string(user).c_string("database").c_string(database);
    for (const StartupParameter& parameter : parameters) {
        writer.c_string(parameter.name).c_string(parameter.value);
    }
    writer.u8(0).end_frame();
}

void append_ssl_request(std::string& out) {
    wire::Writer(out).begin_frame('\0').u32(ssl_request_code).end_frame();
}

void append_cancel_request(std::string& out, std::uint32_t process_id, Bytes key) {
    wire::Writer writer(out);
    writer.begin_frame('\0').u32(cancel_request_code).u32(process_id).raw(key).end_frame();
}

}  // namespace sluice::pg
