#include "pool/connect_backoff.hpp"

#include <algorithm>

namespace sluice::pool {
namespace {

TimePoint::rep ticks(TimePoint time) noexcept {
    return time.time_since_epoch().count();
}

TimePoint::duration pause_after(std::uint32_t failures, const Limits& limits,
                                std::uint64_t random) noexcept {
    const TimePoint::duration shortest = std::max(limits.connect_retry_min, Duration{1});
    const TimePoint::duration longest =
        std::max<TimePoint::duration>(limits.connect_retry_max, shortest);
    TimePoint::duration pause = shortest;
    for (std::uint32_t doubled = 1; doubled < failures && pause < longest; ++doubled)
        pause *= 2;
    pause = std::min(pause, longest);
    const auto half = static_cast<std::uint64_t>(pause.count() / 2);
    const auto jitter = static_cast<TimePoint::rep>(random % (half + 1));
    return std::max(shortest, pause - TimePoint::duration{jitter});
}

}  // namespace

void ConnectBackoff::failed(TimePoint begun, TimePoint now, OpenFailure failure,
                            const Limits& limits, std::uint64_t random) noexcept {
    rejected_.store(failure == OpenFailure::rejected, std::memory_order_relaxed);
    const std::uint32_t failures = failures_.load(std::memory_order_relaxed);
    if (failures != 0 && ticks(begun) < failed_at_.load(std::memory_order_relaxed)) return;
    failed_at_.store(ticks(now), std::memory_order_relaxed);
    const bool ours = failure == OpenFailure::short_of_resources;
    const std::uint32_t more =
        ours ? std::max(failures, 1U) : std::min<std::uint32_t>(failures + 1, 63);
    const TimePoint::duration pause = pause_after(ours ? 1 : more, limits, random);
    retry_at_.store(ticks(now + pause), std::memory_order_relaxed);
    failures_.store(more, std::memory_order_release);
}

bool ConnectBackoff::succeeded() noexcept {
    if (!failing()) return false;
    return failures_.exchange(0, std::memory_order_acq_rel) != 0;
}

TimePoint ConnectBackoff::retry_at() const noexcept {
    if (!failing()) return TimePoint::min();
    return TimePoint{TimePoint::duration{retry_at_.load(std::memory_order_relaxed)}};
}

bool ConnectBackoff::rejecting(TimePoint now) const noexcept {
    return failing() && rejected_.load(std::memory_order_relaxed) && now < retry_at();
}

}  // namespace sluice::pool
