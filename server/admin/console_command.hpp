#pragma once

#include "server/admin/show.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::server {

/// What somebody typed at the console.
struct ConsoleCommand {
    enum class Kind : std::uint8_t {
        empty,          ///< Nothing but spaces, comments and a semicolon.
        show,           ///< One of shows().
        set,            ///< A parameter of the client's own session: agreed to, without effect.
        not_supported,  ///< PgBouncer has it, this console has not.
        invalid,
    };
    Kind kind = Kind::empty;
    const Show* show = nullptr;  ///< Of Kind::show.
    std::string text;  ///< Of the last two: what cannot be done, at most a few dozen bytes.
};

/// Words in any case, plain or quoted; comments, and one semicolon at the end.
[[nodiscard]] ConsoleCommand parse_console_command(std::string_view sql);

}  // namespace sluice::server
