#include "server/admin/console.hpp"

#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/login_messages.hpp"
#include "protocol/wire/writer.hpp"

#include <array>
#include <utility>

namespace sluice::server {

namespace {

constexpr std::array<const Show*, 9> all_shows{&show_clients, &show_config, &show_databases,
                                               &show_help,    &show_lists,  &show_pools,
                                               &show_servers, &show_stats,  &show_version};

constexpr char idle_status = static_cast<char>(pg::TransactionStatus::idle);

}  // namespace

std::span<const Show* const> shows() noexcept {
    return all_shows;
}

void append_console_welcome(std::string& out, const ConsoleFacts& facts) {
    // The version says who is talking, as PgBouncer's does: no tool should take the console for
    // a database of some release.
    const std::string server_version = facts.version + "/sluice";
    const std::array<std::pair<std::string_view, std::string_view>, 9> statuses{{
        {"server_version", server_version},
        {"server_encoding", "UTF8"},
        {"client_encoding", "UTF8"},
        {"DateStyle", "ISO, MDY"},
        {"IntervalStyle", "postgres"},
        {"TimeZone", "UTC"},
        {"integer_datetimes", "on"},
        {"standard_conforming_strings", "on"},
        {"is_superuser", "off"},
    }};
    for (const auto& [name, value] : statuses)
        pg::append_parameter_status(out, name, value);
    pg::append_ready_for_query(out, idle_status);
}

void append_command_complete(std::string& out, std::string_view tag) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(pg::BackendMessage::CommandComplete))
        .c_string(tag)
        .end_frame();
}

void append_console_error(std::string& out, const ConsoleCommand& command) {
    if (command.kind == ConsoleCommand::Kind::not_supported) {
        pg::append_error(out, pg::Severity::error, "0A000",
                         "the console does not support " + command.text, {},
                         "SHOW HELP lists the commands. Settings are changed in the "
                         "configuration file.");
        return;
    }
    pg::append_error(out, pg::Severity::error, "42601",
                     "unknown console command \"" + command.text + "\"", {},
                     "SHOW HELP lists the commands.");
}

std::string console_reply(const ConsoleCommand& command, const Snapshot& snapshot,
                          const ConsoleFacts& facts) {
    using Kind = ConsoleCommand::Kind;
    std::string out;
    switch (command.kind) {
        case Kind::empty:
            wire::Writer(out)
                .begin_frame(static_cast<char>(pg::BackendMessage::EmptyQueryResponse))
                .end_frame();
            break;
        case Kind::set: append_command_complete(out, "SET"); break;
        case Kind::not_supported:
        case Kind::invalid: append_console_error(out, command); break;
        case Kind::show: {
            append_row_description(out, command.show->columns, {});
            TableWriter table(out, command.show->columns);
            command.show->rows(table, snapshot, facts);
            append_command_complete(out, "SHOW");
            break;
        }
    }
    pg::append_ready_for_query(out, idle_status);
    return out;
}

}  // namespace sluice::server
