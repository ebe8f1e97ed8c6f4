#include "server/redis/pool.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::server {

namespace {

/// How long an idle pinned backend is trusted without being asked.
constexpr pool::Duration check_delay{30'000};
/// How long the commands of a server are taken for what they were.
constexpr std::chrono::seconds commands_age_max{60};

/// The password of a user that the section does not name: of one that others are mapped to, of one
/// that has a section of its own, or one that the server has accepted.
std::optional<std::string> password_of(const config::Redis& settings, const RedisKey& key,
                                       const RedisLogins& logins) {
    for (const auto& [name, user] : settings.users) {
        const bool same_database =
            (user.database.empty() ? "default" : user.database) == key.database;
        if (same_database && user.backend_user == key.user) return user.backend_password.reveal();
    }
    const auto own = settings.users.find(key.user);
    if (own != settings.users.end()) return own->second.password.reveal();
    return logins.password_of(key.user);
}

std::optional<resp::BackendIdentity> identity_of(const config::Redis& settings, const RedisKey& key,
                                                 const config::RedisDatabase& database,
                                                 const RedisLogins& logins) {
    if (key.user.empty()) {
        return resp::BackendIdentity{database.user, database.password.reveal(), key.number,
                                     key.version, "sluice"};
    }
    const auto password = password_of(settings, key, logins);
    if (!password) return std::nullopt;
    return resp::BackendIdentity{key.user, *password, key.number, key.version, "sluice"};
}

}  // namespace

pool::Limits redis_limits_of(const config::Redis& settings,
                             const config::RedisPoolSettings& bounds) {
    pool::Limits limits;
    limits.pool_size = bounds.pinned_connections;
    limits.max_waiters = settings.max_waiters;
    limits.max_connects = settings.max_connects;
    limits.wait_timeout = settings.wait_timeout;
    limits.server_idle_timeout = settings.server_idle_timeout;
    limits.server_lifetime = pool::Duration{0};
    limits.server_check_delay = check_delay;
    limits.connect_retry_max = settings.server_connect_timeout;
    return limits;
}

RedisPool::RedisPool(RedisKey key, const config::RedisDatabase& database,
                     const config::RedisPoolSettings& bounds, resp::BackendIdentity identity,
                     RedisShared& shared)
    : key_(std::move(key)),
      database_(database),
      bounds_(bounds),
      identity_(std::move(identity)),
      shared_(shared) {}

void RedisPool::remember_error(std::string text) {
    const std::lock_guard lock(mutex_);
    last_error_ = std::move(text);
}

std::string RedisPool::last_error() const {
    const std::lock_guard lock(mutex_);
    return last_error_;
}

RedisDirectory::Database& RedisDirectory::database_of(const config::Redis& settings,
                                                      const config::RedisDatabase& section) {
    const auto bounds = config::resolve_redis(settings, section);
    Database& shared = databases_[section.name];
    shared.all->set_limit(bounds.max_connections);
    shared.pinned->set_limit(bounds.pinned_connections);
    shared.shared.health.set_mode(section.memory_gate.value_or(settings.memory_gate));
    shared.shared.blocking.set_limit(settings.blocking_connections);
    shared.shared.watch.set_limit(settings.watch_connections);
    shared.shared.tracking.set_limit(settings.tracking_connections);
    return shared;
}

RedisControlPart RedisDirectory::control_part(const config::Redis& settings,
                                              const config::RedisDatabase& database) {
    const std::lock_guard lock(mutex_);
    Database& shared = database_of(settings, database);
    return {shared.all.get(), &process_, &shared.shared.health};
}

std::shared_ptr<pool::PoolEntry> RedisDirectory::find(const config::Redis& settings,
                                                      const RedisKey& key, unsigned workers) {
    const auto section = settings.databases.find(key.database);
    if (section == settings.databases.end()) return nullptr;
    const std::lock_guard lock(mutex_);
    const auto known = pools_.find(key);
    if (known != pools_.end()) return known->second;
    const auto bounds = config::resolve_redis(settings, section->second);
    Database& shared = database_of(settings, section->second);
    auto identity = identity_of(settings, key, section->second, shared.shared.logins);
    if (!identity) return nullptr;
    const pool::Limits limits = redis_limits_of(settings, bounds);
    std::string part =
        std::to_string(key.number) + "/resp" + std::to_string(static_cast<unsigned>(key.version));
    if (!key.user.empty()) part += '/' + key.user;
    // The process's budget belongs to the registry of the other side, which outlives this one.
    const std::shared_ptr<pool::Budget> process(std::shared_ptr<void>(), &process_);
    auto entry = std::make_shared<pool::PoolEntry>(
        pool::PoolKey{key.database, part}, limits, std::min(workers, pool::shard_count_max),
        std::make_shared<pool::Budget>(bounds.pinned_connections), shared.all, shared.pinned,
        process);
    entry->attachment = std::make_unique<RedisPool>(key, section->second, bounds,
                                                    std::move(*identity), shared.shared);
    pools_.emplace(key, entry);
    return entry;
}

template <typename Condition>
void RedisDirectory::retire_pools(Condition condition) {
    std::erase_if(pools_, [&condition](const auto& known) {
        RedisPool& pool = redis_pool_of(*known.second);
        if (!condition(pool, *known.second)) return false;
        pool.retire();
        return true;
    });
}

void RedisDirectory::reconfigure(const config::Redis& settings) {
    const std::lock_guard lock(mutex_);
    retire_pools([&](const RedisPool& pool, const pool::PoolEntry& entry) {
        const RedisKey& key = pool.key();
        const auto section = settings.databases.find(key.database);
        if (section == settings.databases.end()) return true;
        Database& database = databases_[key.database];
        const bool same =
            section->second == pool.database() &&
            config::resolve_redis(settings, section->second) == pool.bounds() &&
            redis_limits_of(settings, pool.bounds()) == entry.limits &&
            identity_of(settings, key, section->second, database.shared.logins) == pool.identity();
        // It may be another server now.
        if (!same) database.asked_at = {};
        return !same;
    });
}

void RedisDirectory::login_accepted(const std::string& database, std::string_view user,
                                    std::string_view password, net::TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (!databases_[database].shared.logins.accepted(user, password, now)) return;
    retire_pools([&](const RedisPool& pool, const pool::PoolEntry&) {
        return pool.key().database == database && pool.key().user == user &&
               pool.identity().password != password;
    });
}

void RedisDirectory::login_refused(const std::string& database, std::string_view user,
                                   std::string_view password) {
    const std::lock_guard lock(mutex_);
    RedisLogins& logins = databases_[database].shared.logins;
    logins.refused(user, password);
    const auto known = logins.password_of(user);
    if (!known || *known == password) return;
    // Another one has been accepted since its backends were given this one.
    retire_pools([&](const RedisPool& pool, const pool::PoolEntry&) {
        return pool.key().database == database && pool.key().user == user &&
               pool.identity().password == password;
    });
}

bool RedisDirectory::knows_login(const config::Redis& settings, const std::string& database,
                                 std::string_view user, std::string_view password,
                                 net::TimePoint now) const {
    const std::lock_guard lock(mutex_);
    const auto at = databases_.find(database);
    return at != databases_.end() &&
           at->second.shared.logins.knows(user, password, now, settings.login_cache_time);
}

void RedisDirectory::remember_version(const std::string& database, std::string version) {
    if (version.empty()) return;
    const std::lock_guard lock(mutex_);
    Database& known = databases_[database];
    // Another server has other commands: the next login asks.
    if (known.version != version) known.asked_at = {};
    known.version = std::move(version);
}

RedisDirectory::Commands RedisDirectory::commands_of(const std::string& database) const {
    const std::lock_guard lock(mutex_);
    const auto at = databases_.find(database);
    return at == databases_.end() ? Commands{} : at->second.commands;
}

resp::CommandsAsked RedisDirectory::commands_due(const std::string& database,
                                                 std::chrono::steady_clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    const auto at = databases_.find(database);
    const bool due = at == databases_.end() || !at->second.commands.asked ||
                     now - at->second.asked_at >= commands_age_max;
    return due ? resp::CommandsAsked::yes : resp::CommandsAsked::no;
}

RedisDirectory::Learned RedisDirectory::learn_commands(const std::string& database,
                                                       const std::string& answer,
                                                       std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    Database& known = databases_[database];
    const bool first = !std::exchange(known.commands.asked, true);
    known.asked_at = now;
    // Who may not ask for them does not make those unknown that another user was told.
    if (answer.empty() && known.commands.catalogue) return Learned::nothing_new;
    const std::size_t hash = std::hash<std::string>{}(answer);
    if (!first && hash == known.answer_hash) return Learned::nothing_new;
    known.answer_hash = hash;
    auto catalogue = resp::CommandCatalogue::of(wire::as_bytes(answer));
    const bool readable = catalogue != nullptr;
    if (readable) known.commands.catalogue = std::move(catalogue);
    commands_generation_.fetch_add(1, std::memory_order_release);
    return readable ? Learned::other_commands : Learned::unreadable;
}

std::string RedisDirectory::version_of(const std::string& database) const {
    const std::lock_guard lock(mutex_);
    const auto at = databases_.find(database);
    return at == databases_.end() ? std::string(version_before_login) : at->second.version;
}

std::vector<RedisDirectory::Bound> RedisDirectory::bounds() const {
    const std::lock_guard lock(mutex_);
    std::vector<Bound> all;
    for (const auto& [name, database] : databases_) {
        all.push_back({name, database.all->used(), database.all->limit(), database.pinned->used(),
                       database.pinned->limit(), database.shared.health.facts()});
    }
    return all;
}

}  // namespace sluice::server
