#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::test {

/// The one source of chance in a simulation: same seed, same run.
/// Source: SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

    [[nodiscard]] std::uint64_t bits() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }
    /// 0 to `bound` - 1; 0 for a bound of 0.
    [[nodiscard]] std::size_t below(std::size_t bound) noexcept {
        return bound == 0 ? 0 : static_cast<std::size_t>(bits() % bound);
    }
    [[nodiscard]] std::size_t between(std::size_t first, std::size_t last) noexcept {
        return first + below(last - first + 1);
    }
    [[nodiscard]] bool per_mille(unsigned chance) noexcept { return below(1000) < chance; }

  private:
    std::uint64_t state_;
};

}  // namespace sluice::test
