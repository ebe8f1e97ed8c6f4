#include "pool/budget.hpp"

#include "protocol/assert.hpp"

#include <algorithm>
#include <limits>

namespace sluice::pool {

std::uint64_t Budget::bound(std::uint32_t extra) const noexcept {
    const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    return limit == 0 ? std::numeric_limits<std::uint32_t>::max() : limit + extra;
}

bool Budget::try_take_below(std::uint64_t bound) noexcept {
    std::uint32_t used = used_.load(std::memory_order_seq_cst);
    while (used < bound) {
        if (used_.compare_exchange_weak(used, used + 1, std::memory_order_seq_cst)) return true;
    }
    return false;
}

bool Budget::try_take(std::uint32_t extra) noexcept {
    return try_take_below(bound(extra));
}

bool Budget::try_take_within(std::uint32_t cap) noexcept {
    return try_take_below(cap == 0 ? bound(0) : std::min<std::uint64_t>(cap, bound(0)));
}

bool Budget::has_room(std::uint32_t extra) const noexcept {
    return used() < bound(extra);
}

bool Budget::give_back() noexcept {
    const std::uint32_t before = used_.fetch_sub(1, std::memory_order_seq_cst);
    SLUICE_ASSERT(before > 0);
    // The load keeps the line shared when nobody wants anything, which is nearly always.
    if (want_.load(std::memory_order_seq_cst) == Want::none) return false;
    starving_.store(false, std::memory_order_relaxed);
    return want_.exchange(Want::none, std::memory_order_seq_cst) != Want::none;
}

bool Budget::want(Hunger hunger) noexcept {
    if (hunger == Hunger::starving) starving_.store(true, std::memory_order_relaxed);
    if (want_.load(std::memory_order_seq_cst) != Want::none) return false;
    Want none = Want::none;
    return want_.compare_exchange_strong(none, Want::open, std::memory_order_seq_cst);
}

bool Budget::claim_want() noexcept {
    Want open = Want::open;
    return want_.compare_exchange_strong(open, Want::claimed, std::memory_order_seq_cst);
}

}  // namespace sluice::pool
