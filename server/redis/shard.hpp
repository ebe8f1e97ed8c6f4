#pragma once

#include "pool/permit_chain.hpp"
#include "pool/registry.hpp"
#include "pool/shard.hpp"

#include "server/net/timer_wheel.hpp"
#include "server/redis/backend.hpp"
#include "server/redis/pool.hpp"
#include "server/snapshot.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::server {

class RedisClient;
class RedisSubscriber;
struct Shared;
class Worker;

/// One worker's part of the backends of one key: performs what the engine's shard orders for pinned
/// ones, and keeps the few shared ones itself, since those are not leased.
///
/// Both kinds take their permits from the same budget, so the bound of one Redis is one number. A
/// shared backend that nobody has a request on is closed when somebody wants its permit.
///
/// Owned by its worker's RedisSide. Confined to: its worker.
class RedisShard final : private net::Timer {
  public:
    RedisShard(Worker& worker, std::shared_ptr<pool::PoolEntry> entry, RedisCounters& counts);
    ~RedisShard() override;

    [[nodiscard]] pool::Shard& engine() noexcept { return engine_; }
    void perform_orders();
    /// While one lives nothing is ordered, so that no backend leaves for another worker under the
    /// hands of who is in the middle of its bytes. The outermost performs what has come together.
    class OrdersHeld {
      public:
        explicit OrdersHeld(RedisShard& shard) noexcept
            : shard_(shard), outermost_(!std::exchange(shard.performing_, true)) {}
        ~OrdersHeld() {
            if (!outermost_) return;
            shard_.performing_ = false;
            shard_.perform_orders();
        }
        OrdersHeld(const OrdersHeld&) = delete;
        OrdersHeld& operator=(const OrdersHeld&) = delete;

      private:
        RedisShard& shard_;
        const bool outermost_;
    };

    [[nodiscard]] Worker& worker() const noexcept { return worker_; }
    [[nodiscard]] RedisPool& pool() const noexcept { return pool_; }
    [[nodiscard]] const std::shared_ptr<pool::PoolEntry>& entry() const noexcept { return entry_; }
    [[nodiscard]] const config::Redis& settings() const noexcept;
    [[nodiscard]] const std::vector<std::unique_ptr<RedisBackend>>& backends() const noexcept {
        return backends_;
    }
    [[nodiscard]] RedisBackend* find_backend(std::uint64_t id) noexcept;

    /// A shared backend for this client, or null: then the client waits until it is told
    /// link_ready() or refused. `refusal` says why it cannot even wait.
    enum class Link : std::uint8_t { ready, waits, refused };
    [[nodiscard]] Link join(RedisClient& client, RedisBackend::Lane lane);
    /// That backend's server takes no writes any more: where its name leads to now is looked up
    /// anew, by others in its stead.
    void doubt(RedisBackend& backend);
    /// The client waits until a pin for its reason may be had.
    void await_turn(RedisClient& client) { turns_.push_back(&client); }
    /// The client needs none any more, whether it had one or waited.
    void leave(RedisClient& client) noexcept;

    /// Opens the backend of this subscriber, if there is a permit; else it is woken.
    void open_subscriber(RedisSubscriber& subscriber);

    // Told by a backend.
    void opened(RedisBackend& backend);
    void open_failed(RedisBackend& backend, pool::OpenFailure failure);
    void closed(RedisBackend& backend);
    void lost(RedisBackend& backend);

    /// A backend that is not leased has nothing to do: it goes when another kind wants its permit.
    void yield() {
        if (link_permits_.shared_wanted()) close_idle_link();
    }
    /// Somebody who counts against the same bound wants a permit, or one has become free.
    void make_room();
    void wake();
    void close_all();
    [[nodiscard]] bool is_deserted() const noexcept;

    RedisCounters* const counters;  ///< Of its database on this worker; outlives the shard.
    std::uint32_t clients_entered = 0;

  private:
    void expired(net::TimePoint now) override;
    void perform(const pool::Action& action);
    void open_pinned();
    void open_link(RedisBackend::Lane lane = RedisBackend::Lane::quick);
    [[nodiscard]] RedisBackend* best_link(RedisBackend::Lane lane) const noexcept;
    /// Of a lane, ready or opening, those that are to go left out.
    [[nodiscard]] std::size_t link_count(RedisBackend::Lane lane) const noexcept;
    [[nodiscard]] bool may_open(RedisBackend::Lane lane, std::size_t count_max) const noexcept;
    [[nodiscard]] RedisBackend* slow_link();
    [[nodiscard]] bool try_link_permit();
    [[nodiscard]] bool take_link_permit(pool::Budget::Hunger hunger);
    void close_idle_link();
    void give_link_permit_back();
    void serve_waiting();
    void refuse_waiting();
    void serve_turns();
    void send(RedisBackend& backend, unsigned shard);
    void bury(RedisBackend& backend);
    void arm();

    Worker& worker_;
    const std::shared_ptr<pool::PoolEntry> entry_;
    RedisPool& pool_;
    pool::PermitChain link_permits_;
    pool::Shard engine_;
    std::vector<std::unique_ptr<RedisBackend>> backends_;
    std::vector<RedisBackend*> links_;   ///< The shared ones, ready or opening.
    std::vector<RedisClient*> waiting_;  ///< For a link, in order of arrival.
    std::vector<RedisClient*> turns_;    ///< For a permit of their pins' reasons, likewise.
    net::TimePoint doubted_until_{};     ///< After a doubt, none for a while.
    net::TimePoint links_held_until_{};  ///< After a failed connect.
    bool performing_ = false;
};

/// Tells the Redis shards of all workers that a permit is wanted, or has become free.
void wake_redis(Shared& shared, bool wants_room);

}  // namespace sluice::server
