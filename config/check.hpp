#pragma once

#include "config/problem.hpp"
#include "config/reading.hpp"
#include "config/settings.hpp"

#include <vector>

namespace sluice::config {

/// What is wrong with the settings as a whole, when each value by itself is right: values that
/// contradict each other, addresses given twice, secrets that cannot log in where they have to.
///
/// `open_trust` is how bad it is that everybody is let in by trust on an address that others can
/// reach: who writes so into a file is warned, who merely left a password away is stopped.
[[nodiscard]] std::vector<Problem> check(const Settings& settings, const Places& places,
                                         Severity open_trust = Severity::warning);

}  // namespace sluice::config
