#include "server/pg/idle_pools.hpp"

#include "config/resolve.hpp"

#include "server/pg/pool.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

/// A pool that has never had a backend stays this long, for a client on its way into it.
constexpr net::Duration never_served{1'000};
/// Between two looks at all of them, so that many cost little each.
constexpr net::Duration look_gap{100};

}  // namespace

void IdlePools::watch(const std::shared_ptr<pool::PoolEntry>& entry) {
    // It ends by itself, and whoever held on to it would keep its successor from its own.
    if (static_cast<const PgPool&>(*entry->attachment).retired()) return;
    watched_.try_emplace(entry.get(), entry);
    if (const auto time = due(*entry)) look_at(*time);
}

void IdlePools::look_again() {
    if (!watched_.empty()) look_at(worker_.engine().now());
}

void IdlePools::look_at(net::TimePoint time) {
    time = std::max(time, worker_.engine().now() + look_gap);
    if (armed() && next_look_ <= time) return;
    next_look_ = time;
    worker_.engine().timers().arm(*this, time);
}

void IdlePools::clear() {
    disarm();
    watched_.clear();
}

std::optional<net::TimePoint> IdlePools::due(pool::PoolEntry& entry) const {
    const auto& pool = static_cast<const PgPool&>(*entry.attachment);
    const config::Postgres& settings = worker_.settings();
    if (config::is_listed(settings, entry.key.database, entry.key.user)) return std::nullopt;
    if (!pool.had_backend() && entry.shared.live() == 0) {
        // What it knows of failed connects spares the database those that would fail alike.
        return std::max(pool.used_at() + never_served, entry.shared.backoff().retry_at());
    }
    if (settings.autodb_idle_timeout.count() == 0) return std::nullopt;
    return pool.used_at() + settings.autodb_idle_timeout;
}

void IdlePools::expired(net::TimePoint now) {
    if (std::exchange(has_forgotten_, false)) worker_.shared().registry.drop_unused_budgets();
    auto next = net::TimePoint::max();
    for (auto at = watched_.begin(); at != watched_.end();) {
        const std::shared_ptr<pool::PoolEntry>& entry = at->second;
        const auto& pool = static_cast<const PgPool&>(*entry->attachment);
        const auto time = due(*entry);
        if (pool.retired() || pool.has_clients()) {
            at = watched_.erase(at);
        } else if (time && *time <= now) {
            worker_.shared().forget_pool(entry);
            has_forgotten_ = true;
            next = now;
            at = watched_.erase(at);
        } else {
            if (time) next = std::min(next, *time);
            ++at;
        }
    }
    if (next != net::TimePoint::max()) look_at(next);
}

}  // namespace sluice::server
