#pragma once

#include "config/settings.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::config {

/// The settings in force, for SHOW CONFIG: dotted keys, values with their units, secrets as
/// "(set)" or "(none)". Overrides that were not said are left out, and users of whom nothing but
/// the secret is known are only counted, since a users file may list very many.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> dump(const Settings& settings);

}  // namespace sluice::config
