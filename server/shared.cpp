#include "server/shared.hpp"

#include "protocol/assert.hpp"
#include "protocol/crypto.hpp"

#include "server/log.hpp"
#include "server/pg/pool.hpp"
#include "server/pg/shard.hpp"
#include "server/redis/side.hpp"
#include "server/snapshot.hpp"
#include "server/version.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace sluice::server {

namespace {

Authenticator::MockSecret fresh_mock_secret() {
    Authenticator::MockSecret secret{};
    // Without random bytes no login can be made safe: the program does not start.
    SLUICE_ASSERT(crypto::random_bytes(secret));
    return secret;
}

LoginGuard::Rules login_rules_of(const config::Postgres& settings) {
    return {settings.failed_login_delay, settings.max_failed_logins,
            settings.max_logins_per_second};
}

}  // namespace

Shared::Shared(const config::Settings& all_settings, boost::asio::io_context& control)
    : buffers(all_settings.server.buffer_memory_max),
      resolver(control, all_settings.postgres.dns_max_ttl),
      login_guard(login_rules_of(all_settings.postgres)),
      registry(all_settings.server.max_backends),
      clients(all_settings.postgres.max_clients),
      replications(all_settings.postgres.max_replication_connections),
      cancels(all_settings.postgres.max_cancels),
      redis(registry.process_budget()),
      redis_clients(all_settings.redis.max_clients),
      mock_secret_(fresh_mock_secret()),
      configuration_(std::make_shared<const Configuration>(all_settings, mock_secret_)) {}

Shared::~Shared() = default;

std::shared_ptr<const Configuration> Shared::configuration() const {
    const std::lock_guard lock(configuration_mutex_);
    return configuration_;
}

void Shared::reconfigure(const config::Settings& settings, const std::function<void()>& done) {
    auto replacement = std::make_shared<const Configuration>(settings, mock_secret_);
    {
        const std::lock_guard lock(configuration_mutex_);
        configuration_ = replacement;
    }
    clients.set_limit(settings.postgres.max_clients);
    cancels.set_limit(settings.postgres.max_cancels);
    replications.set_limit(settings.postgres.max_replication_connections);
    redis_clients.set_limit(settings.redis.max_clients);
    registry.process_budget().set_limit(settings.server.max_backends);
    buffers.set_bytes_max(settings.server.buffer_memory_max);
    resolver.set_ttl_max(settings.postgres.dns_max_ttl);
    login_guard.set_rules(login_rules_of(settings.postgres));
    // Pools are retired only when nobody can make one anew from the old settings.
    const auto left = std::make_shared<std::atomic<std::size_t>>(workers.size());
    for (const auto& worker : workers) {
        worker->post([this, worker = worker.get(), replacement, left, done] {
            worker->reconfigure(replacement);
            if (--*left > 0) return;
            retire_changed_pools(replacement->settings);
            redis.reconfigure(replacement->settings.redis);
            for (const auto& each : workers)
                each->post([each = each.get()] { each->redis().pools_retired(); });
            done();
        });
    }
}

void Shared::retire_changed_pools(const config::Settings& settings) {
    for (const auto& entry : registry.entries()) {
        auto& pool = static_cast<PgPool&>(*entry->attachment);
        const auto wanted =
            config::resolve(settings.postgres, entry->key.database, entry->key.user);
        if (wanted && *wanted == pool.settings() &&
            limits_of(*wanted, settings.postgres) == entry->limits) {
            continue;
        }
        registry.retire(entry->key.view());
        pool.retire(PgPool::Standing::replaced);
        recycle(entry);
    }
}

void Shared::recycle(const std::shared_ptr<pool::PoolEntry>& entry) {
    for (const unsigned index : static_cast<PgPool&>(*entry->attachment).workers()) {
        Worker* const worker = workers[index].get();
        worker->post([worker, entry] {
            PgShard* const shard = worker->find_shard(entry.get());
            if (shard == nullptr) return;
            shard->engine().recycle(worker->engine().now());
            shard->perform_orders();
        });
    }
}

void Shared::free_database(const config::PoolSettings& asker, const std::string& dbname) {
    for (const auto& entry : registry.entries()) {
        const config::PoolSettings& pool = static_cast<PgPool&>(*entry->attachment).settings();
        const bool same_server = std::ranges::any_of(pool.hosts, [&asker](const auto& host) {
            return std::ranges::find(asker.hosts, host) != asker.hosts.end();
        });
        // Whoever may not drop it must not cost others their backends: those of its own user only.
        if (same_server && pool.dbname == dbname && pool.server_user == asker.server_user) {
            recycle(entry);
        }
    }
}

void Shared::forget_pool(const std::shared_ptr<pool::PoolEntry>& entry) {
    // A reload, or another worker, may have been quicker.
    if (!registry.retire(*entry)) return;
    static_cast<PgPool&>(*entry->attachment).retire(PgPool::Standing::forgotten);
    for (const auto& worker : workers)
        worker->post([worker = worker.get(), entry] { worker->pool_forgotten(entry); });
}

void Shared::gather(SnapshotDetail detail, std::function<void(Snapshot)> done) {
    struct Gathering {
        std::mutex mutex;
        std::size_t left;
        Snapshot snapshot;
        std::function<void(Snapshot)> done;
    };
    const auto gathering = std::make_shared<Gathering>();
    gathering->left = workers.size();
    gathering->done = std::move(done);
    Snapshot& snapshot = gathering->snapshot;
    const auto current = configuration();
    snapshot.max_clients = current->settings.postgres.max_clients;
    snapshot.max_backends = current->settings.server.max_backends;
    snapshot.backends_used = registry.process_budget().used();
    if (current->settings.redis.served()) {
        snapshot.redis_max_clients = current->settings.redis.max_clients;
    }
    for (const RedisDirectory::Bound& bound : redis.bounds()) {
        snapshot.redis_bounds.push_back(
            {bound.database, bound.limit, bound.pinned_limit, bound.health});
    }
    snapshot.buffer_bytes = buffers.used();
    snapshot.buffer_bytes_max = buffers.bytes_max();
    snapshot.log_lines_lost = log::lines_lost();
    snapshot.started = started;
    snapshot.version = version;
    for (const auto& worker : workers) {
        worker->post([worker = worker.get(), detail, gathering] {
            WorkerSnapshot part = worker->snapshot(detail);
            const std::lock_guard lock(gathering->mutex);
            gathering->snapshot.workers.push_back(std::move(part));
            if (--gathering->left == 0) gathering->done(std::move(gathering->snapshot));
        });
    }
}

}  // namespace sluice::server
