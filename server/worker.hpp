#pragma once

#include "pool/registry.hpp"

#include "server/listener.hpp"
#include "server/net/engine.hpp"
#include "server/pg/channel_board.hpp"
#include "server/pg/idle_pools.hpp"
#include "server/shared.hpp"
#include "server/snapshot.hpp"
#include "server/sql/statement_memo.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::server {

class CancelCall;
class PeerCancels;
class PgClient;
class PgOpening;
class PgShard;
class RedisSide;

/// One thread with its engine, its listeners, its clients and its shards of the pools.
///
/// Owned by Shared. Confined to: its own thread, except for post(), start(), stop() and join().
class Worker {
  public:
    Worker(Shared& shared, unsigned index, std::unique_ptr<net::Engine> engine);
    ~Worker();

    void start();
    void stop() noexcept;
    void join();
    /// After join(), while the other workers still exist: every client leaves and every backend is
    /// closed. What that posts to other workers, their run_posted() carries out.
    void shut();
    void post(net::Engine::Task task) { engine_->post(std::move(task)); }

    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] Shared& shared() noexcept { return shared_; }
    [[nodiscard]] net::Engine& engine() noexcept { return *engine_; }
    [[nodiscard]] const config::Postgres& settings() const noexcept {
        return configuration_->settings.postgres;
    }
    [[nodiscard]] const Configuration& configuration() const noexcept { return *configuration_; }
    void reconfigure(std::shared_ptr<const Configuration> configuration);
    [[nodiscard]] std::uint64_t next_id() noexcept {
        return shared_.next_id.fetch_add(1, std::memory_order_relaxed);
    }

    void listen(ListeningSocket socket, Side side);
    void stop_listening();
    void accepted(int fd, const net::SocketAddress& peer, Side side = Side::postgres);
    [[nodiscard]] RedisSide& redis() noexcept { return *redis_; }
    /// Takes in a client that logged in elsewhere and belongs to a shard of this worker. Null when
    /// this worker has shut: the client has left then.
    PgClient* adopt(std::unique_ptr<PgClient> client);
    [[nodiscard]] std::unique_ptr<PgClient> part_with(PgClient& client);
    /// Null when that client is gone or has moved away.
    [[nodiscard]] PgClient* find_client(std::uint32_t slot, std::uint64_t id) noexcept;
    /// The client has left: destroys it at the end of the turn.
    void dismiss(PgClient& client);

    [[nodiscard]] PgShard& shard_of(const std::shared_ptr<pool::PoolEntry>& entry);
    [[nodiscard]] PgShard* find_shard(const pool::PoolEntry* entry) noexcept;
    /// The shard of a retired pool has been left by everybody: frees it in a later turn, unless
    /// somebody has come meanwhile. What it has counted stays.
    void free_shard(const std::shared_ptr<pool::PoolEntry>& entry);
    /// The pool was retired for good: its shard here ends with its last client, and what has been
    /// counted under its name goes with it.
    void pool_forgotten(const std::shared_ptr<pool::PoolEntry>& entry);
    /// Those that no client uses, to be forgotten in time.
    [[nodiscard]] IdlePools& idle_pools() noexcept { return idle_pools_; }

    /// What SQL texts do, for all its shards.
    [[nodiscard]] pg::StatementReader& statement_reader() noexcept { return statement_memo_; }

    /// Cryptographic random bytes, at most 64 a call.
    void fill_random(std::span<std::byte> out);
    /// A cancel key of our own making, for a client of this worker.
    void give_cancel_key(PgClient& client, CancelKeyForm form);
    /// Runs `done` when the client with this key, on whichever worker, has been dealt with.
    void cancel(std::uint32_t process_id, wire::Bytes key, std::function<void()> done);
    /// Another worker asks. True when the key is one of ours.
    bool cancel_here(std::uint32_t process_id, wire::Bytes key, const std::function<void()>& done);

    /// Which of its clients listen to what, and the connections that listen for all workers.
    [[nodiscard]] ChannelBoard& channels() noexcept { return channels_; }
    [[nodiscard]] ListeningBackends& listening_backends() noexcept { return *listening_backends_; }
    /// Connections being opened, for answers of other threads to find them while they are there.
    void opening_begins(std::uint64_t id, PgOpening& opening) { openings_[id] = &opening; }
    void opening_ends(std::uint64_t id) noexcept { openings_.erase(id); }
    [[nodiscard]] PgOpening* find_opening(std::uint64_t id) noexcept {
        const auto at = openings_.find(id);
        return at == openings_.end() ? nullptr : at->second;
    }

    void track(std::unique_ptr<CancelCall> call);
    void forget(CancelCall& call);
    [[nodiscard]] std::size_t cancel_calls() const noexcept { return cancel_calls_.size(); }
    /// Cancels on their way to other instances.
    [[nodiscard]] PeerCancels& peer_cancels() noexcept { return *peer_cancels_; }

    /// Shutdown: clients that hold nothing leave now, the others when their transaction ends.
    void drain();
    [[nodiscard]] bool draining() const noexcept { return phase_ != Phase::serving; }
    [[nodiscard]] std::size_t client_count() const noexcept;
    /// Every client leaves now.
    void dismiss_all();

    [[nodiscard]] WorkerSnapshot snapshot(SnapshotDetail detail);
    void for_each_shard(const std::function<void(PgShard&)>& visit);

    WorkerCounters counters;
    /// Clients in these phases; the others are counted by their shard.
    struct ClientCounts {
        std::uint32_t login = 0;
        std::uint32_t console = 0;
        std::uint32_t replicating = 0;
    };
    ClientCounts client_counts;
    /// For the relay, to put together what leaves in one send. Empty between two departures.
    std::string room_to_backend;
    std::string room_to_client;

  private:
    enum class Phase : std::uint8_t { serving, draining, shut };
    using PoolName = std::pair<std::string, std::string>;  ///< Database and user.

    void place(std::unique_ptr<PgClient> client);
    [[nodiscard]] ClientRow row_of(const PgClient& client);

    Shared& shared_;
    std::shared_ptr<const Configuration> configuration_;
    const unsigned index_;
    std::unordered_map<std::uint64_t, PgOpening*> openings_;  ///< Before what may hold the last.
    std::unique_ptr<net::Engine> engine_;
    sql::StatementMemo statement_memo_;
    ChannelBoard channels_{*this};
    IdlePools idle_pools_{*this};
    std::unique_ptr<ListeningBackends> listening_backends_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<PgClient>> clients_;  ///< By slot; null where one is free.
    std::vector<std::uint32_t> free_slots_;
    std::size_t client_count_ = 0;
    std::unordered_map<const pool::PoolEntry*, std::unique_ptr<PgShard>> shards_;
    std::map<PoolName, PoolSnapshot> departed_;  ///< Of freed shards: their counters alone matter.
    std::unique_ptr<RedisSide> redis_;
    std::vector<std::unique_ptr<CancelCall>> cancel_calls_;
    std::unique_ptr<PeerCancels> peer_cancels_;
    std::array<std::byte, 512>
        random_{};  ///< Fetched from the generator in one go, used up in order.
    std::size_t random_used_ = 512;
    std::thread thread_;
    Phase phase_ = Phase::serving;
};

}  // namespace sluice::server
