#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

/// Settings while they are read: what a database or a user has left unsaid is still known to be
/// unsaid, so that a later "--set" or the end of the reading can fill it in.
namespace sluice::config {

struct DatabaseDraft {
    Database database;
    std::uint16_t port = 5432;  ///< Of the hosts that name none.
    std::optional<std::uint32_t> max_db_connections;
    std::optional<std::uint32_t> max_db_client_connections;
};

struct UserDraft {
    User user;
    std::optional<std::uint32_t> max_user_connections;
    std::optional<std::uint32_t> max_user_client_connections;
};

struct Draft {
    Settings settings;  ///< `databases` and `users` stay empty until complete().
    std::map<std::string, DatabaseDraft, std::less<>> databases;
    std::map<std::string, UserDraft, std::less<>> users;
};

/// What stands before the first key is read: every default, and the two listeners.
[[nodiscard]] Settings default_settings();

[[nodiscard]] Draft begin(Settings settings);

/// Gives every host its port and every unsaid limit the value of [postgres].
[[nodiscard]] Settings complete(Draft draft);

}  // namespace sluice::config
