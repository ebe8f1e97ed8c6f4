#pragma once

#include "pool/budget.hpp"
#include "pool/connect_backoff.hpp"
#include "pool/limits.hpp"
#include "pool/permit_chain.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace sluice::pool {

/// A newcomer may pass waiters of other shards that came this much earlier, and not more.
inline constexpr std::chrono::milliseconds passing_tolerance{5};

inline constexpr unsigned shard_count_max = 64;

/// How many shards a pool gets: one for every eight backends, at most one a worker. A pool
/// without a limit is taken for a large one.
[[nodiscard]] unsigned shard_count_for(std::uint32_t pool_size, unsigned workers) noexcept;

/// What the shards of one pool know of each other: atomics, nothing else. With one shard none of
/// the publishing is used.
///
/// Who waits and who has something idle are two statements about two places, so each side writes
/// its own before it reads the other's, in one total order. Then a waiter and an idle backend
/// cannot miss each other: at least one side sees the other and sends a Wake or the backend.
class PoolShared {
  public:
    PoolShared(PermitChain chain, unsigned shard_count, const Limits& limits);
    PoolShared(const PoolShared&) = delete;
    PoolShared& operator=(const PoolShared&) = delete;
    ~PoolShared();

    [[nodiscard]] unsigned shard_count() const noexcept { return shard_count_; }
    [[nodiscard]] PermitChain& permits() noexcept { return permits_; }
    /// Backends connecting at this moment.
    [[nodiscard]] Budget& connects() noexcept { return connects_; }
    /// Clients in line. Counted only when there is a limit.
    [[nodiscard]] Budget& line() noexcept { return line_; }
    [[nodiscard]] ConnectBackoff& backoff() noexcept { return backoff_; }

    /// Takes over changed limits; the shards are told by Shard::set_limits().
    void set_limits(const Limits& limits) noexcept;

    /// Backends from Open to the decision to close. Minimum and maximum are counted in these, and
    /// a place is claimed before anything is done about it, so that two shards never both close
    /// the last backend that may go, nor both open the first that is missing.
    [[nodiscard]] std::uint32_t live() const noexcept {
        return live_.load(std::memory_order_seq_cst);
    }
    void enter() noexcept { live_.fetch_add(1, std::memory_order_seq_cst); }
    void leave() noexcept;
    [[nodiscard]] bool enter_if_below(std::uint32_t count) noexcept;
    [[nodiscard]] bool leave_if_above(std::uint32_t count) noexcept;

    /// True once in `gap`: paces the retirement of backends that are all of one age.
    [[nodiscard]] bool claim_retirement(TimePoint now, TimePoint::duration gap) noexcept;

    /// What a shard says of itself. `waiters` without `oldest` is zero.
    struct Published {
        std::uint32_t waiters = 0;
        std::uint32_t idle = 0;
        TimePoint oldest = TimePoint::max();
        bool operator==(const Published&) const = default;
    };
    void publish(unsigned shard, const Published& before, const Published& after) noexcept;

    /// Shards other than this one with waiters.
    [[nodiscard]] std::uint64_t hungry_besides(unsigned shard) const noexcept {
        return hungry_.load(std::memory_order_seq_cst) & ~(std::uint64_t{1} << shard);
    }
    /// Shards other than this one with something idle.
    [[nodiscard]] std::uint64_t idle_besides(unsigned shard) const noexcept;
    /// How many that is.
    [[nodiscard]] std::size_t idle_count_besides(unsigned shard) const noexcept;

    /// The shard with the oldest waiter that no backend is travelling to yet, if that waiter has
    /// a claim before one that came at `own_oldest`; TimePoint::max() stands for nobody. The
    /// backend counts as travelling to it from now on.
    [[nodiscard]] std::optional<unsigned> claim_hungrier(unsigned shard,
                                                         TimePoint own_oldest) noexcept;
    /// True when claim_hungrier() would probably find one. Claims nothing.
    [[nodiscard]] bool any_hungrier(unsigned shard, TimePoint own_oldest) const noexcept;
    void travel_ended(unsigned shard) noexcept;
    [[nodiscard]] std::uint32_t travelling_to(unsigned shard) const noexcept {
        return slots_[shard].travelling.load(std::memory_order_seq_cst);
    }

  private:
    /// Written by its shard, except `travelling`, which the senders raise.
    struct alignas(64) Slot {
        std::atomic<TimePoint::rep> oldest{0};
        std::atomic<std::uint32_t> waiters{0};
        std::atomic<std::uint32_t> idle{0};
        std::atomic<std::uint32_t> travelling{0};
    };
    [[nodiscard]] std::optional<unsigned> hungriest(std::uint64_t mask,
                                                    TimePoint own_oldest) const noexcept;

    alignas(64) std::atomic<std::uint64_t> hungry_{0};  // One bit a shard.
    alignas(64) std::atomic<std::uint32_t> live_{0};
    std::atomic<TimePoint::rep> retired_at_{TimePoint::min().time_since_epoch().count()};
    ConnectBackoff backoff_;
    Budget connects_;
    Budget line_;
    PermitChain permits_;
    unsigned shard_count_;
    std::unique_ptr<Slot[]> slots_;
};

}  // namespace sluice::pool
