#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::net {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

class TimerWheel;

/// A deadline that its owner carries as a base or member. Leaves its wheel when it dies.
/// Confined to: the worker whose wheel it stands in.
class Timer {
  public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
    void disarm() noexcept;

  protected:
    virtual ~Timer() { disarm(); }
    /// The deadline has passed. The timer is disarmed before the call and may be armed again.
    virtual void expired(TimePoint now) = 0;

  private:
    friend class TimerWheel;
    Timer* next_ = nullptr;
    Timer* previous_ = nullptr;
    std::uint64_t due_tick_ = 0;
};

/// Many coarse deadlines at no system call each: 1024 slots of 8 ms, so arming and disarming are
/// a few instructions, and a deadline comes up to one slot late. Longer ones stay in their slot
/// for more rounds.
class TimerWheel {
  public:
    explicit TimerWheel(TimePoint start) noexcept;

    void arm(Timer& timer, TimePoint due) noexcept;
    /// Calls every timer that is due.
    void advance(TimePoint now);
    /// A time before which nothing can be due; none when no timer is armed.
    [[nodiscard]] std::optional<TimePoint> next_due() const noexcept;

    static constexpr Duration tick{8};

  private:
    static constexpr std::size_t slot_count = 1024;

    struct Head final : Timer {
        void expired(TimePoint) override {}
    };

    [[nodiscard]] std::uint64_t tick_of(TimePoint at) const noexcept;

    std::array<Head, slot_count> slots_;
    std::array<std::uint64_t, slot_count / 64>
        occupied_{};  ///< May name an empty slot, never misses one.
    TimePoint start_;
    std::uint64_t done_tick_ = 0;  ///< Every slot up to this tick has been visited.
};

}  // namespace sluice::net
