#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::server {

/// Counts durations by size. Plain integers: one worker writes, a snapshot copies.
class Histogram {
  public:
    /// Upper bounds of the buckets; one more bucket holds what is longer.
    static constexpr std::array<std::chrono::microseconds, 18> bounds = [] {
        using us = std::chrono::microseconds;
        return std::array<us, 18>{us{100},        us{250},        us{500},      us{1'000},
                                  us{2'500},      us{5'000},      us{10'000},   us{25'000},
                                  us{50'000},     us{100'000},    us{250'000},  us{500'000},
                                  us{1000'000},   us{2500'000},   us{5000'000}, us{10'000'000},
                                  us{30'000'000}, us{120'000'000}};
    }();

    void record(std::chrono::nanoseconds duration) noexcept {
        std::size_t bucket = 0;
        while (bucket < bounds.size() && duration > bounds[bucket])
            ++bucket;
        ++counts_[bucket];
        sum_ += duration;
    }
    /// Not cumulative, in the order of `bounds`, then what is longer.
    [[nodiscard]] const std::array<std::uint64_t, bounds.size() + 1>& counts() const noexcept {
        return counts_;
    }
    [[nodiscard]] std::chrono::nanoseconds sum() const noexcept { return sum_; }

    Histogram& operator+=(const Histogram& other) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        sum_ += other.sum_;
        return *this;
    }

  private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    std::chrono::nanoseconds sum_{0};
};

}  // namespace sluice::server
