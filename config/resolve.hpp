#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Everything about the pool of one database and one user, with every override applied. The
/// fields bear the names and meanings of those in settings.hpp.
struct PoolSettings {
    std::string database;  ///< As the client asked for it.
    std::string user;      ///< As the client calls itself.
    std::vector<HostPort> hosts;
    std::string dbname;       ///< What backends are asked for.
    std::string server_user;  ///< Who logs in to backends.
    Secret server_password;   ///< May be a verifier, see SecretKind; empty: none known.

    PoolMode pool_mode = PoolMode::transaction;
    std::uint32_t pool_size = 0;
    std::uint32_t min_pool_size = 0;
    std::uint32_t reserve_pool_size = 0;
    Duration reserve_pool_timeout{0};
    std::uint32_t max_waiters = 0;
    Duration wait_timeout{0};
    Duration query_timeout{0};
    Duration idle_transaction_timeout{0};
    Duration portal_stall_timeout{0};
    Duration transaction_timeout{0};
    Duration slow_reader_timeout{0};
    std::uint64_t spool_bytes_max = 0;
    Duration client_idle_timeout{0};
    Duration server_idle_timeout{0};
    Duration server_lifetime{0};
    std::uint32_t max_prepared_statements = 0;
    AutoPrepare auto_prepare = AutoPrepare::on;
    bool deferred_begin = false;
    Probe probe = Probe::unknown;
    Duration pin_timeout{0};
    SessionState session_state;

    std::uint32_t max_db_connections = 0;
    std::uint32_t max_user_connections = 0;
    std::uint32_t max_db_client_connections = 0;
    std::uint32_t max_user_client_connections = 0;
    bool operator==(const PoolSettings&) const = default;
};

/// The entry of this name, else that of `*`, else nullptr.
[[nodiscard]] const Database* find_database(const Postgres& postgres, std::string_view name);
[[nodiscard]] const User* find_user(const Postgres& postgres, std::string_view name);

/// Whether anything but the secret sets this user apart from the users who are not listed, that
/// is from `*`, or from [postgres] where there is no `*`.
[[nodiscard]] bool has_own_settings(const Postgres& postgres, const User& user);

/// Both are named in the settings; who is not came through `*`, or by trust.
[[nodiscard]] bool is_listed(const Postgres& postgres, std::string_view database,
                             std::string_view user);

/// Sizes and timeouts alone: the user's word over the database's over [postgres]. Either may be
/// nullptr.
[[nodiscard]] PoolSettings resolve_limits(const Postgres& postgres, const Database* database,
                                          const User* user);

/// The pool that a client asks for; nothing when there is no such database. A user who is not
/// listed gets the values of [postgres]: whether he may enter is not decided here.
[[nodiscard]] std::optional<PoolSettings> resolve(const Postgres& postgres,
                                                  std::string_view database, std::string_view user);

/// The bounds of one Redis, with what `[redis]` says where its section says nothing.
struct RedisPoolSettings {
    std::uint32_t max_connections = 0;
    std::uint32_t shared_connections = 0;
    std::uint32_t pinned_connections = 0;
    std::uint32_t slow_connections = 0;
    bool operator==(const RedisPoolSettings&) const = default;
};
[[nodiscard]] RedisPoolSettings resolve_redis(const Redis& redis, const RedisDatabase& database);

}  // namespace sluice::config
