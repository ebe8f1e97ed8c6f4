#pragma once

#include "pool/actions.hpp"
#include "pool/limits.hpp"

#include <atomic>
#include <cstdint>

namespace sluice::pool {

/// What a pool has learnt from connects that failed, shared by its shards: after a failure it
/// pauses, twice as long after each further one, and then lets one probe at a time try.
///
/// Each field is an atomic of its own: two shards that fail in the same moment may lengthen the
/// pause once instead of twice, which harms nobody.
class ConnectBackoff {
  public:
    /// `begun`: when the failed connect began. One that began before the last failure was known
    /// tells nothing new and does not lengthen the pause. `random` decides the jitter: a pause is
    /// shortened by up to a half, but never below connect_retry_min. What we lack ourselves may be
    /// there in a moment: after `short_of_resources` the pause is the shortest and does not grow.
    void failed(TimePoint begun, TimePoint now, OpenFailure failure, const Limits& limits,
                std::uint64_t random) noexcept;
    /// True when this ended a time of failures.
    bool succeeded() noexcept;

    [[nodiscard]] bool failing() const noexcept {
        return failures_.load(std::memory_order_acquire) != 0;
    }
    /// The end of the pause; in the past without one.
    [[nodiscard]] TimePoint retry_at() const noexcept;
    /// Pausing because the database refused the login, so nobody need wait for the next try.
    [[nodiscard]] bool rejecting(TimePoint now) const noexcept;

  private:
    std::atomic<std::uint32_t> failures_{0};
    std::atomic<bool> rejected_{false};
    std::atomic<TimePoint::rep> failed_at_{0};
    std::atomic<TimePoint::rep> retry_at_{0};
};

}  // namespace sluice::pool
