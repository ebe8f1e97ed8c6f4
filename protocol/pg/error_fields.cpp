#include "protocol/pg/error_fields.hpp"

#include "protocol/wire/writer.hpp"

namespace sluice::pg {

namespace {

constexpr std::size_t sqlstate_bytes = 5;

std::string_view severity_name(Severity severity) noexcept {
    switch (severity) {
        case Severity::notice: return "NOTICE";
        case Severity::warning: return "WARNING";
        case Severity::error: return "ERROR";
        case Severity::fatal: return "FATAL";
    }
    return "ERROR";
}

/// Null for a field that nobody here reads.
std::string_view* field_of(ErrorFields& fields, std::uint8_t code) noexcept {
    switch (code) {
        case 'S': return &fields.severity;
        case 'V': return &fields.severity_plain;
        case 'C': return &fields.sqlstate;
        case 'M': return &fields.message;
        case 'D': return &fields.detail;
        case 'H': return &fields.hint;
        case 'P': return &fields.position;
        case 'W': return &fields.where;
        case 'n': return &fields.constraint;
        case 'R': return &fields.routine;
        default: return nullptr;
    }
}

void append_fields(std::string& out, char type, Severity severity, std::string_view sqlstate,
                   std::string_view message, std::string_view detail, std::string_view hint,
                   std::string_view routine = {}) {
    wire::Writer writer(out);
    const auto field = [&writer](char code, std::string_view text) {
        writer.u8(static_cast<std::uint8_t>(code)).c_string(text.substr(0, text.find('\0')));
    };
    writer.begin_frame(type);
    field('S', severity_name(severity));
    field('V', severity_name(severity));
    field('C', sqlstate);
    field('M', message);
    if (!detail.empty()) field('D', detail);
    if (!hint.empty()) field('H', hint);
    if (!routine.empty()) field('R', routine);
    writer.u8(0).end_frame();
}

}  // namespace

bool ErrorFields::is_fatal() const noexcept {
    const std::string_view name = severity_plain.empty() ? severity : severity_plain;
    return name == "FATAL" || name == "PANIC";
}

ErrorFields parse_error_fields(Bytes body) noexcept {
    ErrorFields fields;
    wire::Cursor cursor(body);
    while (const std::uint8_t code = cursor.u8()) {
        const std::string_view text = cursor.c_string();
        if (cursor.failed()) break;
        if (std::string_view* const field = field_of(fields, code)) *field = text;
    }
    if (fields.sqlstate.size() != sqlstate_bytes) fields.sqlstate = {};
    return fields;
}

void append_error(std::string& out, Severity severity, std::string_view sqlstate,
                  std::string_view message, std::string_view detail, std::string_view hint) {
    append_fields(out, 'E', severity, sqlstate, message, detail, hint);
}

void append_outdated_plan_error(std::string& out) {
    append_fields(out, 'E', Severity::error, outdated_plan_state,
                  "cached plan must not change result type", {}, {}, outdated_plan_routine);
}

void append_notice(std::string& out, Severity severity, std::string_view sqlstate,
                   std::string_view message, std::string_view detail, std::string_view hint) {
    append_fields(out, 'N', severity, sqlstate, message, detail, hint);
}

}  // namespace sluice::pg
