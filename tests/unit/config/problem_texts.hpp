#pragma once

#include "config/problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// The problems as the user sees them, one a line.
inline std::string texts_of(const std::vector<Problem>& problems) {
    std::string all;
    for (const auto& problem : problems)
        all += to_text(problem) + "\n";
    return all;
}

/// Whether one of the problems begins so (place and severity) and says this.
inline testing::AssertionResult says(const std::vector<Problem>& problems, std::string_view front,
                                     std::string_view part) {
    const bool found = std::any_of(problems.begin(), problems.end(), [&](const Problem& problem) {
        const auto text = to_text(problem);
        return text.starts_with(front) && text.find(part) != std::string::npos;
    });
    if (found) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "no problem begins with \"" << front << "\" and holds \"" << part << "\" in:\n"
           << texts_of(problems);
}

}  // namespace sluice::config
