#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace sluice {

/// A file of the source tree, by its path from the root; empty when there is none.
[[nodiscard]] inline std::string source_file(const std::string& path) {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR "/") + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sluice
