#pragma once

#include "server/snapshot.hpp"

#include <cstddef>
#include <string>

namespace sluice::server {

/// Pools that have samples of their own; what is beyond them, in the order of their names, is
/// added up under the name "(other)". Clients may choose names where `*` admits them, so without
/// a bound they would choose the length of the page.
inline constexpr std::size_t exported_pool_count_max = 500;

/// The page /metrics in Prometheus' text format.
[[nodiscard]] std::string metrics_text(const Snapshot& snapshot);

}  // namespace sluice::server
