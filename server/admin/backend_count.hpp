#pragma once

#include "pool/stats.hpp"

#include <cstdint>
#include <numeric>

namespace sluice::server {

/// Backends in any state, with those that are ordered and not made yet.
[[nodiscard]] inline std::uint64_t backend_count(const pool::Stats& stats) noexcept {
    return std::accumulate(stats.backends.begin(), stats.backends.end(),
                           std::uint64_t{stats.opens_ordered});
}

}  // namespace sluice::server
