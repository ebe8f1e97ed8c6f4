#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::sql {

/// A hash of texts that their authors cannot aim without the seed: each 16 bytes are folded by one
/// product of 128 bits.
[[nodiscard]] std::uint64_t text_hash(std::string_view text, std::uint64_t seed) noexcept;

}  // namespace sluice::sql
