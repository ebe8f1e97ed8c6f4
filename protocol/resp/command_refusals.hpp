#pragma once

#include "protocol/resp/command_table.hpp"
#include "protocol/resp/request.hpp"

#include <string>
#include <string_view>

namespace sluice::resp {

// The server's words to a command that it does not even begin, without the dash.

/// `arguments` stands behind the name.
[[nodiscard]] std::string unknown_command(std::string_view name, ArgumentReader arguments);
[[nodiscard]] std::string unknown_subcommand(const CommandRow& container, std::string_view name);
[[nodiscard]] std::string wrong_arguments(const CommandRow& row);

inline constexpr std::string_view out_of_memory =
    "OOM command not allowed when used memory > 'maxmemory'.";

/// A client of RESP2 that has a subscription could not tell another's reply from a message.
[[nodiscard]] bool is_allowed_while_subscribed(CommandWay way) noexcept;
[[nodiscard]] std::string not_while_subscribed(const CommandRow& row);

}  // namespace sluice::resp
