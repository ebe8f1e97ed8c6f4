#pragma once

#include "config/reading.hpp"

/// Ranges that several sections share. They keep a slip of the finger from reserving a machine's
/// memory; nobody should meet them otherwise.
namespace sluice::config {

inline constexpr Range pool_size_range{1, 100'000};
inline constexpr Range backend_count_range{0, 100'000};
inline constexpr Range client_count_range{0, 10'000'000};

}  // namespace sluice::config
