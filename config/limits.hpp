#pragma once

#include "config/reading.hpp"

#include <chrono>
#include <cstdint>

/// Ranges that several sections share. They keep a slip of the finger from reserving a machine's
/// memory; nobody should meet them otherwise.
namespace sluice::config {

inline constexpr Range pool_size_range{1, 100'000};
inline constexpr Range backend_count_range{0, 100'000};
inline constexpr Range client_count_range{0, 10'000'000};
inline constexpr Range statement_count_range{0, 10'000'000};
inline constexpr Range spool_bytes_range{0, 1ULL << 30};

/// What the program itself can do: more is a mistake, not something to be cut in silence.
inline constexpr std::uint32_t worker_count_max = 64;
inline constexpr std::chrono::milliseconds failed_login_delay_max{5'000};
/// It has eight bits of a cancel key.
inline constexpr std::uint32_t instance_max = 255;

}  // namespace sluice::config
