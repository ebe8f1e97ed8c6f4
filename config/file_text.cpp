#include "config/file_text.hpp"

#include "config/values.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace sluice::config {

namespace {

struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

FileText failed() {
    return {std::nullopt, "cannot be read: " + std::generic_category().message(errno)};
}

}  // namespace

FileText read_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
    if (!file) return failed();
    std::string text;
    std::array<char, 16'384> chunk{};
    for (;;) {
        const auto count = std::fread(chunk.data(), 1, chunk.size(), file.get());
        if (count > bytes_max - text.size()) {
            return {std::nullopt, "is larger than " + show(bytes_max)};
        }
        text.append(chunk.data(), count);
        if (count < chunk.size()) break;
    }
    if (std::ferror(file.get()) != 0) return failed();
    return {std::move(text), {}};
}

}  // namespace sluice::config
