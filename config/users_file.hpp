#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

inline constexpr std::uint64_t users_file_bytes_max = 64ULL * 1024 * 1024;

struct ListedUser {
    std::string name;
    Secret secret;
    std::uint32_t line = 0;
};

struct UsersFile {
    std::vector<ListedUser> users;  ///< In the order of the file, each name once.
    std::vector<Problem> problems;
    std::string error;  ///< Why there is nothing: the file itself "cannot be read: ...".
};

/// PgBouncer's userlist.txt: `"name" "secret"` in each line, a quote inside doubled, words behind
/// the secret ignored, empty lines and lines that begin with ';' skipped. A name given again with
/// another secret is a warning and the later one holds, as there.
[[nodiscard]] UsersFile parse_users(std::string_view text, const std::string& file);

[[nodiscard]] UsersFile read_users_file(const std::filesystem::path& path);

}  // namespace sluice::config
