#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::pool {

/// Nothing in `pool/` asks for the time: it is an argument of every event.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

/// The settings one pool runs under, as plain values. Fields bear the names of the settings.
/// 0 means no limit, or never, unless a field says otherwise.
struct Limits {
    std::uint32_t pool_size = 20;         ///< Backends of the pool over all its shards.
    std::uint32_t min_pool_size = 0;      ///< Kept open without demand; counts up to pool_size.
    std::uint32_t reserve_pool_size = 0;  ///< Backends beyond pool_size for those who wait long.
    /// How long the oldest waiter must have waited before the reserve may be touched. 0: never.
    Duration reserve_pool_timeout{5'000};
    std::uint32_t max_waiters = 0;   ///< Clients in line over all shards; the next is refused.
    std::uint32_t max_connects = 2;  ///< Backends of the pool that may be connecting at once.

    Duration wait_timeout{120'000};         ///< Longest stay in line.
    Duration server_idle_timeout{600'000};  ///< Idle backends above min_pool_size are closed then.
    /// Age at which a backend is retired; each one's own age is up to a tenth less.
    Duration server_lifetime{3'600'000};
    /// Idle time after which a backend is checked before it is handed out. 0: always, as in
    /// PgBouncer.
    Duration server_check_delay{30'000};
    Duration connect_retry_min{100};     ///< First pause after a failed connect.
    Duration connect_retry_max{15'000};  ///< Longest pause between failed connects.

    bool operator==(const Limits&) const = default;
};

}  // namespace sluice::pool
