#pragma once

#include "config/settings.hpp"

#include "server/auth/authenticator.hpp"

namespace sluice::server {

/// The settings in force and what is made of them. Immutable: a reload puts another in its place,
/// and this one lives until the last worker has taken over the new one.
struct Configuration {
    explicit Configuration(const config::Settings& all_settings)
        : settings(all_settings), authenticator(settings.postgres) {}

    const config::Settings settings;
    const Authenticator authenticator;
};

}  // namespace sluice::server
