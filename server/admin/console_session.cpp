#include "server/admin/console_session.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/login_messages.hpp"
#include "protocol/wire/writer.hpp"

#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace sluice::server {

namespace {

using Kind = ConsoleCommand::Kind;
using pg::BackendMessage;

constexpr std::string_view malformed = "08P01";

void append_bare(std::string& out, BackendMessage type) {
    wire::Writer(out).begin_frame(static_cast<char>(type)).end_frame();
}

void append_ready(std::string& out) {
    pg::append_ready_for_query(out, static_cast<char>(pg::TransactionStatus::idle));
}

ConsoleStep violation(ConsoleStep step, std::string_view message) {
    pg::append_error(step.reply, pg::Severity::fatal, malformed, message);
    step.kind = ConsoleStep::Kind::close;
    return step;
}

/// Column formats of a Bind; nothing when a code is unknown or the count does not fit.
std::optional<std::vector<Format>> read_formats(wire::Cursor& body, const ConsoleCommand& command) {
    const std::size_t column_count = command.kind == Kind::show ? command.show->columns.size() : 0;
    const std::size_t count = body.u16();
    if (count > 1 && count != column_count) return std::nullopt;
    std::vector<Format> formats;
    for (std::size_t at = 0; at < count; ++at) {
        const std::uint16_t code = body.u16();
        if (code > 1) return std::nullopt;
        formats.push_back(static_cast<Format>(code));
    }
    return formats;
}

}  // namespace

ConsoleStep ConsoleSession::bytes_received(wire::Bytes available) {
    SLUICE_ASSERT(std::holds_alternative<std::monostate>(pending_));
    ConsoleStep step;
    while (available.size() - step.bytes >= pg::frame_header_bytes) {
        const wire::Bytes left = available.subspan(step.bytes);
        const pg::FrameHeader header = pg::read_frame_header(left);
        if (!header.valid || header.body_bytes > frame_bytes_max - pg::frame_header_bytes) {
            return violation(std::move(step), "invalid message length");
        }
        if (left.size() - pg::frame_header_bytes < header.body_bytes) break;
        step.bytes += pg::frame_header_bytes + header.body_bytes;
        const auto type = static_cast<pg::ClientMessage>(header.type);
        if (type == pg::ClientMessage::Terminate) {
            step.kind = ConsoleStep::Kind::close;
            return step;
        }
        if (!frame(type, left.subspan(pg::frame_header_bytes, header.body_bytes), step.reply)) {
            return violation(std::move(step), "invalid frontend message type");
        }
        if (std::holds_alternative<std::monostate>(pending_)) continue;
        const auto* execution = std::get_if<Execution>(&pending_);
        const ConsoleCommand& command =
            execution != nullptr ? execution->portal->command : std::get<ConsoleCommand>(pending_);
        step.kind = ConsoleStep::Kind::gather;
        step.detail = command.show->detail;
        return step;
    }
    return step;
}

bool ConsoleSession::frame(pg::ClientMessage type, wire::Bytes bytes, std::string& out) {
    wire::Cursor body(bytes);
    const bool is_skipping = phase_ == Phase::skipping_to_sync;
    switch (type) {
        case pg::ClientMessage::Sync: sync(out); return true;
        case pg::ClientMessage::Query:
            if (!is_skipping) query(body, out);
            return true;
        case pg::ClientMessage::Parse:
            if (!is_skipping) parse(body, out);
            return true;
        case pg::ClientMessage::Bind:
            if (!is_skipping) bind(body, out);
            return true;
        case pg::ClientMessage::Describe:
            if (!is_skipping) describe(body, out);
            return true;
        case pg::ClientMessage::Execute:
            if (!is_skipping) execute(body, out);
            return true;
        case pg::ClientMessage::Close:
            if (!is_skipping) close(body, out);
            return true;
        case pg::ClientMessage::FunctionCall:
            if (is_skipping) return true;
            pg::append_error(out, pg::Severity::error, "0A000",
                             "the console has no functions to call");
            append_ready(out);
            return true;
        // Replies are sent as they come. COPY frames outside a COPY are of a failed one that the
        // client has not heard of yet; PostgreSQL drops them too.
        case pg::ClientMessage::Flush:
        case pg::ClientMessage::CopyData:
        case pg::ClientMessage::CopyDone:
        case pg::ClientMessage::CopyFail: return true;
        case pg::ClientMessage::PasswordMessage:
        case pg::ClientMessage::Terminate: break;
    }
    return false;
}

void ConsoleSession::fail(std::string& out, std::string_view sqlstate, std::string_view message) {
    pg::append_error(out, pg::Severity::error, sqlstate, message);
    phase_ = Phase::skipping_to_sync;
}

void ConsoleSession::query(wire::Cursor& body, std::string& out) {
    const std::string_view sql = body.c_string();
    // A simple query ends the unnamed statement and, outside a transaction, every portal.
    portals_.clear();
    statements_.erase(std::string());
    if (!body.finished()) {
        pg::append_error(out, pg::Severity::error, malformed, "invalid Query message");
        append_ready(out);
        return;
    }
    ConsoleCommand command = parse_console_command(sql);
    if (command.kind == Kind::show) {
        pending_ = std::move(command);
    } else {
        out += console_reply(command, {}, {});
    }
}

void ConsoleSession::parse(wire::Cursor& body, std::string& out) {
    const std::string name(body.c_string());
    const std::string_view sql = body.c_string();
    const std::size_t parameter_count = body.u16();
    // Types of parameters may be named though the text has none.
    body.take(parameter_count * 4);
    if (!body.finished()) return fail(out, malformed, "invalid Parse message");
    if (!name.empty() && statements_.contains(name)) {
        return fail(out, "42P05", "prepared statement already exists");
    }
    if (!statements_.contains(name) && statements_.size() >= statement_count_max) {
        return fail(out, "53400", "too many prepared statements");
    }
    ConsoleCommand command = parse_console_command(sql);
    if (command.kind == Kind::invalid || command.kind == Kind::not_supported) {
        append_console_error(out, command);
        phase_ = Phase::skipping_to_sync;
        return;
    }
    statements_.insert_or_assign(name, std::move(command));
    append_bare(out, BackendMessage::ParseComplete);
}

void ConsoleSession::bind(wire::Cursor& body, std::string& out) {
    const std::string portal(body.c_string());
    const auto statement = statements_.find(body.c_string());
    const std::size_t format_count = body.u16();
    body.take(format_count * 2);
    const std::size_t parameter_count = body.u16();
    if (body.failed()) return fail(out, malformed, "invalid Bind message");
    if (statement == statements_.end()) {
        return fail(out, "26000", "prepared statement does not exist");
    }
    if (parameter_count > 0) return fail(out, malformed, "console commands have no parameters");
    auto formats = read_formats(body, statement->second);
    if (!formats || !body.finished()) return fail(out, malformed, "invalid Bind message");
    if (!portal.empty() && portals_.contains(portal)) {
        return fail(out, "42P03", "cursor already exists");
    }
    if (!portals_.contains(portal) && portals_.size() >= portal_count_max) {
        return fail(out, "53400", "too many cursors");
    }
    portals_.insert_or_assign(portal, Portal{statement->second, std::move(*formats), 0});
    append_bare(out, BackendMessage::BindComplete);
}

void ConsoleSession::describe(wire::Cursor& body, std::string& out) {
    const char what = static_cast<char>(body.u8());
    const std::string_view name = body.c_string();
    if (!body.finished() || (what != 'S' && what != 'P')) {
        return fail(out, malformed, "invalid Describe message");
    }
    const ConsoleCommand* command = nullptr;
    std::span<const Format> formats;
    if (what == 'S') {
        const auto statement = statements_.find(name);
        if (statement == statements_.end()) {
            return fail(out, "26000", "prepared statement does not exist");
        }
        command = &statement->second;
        wire::Writer(out)
            .begin_frame(static_cast<char>(BackendMessage::ParameterDescription))
            .u16(0)
            .end_frame();
    } else {
        const auto portal = portals_.find(name);
        if (portal == portals_.end()) return fail(out, "34000", "cursor does not exist");
        command = &portal->second.command;
        formats = portal->second.formats;
    }
    if (command->kind == Kind::show) {
        append_row_description(out, command->show->columns, formats);
    } else {
        append_bare(out, BackendMessage::NoData);
    }
}

void ConsoleSession::execute(wire::Cursor& body, std::string& out) {
    const auto portal = portals_.find(body.c_string());
    const std::uint32_t row_count_max = body.u32();
    if (!body.finished()) return fail(out, malformed, "invalid Execute message");
    if (portal == portals_.end()) return fail(out, "34000", "cursor does not exist");
    switch (portal->second.command.kind) {
        case Kind::show:
            pending_ = Execution{&portal->second, row_count_max > 0
                                                      ? row_count_max
                                                      : std::numeric_limits<std::size_t>::max()};
            break;
        case Kind::set: append_command_complete(out, "SET"); break;
        case Kind::empty: append_bare(out, BackendMessage::EmptyQueryResponse); break;
        case Kind::not_supported:
        case Kind::invalid: break;  // parse() lets none of them in.
    }
}

void ConsoleSession::close(wire::Cursor& body, std::string& out) {
    const char what = static_cast<char>(body.u8());
    const std::string name(body.c_string());
    if (!body.finished() || (what != 'S' && what != 'P')) {
        return fail(out, malformed, "invalid Close message");
    }
    if (what == 'S') statements_.erase(name);
    if (what == 'P') portals_.erase(name);
    append_bare(out, BackendMessage::CloseComplete);
}

void ConsoleSession::sync(std::string& out) {
    phase_ = Phase::serving;
    portals_.clear();
    append_ready(out);
}

std::string ConsoleSession::snapshot_arrived(const Snapshot& snapshot, const ConsoleFacts& facts) {
    const Pending pending = std::exchange(pending_, std::monostate{});
    if (const auto* command = std::get_if<ConsoleCommand>(&pending)) {
        return console_reply(*command, snapshot, facts);
    }
    const auto* execution = std::get_if<Execution>(&pending);
    SLUICE_ASSERT(execution != nullptr);
    Portal& portal = *execution->portal;
    const Show& show = *portal.command.show;
    std::string out;
    // The next portion is of a newer snapshot: rows may be missed or seen twice, as in any list
    // that changes while it is read by pages.
    TableWriter table(out, show.columns, portal.formats, portal.sent_row_count,
                      execution->row_count_max);
    show.rows(table, snapshot, facts);
    portal.sent_row_count += table.written_count();
    if (table.has_more()) {
        append_bare(out, BackendMessage::PortalSuspended);
    } else {
        append_command_complete(out, "SHOW");
    }
    return out;
}

}  // namespace sluice::server
