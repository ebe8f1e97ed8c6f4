#include "server/pg/pool.hpp"

#include <algorithm>

namespace sluice::server {

PgPool::PgPool(config::PoolSettings settings, std::vector<unsigned> workers,
               std::shared_ptr<SchemaClock> schema, pool::TimePoint now)
    : settings_(std::move(settings)),
      workers_(std::move(workers)),
      clients_(std::make_unique<std::atomic<std::int32_t>[]>(workers_.size())),
      schema_(std::move(schema)),
      used_at_(now) {}

bool PgPool::has_clients() const noexcept {
    for (std::size_t shard = 0; shard < workers_.size(); ++shard) {
        if (clients_[shard] != 0) return true;
    }
    return false;
}

std::string server_database(const config::PoolSettings& settings) {
    std::string name;
    for (const config::HostPort& host : settings.hosts)
        name.append(host.host).append(":").append(std::to_string(host.port)).append(",");
    return name.append(settings.dbname);
}

std::optional<unsigned> PgPool::shard_on(unsigned worker) const noexcept {
    const auto at = std::ranges::find(workers_, worker);
    if (at == workers_.end()) return std::nullopt;
    return static_cast<unsigned>(at - workers_.begin());
}

unsigned PgPool::choose_shard(unsigned worker) const noexcept {
    unsigned fewest = 0;
    for (unsigned shard = 1; shard < workers_.size(); ++shard) {
        if (clients_[shard] < clients_[fewest]) fewest = shard;
    }
    const auto own = shard_on(worker);
    if (!own) return fewest;
    // A move costs a few system calls, once; an uneven load costs as long as the client lives.
    return clients_[*own] <= clients_[fewest] + 1 ? *own : fewest;
}

std::optional<pg::ScramClientKeys> PgPool::keys_for(const pg::ScramChallenge& challenge) const {
    const std::lock_guard lock(mutex_);
    if (!challenge_ || challenge_->salt != challenge.salt ||
        challenge_->iterations != challenge.iterations) {
        return std::nullopt;
    }
    return keys_;
}

void PgPool::remember_keys(const pg::ScramChallenge& challenge, const pg::ScramClientKeys& keys) {
    const std::lock_guard lock(mutex_);
    challenge_ = challenge;
    keys_ = keys;
}

void PgPool::remember_error(std::string body) {
    const std::lock_guard lock(mutex_);
    last_error_ = std::move(body);
}

std::string PgPool::last_error() const {
    const std::lock_guard lock(mutex_);
    return last_error_;
}

pool::Limits limits_of(const config::PoolSettings& settings, const config::Postgres& postgres) {
    pool::Limits limits;
    limits.pool_size = settings.pool_size;
    limits.min_pool_size = settings.min_pool_size;
    limits.reserve_pool_size = settings.reserve_pool_size;
    limits.reserve_pool_timeout = settings.reserve_pool_timeout;
    limits.max_waiters = settings.max_waiters;
    limits.max_connects = postgres.max_connects;
    limits.wait_timeout = settings.wait_timeout;
    limits.server_idle_timeout = settings.server_idle_timeout;
    limits.server_lifetime = settings.server_lifetime;
    limits.server_check_delay = postgres.server_check_delay;
    limits.connect_retry_max = postgres.server_login_retry;
    return limits;
}

}  // namespace sluice::server
