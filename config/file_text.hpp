#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::config {

/// The bytes of a file, or why there are none: "cannot be read: No such file or directory".
struct FileText {
    std::optional<std::string> text;
    std::string error;
};

/// Reads at most `bytes_max` bytes; a longer file is an error, so that a wrong path (a log, a
/// device) cannot eat the memory.
[[nodiscard]] FileText read_file(const std::filesystem::path& path, std::uint64_t bytes_max);

}  // namespace sluice::config
