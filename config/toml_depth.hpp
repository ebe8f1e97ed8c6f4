#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::config {

/// A place in a text, counted from 1.
struct TextPosition {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

/// The first line with more dots, outside of quotes and comments, than any key of ours has. The
/// TOML library takes tables apart by recursion and sets no bound to the parts of a key, so such
/// a line could exhaust the stack.
[[nodiscard]] std::optional<TextPosition> find_too_deep(std::string_view text);

}  // namespace sluice::config
