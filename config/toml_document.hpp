#pragma once

#include "config/document.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// Reads TOML 1.0. After a syntax error it goes on where that is safe, so that one run reports
/// as many mistakes as it can; `whole` tells whether something was skipped.
[[nodiscard]] Document parse_toml(std::string_view text, const std::string& file);

/// One value by itself, as behind "--set key=". Nothing when it is not exactly one TOML value.
[[nodiscard]] std::optional<Value> parse_toml_value(std::string_view text, const Place& place);

}  // namespace sluice::config
