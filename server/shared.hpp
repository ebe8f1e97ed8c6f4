#pragma once

#include "pool/registry.hpp"

#include "config/settings.hpp"

#include "server/auth/login_guard.hpp"
#include "server/client_budgets.hpp"
#include "server/configuration.hpp"
#include "server/net/chunk.hpp"
#include "server/net/resolver.hpp"
#include "server/pg/cancel_key.hpp"
#include "server/pg/notify_senders.hpp"
#include "server/pg/schema_clock.hpp"
#include "server/redis/pool.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::server {

class Worker;
struct Snapshot;
enum class SnapshotDetail : std::uint8_t;

/// What all workers use. Made by App before the first worker and gone after the last; everything
/// in it is immutable or thread-safe.
struct Shared {
    Shared(const config::Settings& all_settings, boost::asio::io_context& control);
    ~Shared();

    net::BufferBudget buffers;
    net::Resolver resolver;
    LoginGuard login_guard;
    pool::Registry registry;
    pool::Budget clients;
    pool::Budget replications;  ///< Connections of that kind.
    pool::Budget cancels;       ///< Under way to database servers.
    RedisDirectory redis;
    pool::Budget redis_clients;
    /// Sends it on the control connection of that database section. `done` is told the reply on
    /// some thread, or nothing when the connection is lost. Set by App before the first worker.
    std::function<void(const std::string& database, RedisOrder order,
                       std::function<void(std::string reply)> done)>
        order_redis;
    const CancelKeys cancel_keys;
    ClientBudgets user_clients;
    ClientBudgets database_clients;
    NotifySenders notify_senders;
    SchemaClocks schema_clocks;
    std::atomic<std::uint32_t> listening_clients{0};  ///< Of all workers.
    std::vector<std::unique_ptr<Worker>> workers;
    std::atomic<std::uint64_t> next_id{1};  ///< Of clients and backends, for logs and SHOW.
    std::atomic<unsigned> next_home{0};     ///< Where the next one-shard pool lives.
    std::chrono::system_clock::time_point started = std::chrono::system_clock::now();

    [[nodiscard]] std::shared_ptr<const Configuration> configuration() const;
    /// Takes over other settings: for new logins at once, for the pools they change by retiring
    /// them, so that clients already there end as they began. What next_start_keys() names stays
    /// as it is.
    /// `done` is called, on some thread, when whoever logs in from then on meets the new ones.
    void reconfigure(const config::Settings& settings, const std::function<void()>& done);

    /// Nobody uses this pool, and nobody need find it as it is: frees all that it has.
    void forget_pool(const std::shared_ptr<pool::PoolEntry>& entry);

    /// Asks every worker, then calls `done` on some thread. Never blocks.
    void gather(SnapshotDetail detail, std::function<void(Snapshot)> done);

    /// Somebody wants this database of this pool's hosts for itself: no pool of the same server
    /// user keeps idle backends of it, and those in use are closed when they are given back.
    void free_database(const config::PoolSettings& asker, const std::string& dbname);

  private:
    void recycle(const std::shared_ptr<pool::PoolEntry>& entry);
    void retire_changed_pools(const config::Settings& settings);

    mutable std::mutex configuration_mutex_;
    const Authenticator::MockSecret mock_secret_;
    std::shared_ptr<const Configuration> configuration_;
};

}  // namespace sluice::server
