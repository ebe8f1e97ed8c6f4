#include "pool_sim_world.hpp"

#include <algorithm>

namespace sluice::pool::sim {

using State = Backend::State;

void World::broken(const std::string& promise) {
    if (failure_.empty()) {
        failure_ = promise + ", " +
                   std::to_string((now_ - TimePoint{std::chrono::hours{1}}).count()) +
                   " ns into the script";
    }
}

void World::check_bounds() {
    std::uint32_t all = 0;
    for (const Pool& pool : pools_) {
        const Limits& limits = pool.limits;
        all += pool.open_backends;
        if (limits.pool_size != 0 &&
            pool.open_backends > limits.pool_size + limits.reserve_pool_size) {
            broken("a pool has more backends than pool_size and reserve_pool_size");
        }
        if (limits.max_connects != 0 && pool.connecting > limits.max_connects) {
            broken("more backends are connecting than max_connects");
        }
        // Opens that are ordered but not performed hold a permit as well; a pump performs all.
        if (pool.budget->used() != pool.open_backends) broken("permits and backends differ");
        if (pool.shared->connects().used() != pool.connecting) {
            broken("the places among the connects and the connecting backends differ");
        }
    }
    if (database_->limit() != 0 && all > database_->limit()) broken("the database has too many");
    if (process_->limit() != 0 && all > process_->limit()) broken("the process has too many");
}

void World::check_starvation() {
    for (unsigned pool = 0; pool < pools_.size(); ++pool)
        check_pool_starvation(pool);
}

void World::check_pool_starvation(unsigned at) {
    Pool& pool = pools_[at];
    std::uint32_t idle = 0;
    for (const auto& shard : pool.shards)
        idle += shard->count(State::idle);

    for (unsigned shard = 0; shard < pool.shards.size(); ++shard) {
        if (pool.paused[shard]) continue;
        const Shard& self = *pool.shards[shard];
        const std::size_t cleaned = self.count(State::checking) + self.count(State::resetting);
        if (self.waiter_count() > cleaned && idle != 0) {
            broken("a waiter waits beside an idle backend of its pool");
        }
        const std::size_t coming = cleaned + self.count(State::opening) + self.opens_ordered();
        if (self.waiter_count() <= coming) continue;
        // For so long it may count on what was idle at another shard when it came.
        if (self.stats(now_).oldest_wait <= passing_tolerance) continue;
        const ConnectBackoff& backoff = pool.shared->backoff();
        // At the end of a pause the tick may still be due in this very moment.
        if (backoff.failing() && (now_ <= backoff.retry_at() || pool.connecting != 0)) continue;
        const std::uint32_t cap = pool.shared->connects().limit();
        if (cap != 0 && pool.connecting >= cap) continue;
        if (!pool.budget->has_room()) continue;
        if (self.gives_way(now_)) continue;
        if (database_->has_room() && process_->has_room()) {
            broken("a waiter waits beside a free permit");
        }
        for (const Pool& other : pools_) {
            std::uint32_t spare = 0;
            for (const auto& neighbour : other.shards)
                spare += neighbour->count(State::idle);
            const std::uint32_t size = other.limits.pool_size;
            const std::uint32_t min =
                size == 0 ? other.limits.min_pool_size : std::min(other.limits.min_pool_size, size);
            if (spare != 0 && other.shared->live() > min) {
                broken(
                    "a waiter waits for a shared permit that an idle backend of another pool "
                    "holds");
            }
        }
    }
}

void World::check_deadlines() {
    constexpr std::chrono::microseconds slack{1};
    for (const auto& client : clients_) {
        const Duration timeout = pools_[client->pool].limits.wait_timeout;
        if (client->state == Client::State::waiting && timeout.count() != 0 &&
            now_ > client->waiter.arrived() + timeout + slack) {
            broken("a waiter waits beyond its deadline");
        }
    }
}

void World::check_order(const Client& granted) {
    const Pool& pool = pools_[granted.pool];
    const TimePoint arrived =
        granted.state == Client::State::waiting ? granted.waiter.arrived() : now_;
    std::vector<std::uint32_t> passed(pool.shards.size(), 0);
    for (const auto& client : clients_) {
        if (client.get() == &granted || client->pool != granted.pool ||
            client->state != Client::State::waiting) {
            continue;
        }
        if (client->shard == granted.shard) {
            if (client->waiter.arrived() < arrived) broken("a waiter is passed in its own line");
        } else if (client->waiter.arrived() < arrived - passing_tolerance) {
            ++passed[client->shard];
        }
    }
    for (unsigned shard = 0; shard < pool.shards.size(); ++shard) {
        // Those a backend is travelling to already are as good as served.
        if (!pool.paused[shard] && passed[shard] > pool.shared->travelling_to(shard)) {
            broken("a waiter is passed by one who came more than the tolerance later elsewhere");
        }
    }
}

void World::check_end() {
    for (Pool& pool : pools_) {
        Counters sum;
        for (const auto& shard : pool.shards) {
            if (!shard->empty()) broken("a shard is not empty at the end");
            sum += shard->stats(now_).counters;
        }
        std::uint64_t answers = sum.grants_at_once + sum.grants_after_wait + sum.abandons;
        for (const std::uint64_t refusals : sum.refusals)
            answers += refusals;
        std::uint64_t closes = 0;
        for (const std::uint64_t reason : sum.closes)
            closes += reason;
        if (answers != sum.acquires) broken("answers and acquires differ");
        if (closes != sum.opens) broken("closes and opens differ");
        if (pool.budget->used() != 0) broken("a pool permit is missing");
        if (pool.shared->live() != 0) broken("a live backend is missing");
        if (pool.shared->line().used() != 0) broken("a place in line is missing");
        if (pool.shared->connects().used() != 0) broken("a place among the connects is missing");
        totals_ += sum;
    }
    if (database_->used() != 0 || process_->used() != 0) broken("a shared permit is missing");
    if (!backends_.empty()) broken("a backend is left over");
}

}  // namespace sluice::pool::sim
