#pragma once

#include "config/document.hpp"

#include <string>

namespace sluice::config {

/// One "--set section.key=value", as it was given.
struct Assignment {
    std::string key;
    std::string value;
};

/// The small document that the assignment stands for, with "--set" as its file. The value is
/// TOML where it is that, else text, so that quotes may be left away.
[[nodiscard]] Document parse_assignment(const Assignment& assignment);

}  // namespace sluice::config
