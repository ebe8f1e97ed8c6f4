#pragma once

#include "config/settings.hpp"

#include "server/auth/authenticator.hpp"

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

}  // namespace sluice::server
