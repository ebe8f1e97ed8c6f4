#include "protocol/resp/command_arguments.hpp"

#include <algorithm>
#include <array>

namespace sluice::resp {

bool asks_to_block(ArgumentReader arguments) noexcept {
    while (const auto argument = arguments.next()) {
        if (is_word(*argument, "streams")) return false;
        if (is_word(*argument, "block")) return true;
    }
    return false;
}

bool asks_for_plain_settings(ArgumentReader arguments) noexcept {
    constexpr std::array<std::string_view, 9> plain{"maxmemory",
                                                    "maxmemory-policy",
                                                    "databases",
                                                    "save",
                                                    "appendonly",
                                                    "maxclients",
                                                    "timeout",
                                                    "port",
                                                    "notify-keyspace-events"};
    while (const auto argument = arguments.next()) {
        const bool known = std::ranges::any_of(
            plain, [&](std::string_view name) { return is_word(*argument, name); });
        if (!known) return false;
    }
    return true;
}

}  // namespace sluice::resp
