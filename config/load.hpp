#pragma once

#include "config/assignment.hpp"
#include "config/command_line.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct LoadResult {
    Settings settings;              ///< Only to be used when usable().
    std::vector<Problem> problems;  ///< File by file, in the order of lines.

    [[nodiscard]] bool usable() const { return !has_errors(problems); }
};

/// Each reads settings from one source, then the assignments over them, then the users file, and
/// checks the whole. Every mistake is in the result, not only the first one. None throws.
[[nodiscard]] LoadResult load_file(const std::filesystem::path& path,
                                   std::span<const Assignment> assignments = {});
[[nodiscard]] LoadResult load_text(std::string_view text, const std::string& file_name,
                                   std::span<const Assignment> assignments = {});
[[nodiscard]] LoadResult load_postgres_url(std::string_view url,
                                           std::span<const Assignment> assignments = {});
/// A side without a URL is not served. At least one of them is there.
[[nodiscard]] LoadResult load_urls(const std::optional<std::string>& postgres,
                                   const std::optional<std::string>& redis,
                                   std::span<const Assignment> assignments = {});

/// Whichever the command line names. Its own problems come first.
[[nodiscard]] LoadResult load(const CommandLine& command_line);

}  // namespace sluice::config
