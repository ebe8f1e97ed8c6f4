#include "config/addresses.hpp"
#include "config/check_part.hpp"
#include "config/resolve.hpp"
#include "config/values.hpp"

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace sluice::config {

namespace {

void check_redis_database(const CheckPart& part, const RedisDatabase& database) {
    const std::string section = "redis.databases." + database.name;
    if (database.host.empty()) {
        part.report(Severity::error, {section + ".host"}, "[" + section + "]: `host` is missing");
    }
    const RedisPoolSettings pool = resolve_redis(part.settings.redis, database);
    // One shared backend is what the simplest command needs.
    const bool controlled = part.settings.redis.info_interval.count() > 0;
    const std::uint64_t others = controlled ? 1 : 0;
    if (pool.pinned_connections + others >= pool.max_connections) {
        part.report(Severity::error,
                    {section + ".pinned_connections", "redis.pinned_connections",
                     section + ".max_connections", "redis.max_connections"},
                    "[" + section + "]: pinned_connections, " + show(pool.pinned_connections) +
                        (controlled ? ", and the control connection (info_interval)" : "") +
                        ", leaves no room for shared ones below max_connections, " +
                        show(pool.max_connections));
    }
}

void check_redis_user(const CheckPart& part, const RedisUser& user) {
    const Redis& redis = part.settings.redis;
    const std::string section = "redis.users." + user.name;
    const std::string wanted = user.database.empty() ? "default" : user.database;
    if (!redis.databases.contains(wanted)) {
        part.report(Severity::error, {section + ".database"},
                    "[" + section + "]: there is no [redis.databases." + wanted + "]");
    }
}

/// They share backends, and which of them opens one is nobody's choice.
void check_backend_passwords(const CheckPart& part) {
    std::map<std::pair<std::string_view, std::string_view>, const RedisUser*> first;
    for (const auto& [name, user] : part.settings.redis.users) {
        if (user.backend_user.empty()) continue;
        std::string_view database = user.database;
        if (database.empty()) database = "default";
        const auto [at, is_first] = first.try_emplace({database, user.backend_user}, &user);
        if (is_first || at->second->backend_password == user.backend_password) continue;
        const std::string section = "redis.users." + name;
        part.report(Severity::error, {section + ".backend_password", section + ".backend_user"},
                    "[" + section + "]: backend_password is not that of [redis.users." +
                        at->second->name + "], which has the same backend_user, \"" +
                        user.backend_user + "\", and so the same backends");
    }
}

}  // namespace

void check_redis(const CheckPart& part, Severity open_trust) {
    const Redis& redis = part.settings.redis;
    if (!redis.served()) return;
    for (const auto& [name, database] : redis.databases)
        check_redis_database(part, database);
    for (const auto& [name, user] : redis.users)
        check_redis_user(part, user);
    check_backend_passwords(part);
    const auto everybody = redis.users.find("default");
    const bool open = everybody == redis.users.end() || everybody->second.password.empty();
    if (redis.users.empty() && !redis.databases.contains("default")) {
        part.report(Severity::error, {"redis.databases"},
                    "[redis]: without users everybody goes to [redis.databases.default], which is "
                    "not there");
    }
    for (const ListenAddress& address : redis.listen) {
        if (open && !is_local(address)) {
            part.report(open_trust, {"redis.listen"},
                        "redis.listen: whoever reaches " + show(address) +
                            " gets in without a password; give [redis.users.default] one, or "
                            "listen on 127.0.0.1, [::1] or a Unix socket");
        }
    }
    if (redis.client_buffer_max > part.settings.server.buffer_memory_max) {
        part.report(Severity::error, {"redis.client_buffer_max", "server.buffer_memory_max"},
                    "redis.client_buffer_max: " + show(redis.client_buffer_max) +
                        " for one client is more than server.buffer_memory_max, " +
                        show(part.settings.server.buffer_memory_max));
    }
}

}  // namespace sluice::config
