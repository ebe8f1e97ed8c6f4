#pragma once

#include "pool/actions.hpp"
#include "pool/backend.hpp"
#include "pool/limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::pool {

/// What happened at one shard since it began. Plain integers, only ever growing; summing those of
/// all shards gives the pool's.
struct Counters {
    std::uint64_t acquires = 0;
    std::uint64_t grants_at_once = 0;
    std::uint64_t grants_after_wait = 0;
    std::chrono::nanoseconds wait_time{0};  ///< Of the grants after a wait.
    std::uint64_t abandons = 0;             ///< Waiters that left by themselves.
    std::array<std::uint64_t, refused_count> refusals{};
    std::uint64_t opens = 0;
    std::uint64_t open_failures = 0;
    std::uint64_t open_shortages = 0;  ///< Opens not begun, for want of our own.
    std::array<std::uint64_t, close_reason_count> closes{};
    std::uint64_t resets = 0;
    std::uint64_t checks = 0;
    std::uint64_t sends = 0;

    Counters& operator+=(const Counters& other) noexcept;
};

/// A snapshot of one shard, or the sum over a pool's shards.
struct Stats {
    std::array<std::uint32_t, Backend::state_count> backends{};  ///< By Backend::State.
    std::uint32_t opens_ordered = 0;  ///< Open actions not answered by opening() yet.
    std::size_t waiters = 0;
    std::chrono::nanoseconds oldest_wait{0};  ///< Of the waiter in front; zero without one.
    Limits limits;
    Counters counters;

    [[nodiscard]] std::uint32_t in_state(Backend::State state) const noexcept {
        return backends[static_cast<std::size_t>(state)];
    }
    /// Adds another shard of the same pool; the oldest wait of both counts.
    Stats& operator+=(const Stats& other) noexcept;
};

}  // namespace sluice::pool
