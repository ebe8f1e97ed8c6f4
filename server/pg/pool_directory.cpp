#include "server/pg/pool_directory.hpp"

#include "config/resolve.hpp"

#include "server/pg/pool.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <vector>

namespace sluice::server {

namespace {

std::shared_ptr<pool::PoolEntry> make_pool(Worker& worker, const config::PoolSettings& settings) {
    Shared& shared = worker.shared();
    auto entry = shared.registry.find_or_make({settings.database, settings.user}, [&] {
        const auto worker_count = static_cast<unsigned>(shared.workers.size());
        pool::Registry::Recipe recipe;
        recipe.limits = limits_of(settings, worker.settings());
        recipe.shard_count = pool::shard_count_for(settings.pool_size, worker_count);
        recipe.max_db_connections = settings.max_db_connections;
        recipe.max_user_connections = settings.max_user_connections;
        const unsigned first = shared.next_home.fetch_add(recipe.shard_count);
        std::vector<unsigned> workers;
        for (unsigned i = 0; i < recipe.shard_count; ++i) {
            workers.push_back((first + i) % worker_count);
        }
        recipe.attachment = std::make_unique<PgPool>(
            settings, std::move(workers), shared.schema_clocks.of(server_database(settings)),
            worker.engine().now());
        return recipe;
    });
    // Perhaps no client ever enters it.
    worker.idle_pools().watch(entry);
    return entry;
}

}  // namespace

std::shared_ptr<pool::PoolEntry> pool_of(Worker& worker, const std::string& database,
                                         const std::string& user) {
    if (auto known = worker.shared().registry.find({database, user})) return known;
    const auto settings = config::resolve(worker.settings(), database, user);
    return settings ? make_pool(worker, *settings) : nullptr;
}

void open_warm_pools(Shared& shared) {
    const auto configuration = shared.configuration();
    const config::Postgres& settings = configuration->settings.postgres;
    for (const auto& [name, database] : settings.databases) {
        if (name == "*" || database.user.empty()) continue;
        const auto resolved = config::resolve(settings, name, database.user);
        if (!resolved || resolved->min_pool_size == 0) continue;
        const auto entry = pool_of(*shared.workers.front(), name, database.user);
        for (const unsigned index : static_cast<PgPool&>(*entry->attachment).workers()) {
            Worker* const worker = shared.workers[index].get();
            worker->post([worker, entry] { static_cast<void>(worker->shard_of(entry)); });
        }
    }
}

}  // namespace sluice::server
