#pragma once

#include "server/admin/console_command.hpp"
#include "server/admin/show.hpp"
#include "server/snapshot.hpp"

#include <string>

/// The admin console: the databases `sluice` and `pgbouncer` on the PostgreSQL port.
namespace sluice::server {

/// What follows AuthenticationOk: ParameterStatus frames, no BackendKeyData since there is
/// nothing to cancel, and ReadyForQuery.
void append_console_welcome(std::string& out, const ConsoleFacts& facts);

/// The whole answer to a simple query, ReadyForQuery included. The snapshot needs the detail that
/// the command's Show asks for.
[[nodiscard]] std::string console_reply(const ConsoleCommand& command, const Snapshot& snapshot,
                                        const ConsoleFacts& facts);

/// An ErrorResponse for a command of Kind::not_supported or Kind::invalid.
void append_console_error(std::string& out, const ConsoleCommand& command);

void append_command_complete(std::string& out, std::string_view tag);

}  // namespace sluice::server
