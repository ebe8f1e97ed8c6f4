#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// Nothing for a broken escape, and for one of the zero byte, which no field can hold.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Takes what stands before the first of `separators` off the front, and the separator not.
std::string_view take_until(std::string_view& text, std::string_view separators);

}  // namespace sluice::config
