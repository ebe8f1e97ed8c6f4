// What the pool itself costs: a lease from asking to giving back, without any socket.

#include "pool/shard.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <tuple>
#include <variant>

namespace {

namespace pool = sluice::pool;

/// One shard with all its backends open and idle. Its clock stands.
class Rig {
  public:
    explicit Rig(std::size_t backend_count)
        : budget_(static_cast<std::uint32_t>(backend_count)),
          shared_(pool::PermitChain(&budget_, nullptr, nullptr, nullptr), 1, limits(backend_count)),
          shard(shared_, 0, limits(backend_count), 7) {
        std::deque<pool::Waiter> waiters(backend_count);
        for (pool::Waiter& waiter : waiters) {
            std::ignore = shard.acquire(waiter, now);
            perform();
        }
        for (pool::Backend& backend : backends_)
            shard.release(backend, pool::Outcome::clean, now);
    }
    ~Rig() {
        shard.drain(now);
        perform();
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    /// Carries out what is ordered.
    void perform() {
        while (const auto action = shard.next_action())
            std::visit([this](const auto& order) { carry_out(order); }, *action);
    }

    pool::Backend* granted = nullptr;  ///< By the latest Grant.

  private:
    static pool::Limits limits(std::size_t backend_count) {
        pool::Limits limits;
        limits.pool_size = static_cast<std::uint32_t>(backend_count);
        return limits;
    }

    void carry_out(const pool::Open&) {
        pool::Backend& backend = backends_.emplace_back();
        shard.opening(backend, now);
        shard.opened(backend, now);
    }
    void carry_out(const pool::Grant& grant) { granted = grant.backend; }
    void carry_out(const pool::Close& close) { shard.closed(*close.backend, now); }
    void carry_out(const auto&) {}

    pool::Budget budget_;
    pool::PoolShared shared_;
    std::deque<pool::Backend> backends_;

  public:
    const pool::TimePoint now{std::chrono::hours(1)};
    pool::Shard shard;
};

/// A backend is idle when it is asked for.
void lease(benchmark::State& state) {
    Rig rig(static_cast<std::size_t>(state.range(0)));
    pool::Waiter waiter;
    for (auto _ : state) {
        const auto acquired = rig.shard.acquire(waiter, rig.now);
        rig.perform();
        rig.shard.release(*acquired.backend, pool::Outcome::clean, rig.now);
        rig.perform();
    }
}
BENCHMARK(lease)->Arg(1)->Arg(10)->Arg(1000);

/// So many are in line: each round one joins it, and the one backend goes to who is in front.
void lease_behind_others(benchmark::State& state) {
    Rig rig(1);
    std::deque<pool::Waiter> line(static_cast<std::size_t>(state.range(0)));
    pool::Waiter first;
    pool::Backend* leased = rig.shard.acquire(first, rig.now).backend;
    for (pool::Waiter& waiter : line)
        std::ignore = rig.shard.acquire(waiter, rig.now);
    std::size_t front = 0;
    for (auto _ : state) {
        rig.shard.release(*leased, pool::Outcome::clean, rig.now);
        rig.perform();
        leased = rig.granted;
        std::ignore = rig.shard.acquire(line[front], rig.now);
        rig.perform();
        front = (front + 1) % line.size();
    }
    for (pool::Waiter& waiter : line)
        rig.shard.abandon(waiter, rig.now);
    rig.shard.release(*leased, pool::Outcome::clean, rig.now);
    rig.perform();
}
BENCHMARK(lease_behind_others)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
