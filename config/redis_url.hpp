#pragma once

#include "config/postgres_url.hpp"

#include <string_view>

namespace sluice::config {

/// Adds one Redis to `settings` out of a URL as its clients take it:
/// redis://user:password@host:port
///
/// Everybody goes there. Clients log in with the URL's user and password; without a password
/// nobody needs one. The number of the database is each client's own (SELECT).
/// Source: the provisional registration of the scheme `redis` at IANA.
[[nodiscard]] UrlSettings parse_redis_url(std::string_view url, Settings settings);

}  // namespace sluice::config
