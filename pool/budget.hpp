#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::pool {

/// An exact upper bound on how many of something exist: a permit is taken before the thing is
/// made and given back after it is gone. Shared by threads; one atomic decides.
///
/// A budget also carries the mark of those who found it empty. The mark and the count are
/// written and read in one total order (sequentially consistent), each side writing its own
/// before it reads the other's: so either the taker sees the permit that came back, or the giver
/// sees that somebody wants it. Nobody waits beside a free permit.
class alignas(64) Budget {
  public:
    /// 0: no limit.
    explicit Budget(std::uint32_t limit) noexcept : limit_(limit) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    /// `extra` permits beyond the limit may be used by this taker (the reserve).
    [[nodiscard]] bool try_take(std::uint32_t extra = 0) noexcept;
    /// As above, and never beyond `cap` in use. 0: no cap.
    [[nodiscard]] bool try_take_within(std::uint32_t cap) noexcept;
    [[nodiscard]] bool has_room(std::uint32_t extra = 0) const noexcept;

    /// True when somebody wants a permit: then the caller sees to it that they are woken.
    bool give_back() noexcept;

    /// Says that a permit is wanted. True for the one who says so first; the mark stays until the
    /// next permit comes back.
    /// `starving`: the one who wants it holds none at all, so that even those who are busy are to
    /// give one up; see starved().
    enum class Hunger : std::uint8_t { some, starving };
    bool want(Hunger hunger = Hunger::some) noexcept;
    [[nodiscard]] bool starved() const noexcept {
        return wanted() && starving_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool wanted() const noexcept {
        return want_.load(std::memory_order_seq_cst) == Want::open;
    }
    /// Takes on the task of freeing one permit for those who want it. One at a time: until that
    /// permit is back, `wanted()` is false.
    [[nodiscard]] bool claim_want() noexcept;

    /// How many pools count against it. Of a pool's own budget it is one, but for the time in which
    /// a pool that a reload has retired ends beside its successor.
    void join() noexcept { pools_.fetch_add(1, std::memory_order_relaxed); }
    void leave() noexcept { pools_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] bool is_shared() const noexcept {
        return pools_.load(std::memory_order_relaxed) > 1;
    }

    [[nodiscard]] std::uint32_t used() const noexcept {
        return used_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint32_t limit() const noexcept {
        return limit_.load(std::memory_order_relaxed);
    }
    /// Lowering it takes nothing away: fewer are in use as the present ones are given back.
    void set_limit(std::uint32_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

  private:
    enum class Want : std::uint32_t { none, open, claimed };

    [[nodiscard]] bool try_take_below(std::uint64_t bound) noexcept;
    [[nodiscard]] std::uint64_t bound(std::uint32_t extra) const noexcept;

    std::atomic<std::uint32_t> used_{0};
    std::atomic<std::uint32_t> limit_;
    std::atomic<Want> want_{Want::none};
    std::atomic<std::uint32_t> pools_{0};
    std::atomic<bool> starving_{false};  // Only a hint: who is missed asks again.
};

}  // namespace sluice::pool
