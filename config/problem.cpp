#include "config/problem.hpp"

#include <algorithm>
#include <utility>

namespace sluice::config {

Problem error_at(const Place& place, std::string text) {
    return {Severity::error, place.file, place.line, place.column, std::move(text)};
}

Problem warning_at(const Place& place, std::string text) {
    return {Severity::warning, place.file, place.line, place.column, std::move(text)};
}

std::string to_text(const Problem& problem) {
    std::string text = problem.file;
    if (problem.line != 0) text += ":" + std::to_string(problem.line);
    if (problem.line != 0 && problem.column != 0) text += ":" + std::to_string(problem.column);
    if (!text.empty()) text += ": ";
    text += problem.severity == Severity::error ? "error: " : "warning: ";
    text += problem.text;
    // Names out of the file are quoted in the text; none may move the cursor of a terminal.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; }, '?');
    return text;
}

bool has_errors(std::span<const Problem> problems) {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& problem) { return problem.severity == Severity::error; });
}

}  // namespace sluice::config
