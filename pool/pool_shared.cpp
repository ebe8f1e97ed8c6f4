#include "pool/pool_shared.hpp"

#include "protocol/assert.hpp"

#include <algorithm>
#include <bit>

namespace sluice::pool {
namespace {

TimePoint::rep ticks(TimePoint time) noexcept {
    return time.time_since_epoch().count();
}

}  // namespace

unsigned shard_count_for(std::uint32_t pool_size, unsigned workers) noexcept {
    const unsigned most = std::clamp(workers, 1U, shard_count_max);
    return pool_size == 0 ? most : std::clamp(pool_size / 8, 1U, most);
}

PoolShared::PoolShared(PermitChain chain, unsigned shard_count, const Limits& limits)
    : connects_(limits.max_connects),
      line_(limits.max_waiters),
      permits_(chain),
      shard_count_(shard_count),
      slots_(std::make_unique<Slot[]>(shard_count)) {
    SLUICE_ASSERT(shard_count >= 1 && shard_count <= shard_count_max);
    permits_.at(PermitChain::own).set_limit(limits.pool_size);
    permits_.at(PermitChain::own).join();
}

PoolShared::~PoolShared() {
    permits_.at(PermitChain::own).leave();
}

void PoolShared::set_limits(const Limits& limits) noexcept {
    connects_.set_limit(limits.max_connects);
    line_.set_limit(limits.max_waiters);
    permits_.at(PermitChain::own).set_limit(limits.pool_size);
}

void PoolShared::leave() noexcept {
    const std::uint32_t before = live_.fetch_sub(1, std::memory_order_seq_cst);
    SLUICE_ASSERT(before > 0);
}

bool PoolShared::enter_if_below(std::uint32_t count) noexcept {
    std::uint32_t live = live_.load(std::memory_order_seq_cst);
    while (live < count) {
        if (live_.compare_exchange_weak(live, live + 1, std::memory_order_seq_cst)) return true;
    }
    return false;
}

bool PoolShared::leave_if_above(std::uint32_t count) noexcept {
    std::uint32_t live = live_.load(std::memory_order_seq_cst);
    while (live > count) {
        if (live_.compare_exchange_weak(live, live - 1, std::memory_order_seq_cst)) return true;
    }
    return false;
}

bool PoolShared::claim_retirement(TimePoint now, TimePoint::duration gap) noexcept {
    TimePoint::rep last = retired_at_.load(std::memory_order_relaxed);
    const TimePoint::rep earliest = ticks(now - gap);
    return last <= earliest &&
           retired_at_.compare_exchange_strong(last, ticks(now), std::memory_order_relaxed);
}

void PoolShared::publish(unsigned shard, const Published& before, const Published& after) noexcept {
    Slot& slot = slots_[shard];
    if (before.oldest != after.oldest) {
        slot.oldest.store(ticks(after.oldest), std::memory_order_seq_cst);
    }
    if (before.waiters != after.waiters) {
        slot.waiters.store(after.waiters, std::memory_order_seq_cst);
    }
    const std::uint64_t bit = std::uint64_t{1} << shard;
    if (before.waiters == 0 && after.waiters != 0) {
        hungry_.fetch_or(bit, std::memory_order_seq_cst);
    } else if (before.waiters != 0 && after.waiters == 0) {
        hungry_.fetch_and(~bit, std::memory_order_seq_cst);
    }
    if (before.idle != after.idle) slot.idle.store(after.idle, std::memory_order_seq_cst);
}

std::uint64_t PoolShared::idle_besides(unsigned shard) const noexcept {
    std::uint64_t mask = 0;
    for (unsigned other = 0; other < shard_count_; ++other) {
        if (other != shard && slots_[other].idle.load(std::memory_order_seq_cst) != 0) {
            mask |= std::uint64_t{1} << other;
        }
    }
    return mask;
}

std::size_t PoolShared::idle_count_besides(unsigned shard) const noexcept {
    std::size_t count = 0;
    for (unsigned other = 0; other < shard_count_; ++other) {
        if (other != shard) count += slots_[other].idle.load(std::memory_order_seq_cst);
    }
    return count;
}

std::optional<unsigned> PoolShared::hungriest(std::uint64_t mask,
                                              TimePoint own_oldest) const noexcept {
    std::optional<unsigned> best;
    // Nobody of one's own gives every waiter elsewhere the better claim.
    TimePoint::rep best_oldest = own_oldest == TimePoint::max()
                                     ? ticks(TimePoint::max())
                                     : ticks(own_oldest - passing_tolerance);
    for (; mask != 0; mask &= mask - 1) {
        const auto shard = static_cast<unsigned>(std::countr_zero(mask));
        const Slot& slot = slots_[shard];
        const TimePoint::rep oldest = slot.oldest.load(std::memory_order_seq_cst);
        if (oldest < best_oldest && slot.travelling.load(std::memory_order_seq_cst) <
                                        slot.waiters.load(std::memory_order_seq_cst)) {
            best = shard;
            best_oldest = oldest;
        }
    }
    return best;
}

std::optional<unsigned> PoolShared::claim_hungrier(unsigned shard, TimePoint own_oldest) noexcept {
    while (true) {
        const std::uint64_t mask = hungry_besides(shard);
        if (mask == 0) return std::nullopt;
        const std::optional<unsigned> best = hungriest(mask, own_oldest);
        if (!best) return std::nullopt;
        Slot& slot = slots_[*best];
        // Never more on their way than there are waiters, not even for a moment: another sender
        // would take the surplus for real and keep its own backend.
        std::uint32_t travelling = slot.travelling.load(std::memory_order_seq_cst);
        while (travelling < slot.waiters.load(std::memory_order_seq_cst)) {
            if (slot.travelling.compare_exchange_weak(travelling, travelling + 1,
                                                      std::memory_order_seq_cst)) {
                return best;
            }
        }
    }
}

bool PoolShared::any_hungrier(unsigned shard, TimePoint own_oldest) const noexcept {
    const std::uint64_t mask = hungry_besides(shard);
    return mask != 0 && hungriest(mask, own_oldest).has_value();
}

void PoolShared::travel_ended(unsigned shard) noexcept {
    const std::uint32_t before = slots_[shard].travelling.fetch_sub(1, std::memory_order_seq_cst);
    SLUICE_ASSERT(before > 0);
}

}  // namespace sluice::pool
