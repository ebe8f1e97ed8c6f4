#pragma once

#include "protocol/pg/statement_passage.hpp"

#include "pool/registry.hpp"
#include "pool/shard.hpp"

#include "server/net/timer_wheel.hpp"
#include "server/pg/pool.hpp"
#include "server/pg/setting_memo.hpp"
#include "server/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::server {

class PgBackend;
class PgClient;
class Worker;

/// One worker's shard of one PostgreSQL pool: performs what the engine's shard orders, owns the
/// backends and counts what passes.
///
/// After every call into `engine()` the caller runs `perform_orders()`, at a moment at which any
/// of its clients may begin or end a lease.
///
/// Owned by its worker. Confined to: its worker.
class PgShard final : private net::Timer {
  public:
    PgShard(Worker& worker, std::shared_ptr<pool::PoolEntry> entry, unsigned index);
    ~PgShard() override;

    [[nodiscard]] pool::Shard& engine() noexcept { return engine_; }
    void perform_orders();

    [[nodiscard]] PgPool& pool() noexcept { return pool_; }
    [[nodiscard]] const std::shared_ptr<pool::PoolEntry>& entry() const noexcept { return entry_; }
    [[nodiscard]] const config::PoolSettings& settings() const noexcept { return pool_.settings(); }
    [[nodiscard]] Worker& worker() const noexcept { return worker_; }
    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] bool has_timeouts() const noexcept { return has_timeouts_; }
    /// Backends change hands at the end of a transaction, so statements are the clients' own.
    [[nodiscard]] bool shares_backends() const noexcept {
        return settings().pool_mode != config::PoolMode::session;
    }
    [[nodiscard]] pg::StatementDesk& statements() noexcept {
        statements_.generation = pool_.schema().now();
        statements_.heard = anybody_listens();
        return statements_;
    }
    /// A client has changed some definition: on all workers what was prepared may be outdated.
    void schema_changed(pg::SchemaChange change) noexcept { pool_.schema().advance(change); }
    void count_hold(Hold hold, std::chrono::nanoseconds time) noexcept {
        counters.held[static_cast<std::size_t>(hold)] += time;
    }
    [[nodiscard]] SettingMemo& setting_memo() noexcept { return setting_memo_; }
    /// BEGIN takes no backend before the first statement of its block.
    [[nodiscard]] bool defers_begin() const noexcept {
        return settings().deferred_begin && settings().pool_mode == config::PoolMode::transaction;
    }
    /// Backends are asked after each transaction what was left in them.
    [[nodiscard]] bool probes_always() const noexcept {
        return statements_.policy.session.probe == pg::Probe::always && shares_backends();
    }
    /// Taken from or given to another worker's shard, while it travels.
    [[nodiscard]] std::unique_ptr<PgBackend> part_with(PgBackend& backend);
    void welcome(std::unique_ptr<PgBackend> backend);
    /// Null when it is gone or has moved away.
    [[nodiscard]] PgBackend* find_backend(std::uint64_t id) noexcept;
    /// The backend has left the books: destroys it.
    void bury(PgBackend& backend);
    [[nodiscard]] const std::vector<std::unique_ptr<PgBackend>>& backends() const noexcept {
        return backends_;
    }

    PoolCounters counters;
    std::uint32_t clients_idle = 0;
    std::uint32_t clients_waiting = 0;
    std::uint32_t clients_active = 0;
    std::uint32_t clients_pinned = 0;   ///< Of those, for a reason other than session mode.
    std::uint64_t spool_bytes = 0;      ///< Held for clients whose backend has been given back.
    std::uint32_t clients_entered = 0;  ///< All that hold a place here, in whatever phase.

    [[nodiscard]] PoolSnapshot snapshot() const;
    void append_rows(std::vector<BackendRow>& rows) const;
    /// No client and no backend: may be destroyed when its pool is retired.
    [[nodiscard]] bool is_deserted() const noexcept;
    /// The process ends: closes every backend, whatever it does.
    void close_all();

  private:
    void expired(net::TimePoint now) override;
    [[nodiscard]] bool anybody_listens() const noexcept;
    void perform_all();
    void perform(const pool::Action& action);
    void open(std::uint32_t affinity);
    void send(PgBackend& backend, unsigned shard);
    void arm();

    Worker& worker_;
    const std::shared_ptr<pool::PoolEntry> entry_;
    PgPool& pool_;
    const unsigned index_;
    const bool has_timeouts_;
    bool performing_ = false;
    pg::StatementDesk statements_;
    SettingMemo setting_memo_;
    pool::Shard engine_;
    std::vector<std::unique_ptr<PgBackend>> backends_;
};

}  // namespace sluice::server
