#pragma once

#include "config/settings.hpp"

#include "server/auth/authenticator.hpp"

#include <string>

namespace sluice::server {

/// The settings in force and what is made of them. Immutable: a reload puts another in its place,
/// and this one lives until the last worker has taken over the new one.
struct Configuration {
    Configuration(const config::Settings& all_settings,
                  const Authenticator::MockSecret& mock_secret)
        : settings(all_settings), authenticator(settings.postgres, mock_secret) {}

    const config::Settings settings;
    const Authenticator authenticator;
};

/// The keys that differ and that only the next start follows, separated by commas: what is bound to
/// sockets and threads that are there. Every other key holds from a reload on.
[[nodiscard]] std::string next_start_keys(const config::Settings& started_with,
                                          const config::Settings& wanted);

}  // namespace sluice::server
