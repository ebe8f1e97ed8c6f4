#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::resp {

/// Sets of commands by the names that ACL rules have for them: "@hash" is a bit, "@all" is all.
/// Nothing for a word that the server would not know either.
[[nodiscard]] std::optional<std::uint32_t> category_bits(std::string_view word) noexcept;

/// Those of a command of Redis 7.0, for want of a server's own word. The name in lower case, both
/// words of a subcommand. 0: there is no such command.
[[nodiscard]] std::uint32_t known_categories_of(std::string_view name);

}  // namespace sluice::resp
