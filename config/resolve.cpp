#include "config/resolve.hpp"

namespace sluice::config {

namespace {

template <class Item>
void put(Item& target, const std::optional<Item>& said) {
    if (said) target = *said;
}

void put_all(SessionState& state, const SessionStateOverrides& said) {
    put(state.set, said.set);
    put(state.role, said.role);
    put(state.listen, said.listen);
    put(state.temporary_table, said.temporary_table);
    put(state.advisory_lock, said.advisory_lock);
    put(state.with_hold, said.with_hold);
    put(state.sql_prepare, said.sql_prepare);
    put(state.code, said.code);
}

void put_all(PoolSettings& pool, const Overrides& said) {
    put(pool.pool_mode, said.pool_mode);
    put(pool.pool_size, said.pool_size);
    put(pool.min_pool_size, said.min_pool_size);
    put(pool.reserve_pool_size, said.reserve_pool_size);
    put(pool.reserve_pool_timeout, said.reserve_pool_timeout);
    put(pool.max_waiters, said.max_waiters);
    put(pool.wait_timeout, said.wait_timeout);
    put(pool.query_timeout, said.query_timeout);
    put(pool.idle_transaction_timeout, said.idle_transaction_timeout);
    put(pool.portal_stall_timeout, said.portal_stall_timeout);
    put(pool.transaction_timeout, said.transaction_timeout);
    put(pool.slow_reader_timeout, said.slow_reader_timeout);
    put(pool.spool_bytes_max, said.spool_bytes_max);
    put(pool.client_idle_timeout, said.client_idle_timeout);
    put(pool.server_idle_timeout, said.server_idle_timeout);
    put(pool.server_lifetime, said.server_lifetime);
    put(pool.max_prepared_statements, said.max_prepared_statements);
    put(pool.auto_prepare, said.auto_prepare);
    put(pool.deferred_begin, said.deferred_begin);
    put(pool.probe, said.probe);
    put(pool.pin_timeout, said.pin_timeout);
    put_all(pool.session_state, said.session_state);
}

template <class Item>
const Item* find_or_star(const std::map<std::string, Item, std::less<>>& items,
                         std::string_view name) {
    auto found = items.find(name);
    if (found == items.end()) found = items.find("*");
    return found == items.end() ? nullptr : &found->second;
}

}  // namespace

const Database* find_database(const Postgres& postgres, std::string_view name) {
    return find_or_star(postgres.databases, name);
}

const User* find_user(const Postgres& postgres, std::string_view name) {
    return find_or_star(postgres.users, name);
}

bool has_own_settings(const Postgres& postgres, const User& user) {
    User other = user;
    const auto star = postgres.users.find("*");
    if (star != postgres.users.end()) {
        other = star->second;
    } else {
        other.overrides = {};
        other.max_user_connections = postgres.max_user_connections;
        other.max_user_client_connections = postgres.max_user_client_connections;
    }
    other.name = user.name;
    other.password = user.password;
    return user != other;
}

bool is_listed(const Postgres& postgres, std::string_view database, std::string_view user) {
    const auto named = postgres.databases.find(database);
    if (named == postgres.databases.end() || database == "*") return false;
    return named->second.user == user || (postgres.users.contains(user) && user != "*");
}

PoolSettings resolve_limits(const Postgres& postgres, const Database* database, const User* user) {
    PoolSettings pool;
    pool.pool_mode = postgres.pool_mode;
    pool.pool_size = postgres.pool_size;
    pool.min_pool_size = postgres.min_pool_size;
    pool.reserve_pool_size = postgres.reserve_pool_size;
    pool.reserve_pool_timeout = postgres.reserve_pool_timeout;
    pool.max_waiters = postgres.max_waiters;
    pool.wait_timeout = postgres.wait_timeout;
    pool.query_timeout = postgres.query_timeout;
    pool.idle_transaction_timeout = postgres.idle_transaction_timeout;
    pool.portal_stall_timeout = postgres.portal_stall_timeout;
    pool.transaction_timeout = postgres.transaction_timeout;
    pool.slow_reader_timeout = postgres.slow_reader_timeout;
    pool.spool_bytes_max = postgres.spool_bytes_max;
    pool.client_idle_timeout = postgres.client_idle_timeout;
    pool.server_idle_timeout = postgres.server_idle_timeout;
    pool.server_lifetime = postgres.server_lifetime;
    pool.max_prepared_statements = postgres.max_prepared_statements;
    pool.auto_prepare = postgres.auto_prepare;
    pool.deferred_begin = postgres.deferred_begin;
    pool.probe = postgres.probe;
    pool.pin_timeout = postgres.pin_timeout;
    pool.session_state = postgres.session_state;
    pool.max_db_connections = postgres.max_db_connections;
    pool.max_user_connections = postgres.max_user_connections;
    pool.max_db_client_connections = postgres.max_db_client_connections;
    pool.max_user_client_connections = postgres.max_user_client_connections;
    if (database != nullptr) {
        put_all(pool, database->overrides);
        pool.max_db_connections = database->max_db_connections;
        pool.max_db_client_connections = database->max_db_client_connections;
    }
    if (user != nullptr) {
        put_all(pool, user->overrides);
        pool.max_user_connections = user->max_user_connections;
        pool.max_user_client_connections = user->max_user_client_connections;
    }
    return pool;
}

std::optional<PoolSettings> resolve(const Postgres& postgres, std::string_view database,
                                    std::string_view user) {
    const auto* asked = find_database(postgres, database);
    if (asked == nullptr) return std::nullopt;
    PoolSettings pool = resolve_limits(postgres, asked, find_user(postgres, user));
    pool.database = database;
    pool.user = user;
    pool.hosts = asked->hosts;
    pool.dbname = asked->dbname.empty() ? pool.database : asked->dbname;
    pool.server_user = asked->user.empty() ? pool.user : asked->user;
    pool.server_password = asked->password;
    if (pool.server_password.empty()) {
        // Not find_user(): `*` has no secret, and a neighbour's would be the wrong one.
        const auto listed = postgres.users.find(pool.server_user);
        if (listed != postgres.users.end()) pool.server_password = listed->second.password;
    }
    return pool;
}

RedisPoolSettings resolve_redis(const Redis& redis, const RedisDatabase& database) {
    return {database.max_connections.value_or(redis.max_connections),
            database.shared_connections.value_or(redis.shared_connections),
            database.pinned_connections.value_or(redis.pinned_connections), redis.slow_connections};
}

}  // namespace sluice::config
