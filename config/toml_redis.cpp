#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

namespace {

constexpr Range shared_count_range{1, 64};
constexpr Range slow_count_range{0, 64};
constexpr Range redis_count_range{1, 100'000};
constexpr Range redis_count_or_none_range{0, 100'000};
constexpr Range database_count_range{1, 1'000'000};
constexpr Range bulk_bytes_range{1'024, 4ULL << 30};
constexpr Range request_bytes_range{0, 1ULL << 40};
constexpr Range held_bytes_range{1'024, 16ULL << 20};
constexpr Range subscription_count_range{0, 10'000'000};
constexpr Range unread_bytes_range{65'536, 1ULL << 30};

std::string show_redis_host(const RedisDatabase& database) {
    return database.host.empty() ? "(required)" : database.host;
}

template <auto Member>
constexpr Key<RedisUser> user_override_key(std::string_view name, Range range) {
    return {name, range,
            [](const Found& found, RedisUser& user) { return take(found, user.*Member); },
            [](const RedisUser& user) {
                const auto& said = user.*Member;
                return said ? show(*said) : std::string(inherited_redis);
            }};
}

template <auto Member>
constexpr Key<RedisDatabase> override_key(std::string_view name, Range range = {}) {
    return {
        name, range,
        [](const Found& found, RedisDatabase& database) { return take(found, database.*Member); },
        [](const RedisDatabase& database) {
            const auto& said = database.*Member;
            return said ? show(*said) : std::string(inherited_redis);
        }};
}

void read_redis_database(const std::string& name, const Table& table, const Reading& reading,
                         Draft& draft) {
    RedisDatabase& target = draft.settings.redis.databases[name];
    target.name = name;
    for (const auto& entry : table) {
        const auto path = "redis.databases." + name + "." + entry.key;
        if (!read_entry(entry, path, redis_database_keys(), reading, target)) {
            reject_unknown(entry, "redis.databases.NAME", reading);
        }
    }
}

void read_redis_user(const std::string& name, const Table& table, const Reading& reading,
                     Draft& draft) {
    RedisUser& target = draft.settings.redis.users[name];
    target.name = name;
    for (const auto& entry : table) {
        const auto path = "redis.users." + name + "." + entry.key;
        if (!read_entry(entry, path, redis_user_keys(), reading, target)) {
            reject_unknown(entry, "redis.users.NAME", reading);
        }
    }
}

}  // namespace

std::span<const Key<Redis>> redis_keys() {
    using R = Redis;
    static constexpr std::array keys{
        Key<R>{"listen",
               {},
               [](const Found& found, R& redis) { return take_redis_listen(found, redis.listen); },
               [](const R& redis) { return show(redis.listen); }},
        key<R, &R::max_clients>("max_clients", client_count_range),
        key<R, &R::max_connections>("max_connections", redis_count_range),
        key<R, &R::shared_connections>("shared_connections", shared_count_range),
        key<R, &R::slow_connections>("slow_connections", slow_count_range),
        key<R, &R::pinned_connections>("pinned_connections", redis_count_range),
        key<R, &R::blocking_connections>("blocking_connections", redis_count_or_none_range),
        key<R, &R::watch_connections>("watch_connections", redis_count_or_none_range),
        key<R, &R::tracking_connections>("tracking_connections", redis_count_or_none_range),
        key<R, &R::max_waiters>("max_waiters", client_count_range),
        key<R, &R::max_connects>("max_connects", backend_count_range),
        key<R, &R::select_databases>("select_databases", database_count_range),
        key<R, &R::info_interval>("info_interval"),
        key<R, &R::memory_gate>("memory_gate"),
        key<R, &R::wait_timeout>("wait_timeout"),
        key<R, &R::client_login_timeout>("client_login_timeout"),
        key<R, &R::login_cache_time>("login_cache_time"),
        key<R, &R::client_idle_timeout>("client_idle_timeout"),
        key<R, &R::query_timeout>("query_timeout"),
        key<R, &R::server_connect_timeout>("server_connect_timeout"),
        key<R, &R::server_idle_timeout>("server_idle_timeout"),
        key<R, &R::max_bulk_bytes>("max_bulk_bytes", bulk_bytes_range),
        key<R, &R::max_request_bytes>("max_request_bytes", request_bytes_range),
        key<R, &R::max_held_bytes>("max_held_bytes", held_bytes_range),
        key<R, &R::client_buffer_max>("client_buffer_max", unread_bytes_range),
        key<R, &R::max_client_subscriptions>("max_client_subscriptions", subscription_count_range),
        key<R, &R::allow_commands>("allow_commands"),
        key<R, &R::refuse_commands>("refuse_commands"),
    };
    return keys;
}

std::span<const Key<RedisDatabase>> redis_database_keys() {
    using D = RedisDatabase;
    static constexpr std::array keys{
        Key<D>{"host",
               {},
               [](const Found& found, D& database) { return take(found, database.host); },
               show_redis_host},
        key<D, &D::port>("port", {1, 65'535}),
        key<D, &D::user>("user"),
        key<D, &D::password>("password"),
        override_key<&D::max_connections>("max_connections", redis_count_range),
        override_key<&D::shared_connections>("shared_connections", shared_count_range),
        override_key<&D::pinned_connections>("pinned_connections", redis_count_range),
        override_key<&D::memory_gate>("memory_gate"),
        key<D, &D::user_backends>("user_backends"),
    };
    return keys;
}

std::span<const Key<RedisUser>> redis_user_keys() {
    using U = RedisUser;
    static constexpr std::array keys{
        key<U, &U::password>("password"),
        key<U, &U::database>("database"),
        key<U, &U::read_only>("read_only"),
        key<U, &U::backend_user>("backend_user"),
        key<U, &U::backend_password>("backend_password"),
        user_override_key<&U::max_request_bytes>("max_request_bytes", request_bytes_range),
        key<U, &U::allow_commands>("allow_commands"),
        key<U, &U::refuse_commands>("refuse_commands"),
    };
    return keys;
}

void read_redis(const Table& table, const Reading& reading, Draft& draft) {
    for (const auto& entry : table) {
        if (entry.key == "databases") {
            read_named(entry, "redis.databases", "database", reading, draft, read_redis_database);
        } else if (entry.key == "users") {
            read_named(entry, "redis.users", "user", reading, draft, read_redis_user);
        } else if (!read_entry(entry, "redis." + entry.key, redis_keys(), reading,
                               draft.settings.redis)) {
            reject_unknown(entry, "redis", reading);
        }
    }
}

}  // namespace sluice::config
