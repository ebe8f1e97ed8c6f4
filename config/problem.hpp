#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sluice::config {

/// Where something was written. Line 0: not at any line, as for "--set" or a default.
struct Place {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    bool operator==(const Place&) const = default;
};

/// An error keeps the program from starting; a warning is printed and goes no further.
enum class Severity { warning, error };

/// One mistake in the settings, in the words of the person who has to mend it. The text never
/// holds a secret.
struct Problem {
    Severity severity = Severity::error;
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string text;
    bool operator==(const Problem&) const = default;
};

[[nodiscard]] Problem error_at(const Place& place, std::string text);
[[nodiscard]] Problem warning_at(const Place& place, std::string text);

/// "sluice.toml:12:3: error: ...", the form that editors follow. No line break at the end.
[[nodiscard]] std::string to_text(const Problem& problem);

[[nodiscard]] bool has_errors(std::span<const Problem> problems);

}  // namespace sluice::config
