#include "config/dump.hpp"

#include "config/keys.hpp"
#include "config/resolve.hpp"

namespace sluice::config {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

template <class Section>
void add(Rows& rows, const std::string& title, std::span<const Key<Section>> keys,
         const Section& section) {
    for (const auto& row : keys) {
        auto value = row.show(section);
        if (value != inherited && value != inherited_redis)
            rows.emplace_back(title + std::string(row.name), std::move(value));
    }
}

void add_databases(Rows& rows, const Postgres& postgres) {
    for (const auto& [name, database] : postgres.databases) {
        const auto title = "postgres.databases." + name + ".";
        const DatabaseDraft draft{database, 5432, database.max_db_connections,
                                  database.max_db_client_connections};
        for (const auto& row : database_keys()) {
            // Every host carries its port already.
            if (row.name != "port")
                rows.emplace_back(title + std::string(row.name), row.show(draft));
        }
        add(rows, title, override_keys(), database.overrides);
        add(rows, title + "session_state.", session_state_override_keys(),
            database.overrides.session_state);
    }
}

void add_users(Rows& rows, const Postgres& postgres) {
    std::size_t others = 0;
    for (const auto& [name, user] : postgres.users) {
        if (name != "*" && !has_own_settings(postgres, user)) {
            ++others;
            continue;
        }
        const auto title = "postgres.users." + name + ".";
        add(rows, title, user_keys(),
            UserDraft{user, user.max_user_connections, user.max_user_client_connections});
        add(rows, title, override_keys(), user.overrides);
        add(rows, title + "session_state.", session_state_override_keys(),
            user.overrides.session_state);
    }
    rows.emplace_back("postgres.users", std::to_string(others) + " without settings of their own");
}

}  // namespace

Rows dump(const Settings& settings) {
    Rows rows;
    add(rows, "server.", server_keys(), settings.server);
    add(rows, "admin.", admin_keys(), settings.admin);
    add(rows, "log.", log_keys(), settings.log);
    add(rows, "postgres.", postgres_keys(), settings.postgres);
    add(rows, "postgres.session_state.", session_state_keys(), settings.postgres.session_state);
    add_databases(rows, settings.postgres);
    add_users(rows, settings.postgres);
    if (!settings.redis.served()) return rows;
    add(rows, "redis.", redis_keys(), settings.redis);
    for (const auto& [name, database] : settings.redis.databases)
        add(rows, "redis.databases." + name + ".", redis_database_keys(), database);
    for (const auto& [name, user] : settings.redis.users)
        add(rows, "redis.users." + name + ".", redis_user_keys(), user);
    return rows;
}

}  // namespace sluice::config
