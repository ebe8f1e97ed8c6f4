#pragma once

#include "server/net/timer_wheel.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace sluice::server {

/// Answers for a Redis that has no memory left, so that it need not say so to each of thousands
/// who ask again and again. Only commands that the server itself would refuse (`denyoom`) are
/// concerned, only for short times, and only while it has lately said or shown that it would.
///
///     closed --- oom_reply_count_max of them, or INFO ---> open --- the hold is over ---> half
///     open
///        ^                                                  ^                                 |
///        |                                                  +---- the probe is refused -------+
///        +--------- the probe is answered, or INFO ---------------------------------------- --+
///
/// The probe is the next client's command, sent as any other; its answer is that client's. Nothing
/// is made up, kept for later or sent again.
///
/// One for each Redis. Thread-safe: plain atomics, and one load of a line that rarely changes on
/// the way of a request.
class alignas(64) MemoryGate {
  public:
    enum class State : std::uint8_t { closed, open, half_open };
    enum class ProbeAnswer : std::uint8_t { accepted, refused, unclear };

    /// Off: it is closed and stays so.
    void enable(bool enabled) noexcept;
    [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool closed() const noexcept { return state() == State::closed; }

    /// A command that takes memory is to be answered here.
    [[nodiscard]] bool holds(net::TimePoint now) const noexcept {
        return !closed() && ticks(now) < hold_until_.load(std::memory_order_relaxed);
    }
    /// Such a command is about to be sent although the gate is open, for the hold is over. True:
    /// it is the probe, and its answer is to be told.
    [[nodiscard]] bool claim_probe(net::TimePoint now) noexcept;
    void probe_answered(ProbeAnswer answer) noexcept;
    /// The server has refused for want of memory.
    void oom_answered(std::uint32_t replies, net::TimePoint now) noexcept;
    /// A command that may free memory is on its way: what comes behind it may be tried.
    void room_made(net::TimePoint now) noexcept;

    /// What INFO has shown.
    enum class Memory : std::uint8_t {
        spent,    ///< Over its limit, and nothing can be evicted.
        between,  ///< So near to it that nothing follows.
        free,
    };
    void measured(Memory memory, net::TimePoint now) noexcept;

    struct Counts {
        std::uint64_t openings = 0;
        std::uint64_t probes = 0;
    };
    [[nodiscard]] Counts counts() const noexcept {
        return {openings_.load(std::memory_order_relaxed), probes_.load(std::memory_order_relaxed)};
    }

    /// Refusals of the server within `window` before the gate opens.
    static constexpr std::uint32_t oom_reply_count_max = 4;
    static constexpr std::chrono::milliseconds window{1'000};
    /// A hold is between these two, so that workers and servers do not probe in step.
    static constexpr std::chrono::milliseconds hold_min{100};
    static constexpr std::chrono::milliseconds hold_max{250};
    /// Between two probes at least, however much is deleted meanwhile.
    static constexpr std::chrono::milliseconds probe_pause{10};

  private:
    using Ticks = std::int64_t;

    [[nodiscard]] static Ticks ticks(net::TimePoint at) noexcept {
        return std::chrono::nanoseconds(at.time_since_epoch()).count();
    }
    [[nodiscard]] static Ticks ticks(std::chrono::milliseconds time) noexcept {
        return std::chrono::nanoseconds(time).count();
    }
    void open(net::TimePoint now) noexcept;
    [[nodiscard]] Ticks next_hold() noexcept;

    std::atomic<State> state_{State::closed};
    std::atomic<bool> enabled_{false};
    std::atomic<std::uint32_t> window_count_{0};
    std::atomic<Ticks> hold_until_{0};
    std::atomic<Ticks> tried_at_{0};  ///< The last opening or probe.
    std::atomic<Ticks> window_start_{0};
    std::atomic<std::uint64_t> openings_{0};
    std::atomic<std::uint64_t> probes_{0};
};

/// In metrics and INFO.
[[nodiscard]] std::string_view name_of(MemoryGate::State state) noexcept;

}  // namespace sluice::server
