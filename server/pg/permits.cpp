#include "server/pg/permits.hpp"

#include "server/pg/shard.hpp"
#include "server/worker.hpp"

namespace sluice::server {

namespace {

template <typename What>
void everywhere(Shared& shared, What what) {
    for (const auto& worker : shared.workers) {
        worker->post([worker = worker.get(), what] {
            worker->for_each_shard([&](PgShard& shard) {
                what(shard.engine(), worker->engine().now());
                shard.perform_orders();
            });
        });
    }
}

}  // namespace

bool Permits::try_take(Shared& shared, pool::PoolEntry& entry) {
    if (entry.database && !entry.database->try_take()) return false;
    if (entry.process && !entry.process->try_take()) {
        if (entry.database && entry.database->give_back()) offer_everywhere(shared);
        return false;
    }
    return true;
}

void Permits::want(Shared& shared, pool::PoolEntry& entry) {
    bool first = false;
    for (pool::Budget* const budget : {entry.database.get(), entry.process.get()}) {
        if (budget == nullptr || budget->has_room()) continue;
        first = budget->want(pool::Budget::Hunger::starving) || first;
    }
    if (first) evict_everywhere(shared);
}

void Permits::give_back(Shared& shared, pool::PoolEntry& entry) {
    bool wanted = false;
    for (pool::Budget* const budget : {entry.process.get(), entry.database.get()}) {
        if (budget != nullptr && budget->give_back()) wanted = true;
    }
    if (wanted) offer_everywhere(shared);
}

void Permits::evict_everywhere(Shared& shared) {
    everywhere(shared, [](pool::Shard& shard, net::TimePoint now) { shard.evict_one(now); });
}

void Permits::offer_everywhere(Shared& shared) {
    everywhere(shared, [](pool::Shard& shard, net::TimePoint now) { shard.wake(now); });
}

}  // namespace sluice::server
