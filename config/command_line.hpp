#pragma once

#include "config/assignment.hpp"
#include "config/problem.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// What the program is asked to do.
enum class Action { run, check, show_version, show_help };

struct CommandLine {
    Action action = Action::run;
    std::optional<std::string> config_file;
    std::optional<std::string> postgres_url;
    std::optional<std::string> redis_url;
    std::vector<Assignment> assignments;  ///< In their order; a later one wins.
    std::vector<Problem> problems;
};

/// Reads the arguments behind the program's name. An option and its value are two arguments or
/// one with '='. Problems name no values, which may be secrets.
[[nodiscard]] CommandLine parse_command_line(std::span<const std::string> arguments);

/// What --help prints.
[[nodiscard]] std::string_view usage();

}  // namespace sluice::config
