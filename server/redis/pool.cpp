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

resp::BackendIdentity identity_of(const RedisKey& key, const config::RedisDatabase& database) {
    return {database.user, database.password.reveal(), key.number, key.version, "sluice"};
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
                     const config::RedisPoolSettings& bounds, RedisShared& shared)
    : key_(std::move(key)),
      database_(database),
      bounds_(bounds),
      identity_(identity_of(key_, database_)),
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
    const pool::Limits limits = redis_limits_of(settings, bounds);
    const std::string part =
        std::to_string(key.number) + "/resp" + std::to_string(static_cast<unsigned>(key.version));
    // The process's budget belongs to the registry of the other side, which outlives this one.
    const std::shared_ptr<pool::Budget> process(std::shared_ptr<void>(), &process_);
    auto entry = std::make_shared<pool::PoolEntry>(
        pool::PoolKey{key.database, part}, limits, std::min(workers, pool::shard_count_max),
        std::make_shared<pool::Budget>(bounds.pinned_connections), shared.all, shared.pinned,
        process);
    entry->attachment = std::make_unique<RedisPool>(key, section->second, bounds, shared.shared);
    pools_.emplace(key, entry);
    return entry;
}

void RedisDirectory::reconfigure(const config::Redis& settings) {
    const std::lock_guard lock(mutex_);
    for (auto at = pools_.begin(); at != pools_.end();) {
        RedisPool& pool = redis_pool_of(*at->second);
        const auto section = settings.databases.find(at->first.database);
        const bool same = section != settings.databases.end() &&
                          section->second == pool.database() &&
                          config::resolve_redis(settings, section->second) == pool.bounds() &&
                          redis_limits_of(settings, pool.bounds()) == at->second->limits;
        if (same) {
            ++at;
            continue;
        }
        pool.retire();
        databases_[at->first.database].asked_at = {};  // It may be another server now.
        at = pools_.erase(at);
    }
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
    const std::size_t hash = std::hash<std::string>{}(answer);
    if (!first && hash == known.answer_hash) return Learned::nothing_new;
    known.answer_hash = hash;
    auto catalogue = resp::CommandCatalogue::of(wire::as_bytes(answer));
    const bool readable = catalogue != nullptr;
    // Who may not ask for them does not make those unknown that another user was told.
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
