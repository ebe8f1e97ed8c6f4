#include "server/redis/memory_gate.hpp"

#include <algorithm>
#include <array>

namespace sluice::server {

// Everything here is a hint that grows old within a quarter of a second, so no order between the
// atomics is needed: whoever sees half of a change sends one command more or answers one more.

void MemoryGate::enable(bool enabled) noexcept {
    enabled_.store(enabled, std::memory_order_relaxed);
    if (!enabled) state_.store(State::closed, std::memory_order_relaxed);
}

MemoryGate::Ticks MemoryGate::next_hold() noexcept {
    const std::uint64_t number =
        openings_.load(std::memory_order_relaxed) + probes_.load(std::memory_order_relaxed);
    // Knuth's multiplicative hash: spread evenly, and no generator to share.
    const std::uint64_t spread = (number * 0x9E37'79B9'7F4A'7C15ULL) >> 32U;
    const auto range = static_cast<std::uint64_t>(ticks(hold_max) - ticks(hold_min));
    return ticks(hold_min) + static_cast<Ticks>(spread * range >> 32U);
}

void MemoryGate::open(net::TimePoint now) noexcept {
    State closed = State::closed;
    hold_until_.store(ticks(now) + next_hold(), std::memory_order_relaxed);
    tried_at_.store(ticks(now), std::memory_order_relaxed);
    if (state_.compare_exchange_strong(closed, State::open, std::memory_order_relaxed)) {
        openings_.fetch_add(1, std::memory_order_relaxed);
    }
    // Switched off meanwhile, by the thread that reads the settings.
    if (!enabled_.load(std::memory_order_relaxed)) {
        state_.store(State::closed, std::memory_order_relaxed);
    }
}

bool MemoryGate::claim_probe(net::TimePoint now) noexcept {
    if (closed()) return false;
    Ticks until = hold_until_.load(std::memory_order_relaxed);
    if (ticks(now) < until) return false;
    // The next one follows after another hold, whatever becomes of this one.
    if (!hold_until_.compare_exchange_strong(until, ticks(now) + next_hold(),
                                             std::memory_order_relaxed)) {
        return false;
    }
    tried_at_.store(ticks(now), std::memory_order_relaxed);
    probes_.fetch_add(1, std::memory_order_relaxed);
    State open = State::open;
    state_.compare_exchange_strong(open, State::half_open, std::memory_order_relaxed);
    return true;
}

void MemoryGate::probe_answered(ProbeAnswer answer) noexcept {
    if (answer == ProbeAnswer::accepted) {
        window_count_.store(0, std::memory_order_relaxed);
        state_.store(State::closed, std::memory_order_relaxed);
        return;
    }
    State half_open = State::half_open;
    state_.compare_exchange_strong(half_open, State::open, std::memory_order_relaxed);
}

void MemoryGate::oom_answered(std::uint32_t replies, net::TimePoint now) noexcept {
    if (!enabled_.load(std::memory_order_relaxed) || !closed()) return;
    if (ticks(now) - window_start_.load(std::memory_order_relaxed) > ticks(window)) {
        window_start_.store(ticks(now), std::memory_order_relaxed);
        window_count_.store(0, std::memory_order_relaxed);
    }
    const std::uint32_t before = window_count_.fetch_add(replies, std::memory_order_relaxed);
    if (before + replies >= oom_reply_count_max) open(now);
}

void MemoryGate::room_made(net::TimePoint now) noexcept {
    if (state() != State::open) return;
    const Ticks earliest =
        std::max(ticks(now), tried_at_.load(std::memory_order_relaxed) + ticks(probe_pause));
    Ticks until = hold_until_.load(std::memory_order_relaxed);
    if (earliest >= until) return;
    // Who has changed it meanwhile knows better.
    hold_until_.compare_exchange_strong(until, earliest, std::memory_order_relaxed);
}

void MemoryGate::measured(Memory memory, net::TimePoint now) noexcept {
    if (!enabled_.load(std::memory_order_relaxed)) return;
    if (memory == Memory::spent && closed()) open(now);
    if (memory == Memory::free) probe_answered(ProbeAnswer::accepted);
}

std::string_view name_of(MemoryGate::State state) noexcept {
    constexpr std::array<std::string_view, 3> names{"closed", "open", "half_open"};
    return names[static_cast<std::size_t>(state)];
}

}  // namespace sluice::server
