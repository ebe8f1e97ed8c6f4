#pragma once

#include "config/problem.hpp"
#include "config/settings.hpp"

#include <string_view>
#include <vector>

namespace sluice::config {

struct UrlSettings {
    Settings settings;
    std::vector<Problem> problems;  ///< With "--postgres" as their file; none shows the URL.
};

/// Settings for one PostgreSQL out of a URL as libpq takes it:
/// postgresql://user:password@host:port,host:port/dbname?connect_timeout=5
///
/// The named database and `*` go to those hosts as the URL's user. Clients log in with the URL's
/// user and password; without a password by trust.
/// Source: PostgreSQL 17 manual, "Connection URIs" and "Parameter Key Words".
[[nodiscard]] UrlSettings parse_postgres_url(std::string_view url);

}  // namespace sluice::config
