#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice::server {

/// Bytes that other workers have posted to one worker and that it has not taken yet. Several that
/// post at once may go beyond the bound by what each of them posts.
///
/// Owned by the worker that takes. Confined to: nothing; one atomic.
class PostedBytes {
  public:
    /// False: it would be more than `bytes_max`, of which 0 means no limit. The first always fits.
    [[nodiscard]] bool try_post(std::size_t bytes, std::uint64_t bytes_max) noexcept {
        const std::uint64_t before = bytes_.load(std::memory_order_relaxed);
        if (bytes_max != 0 && before != 0 && before + bytes > bytes_max) return false;
        bytes_.fetch_add(bytes, std::memory_order_relaxed);
        return true;
    }
    void taken(std::size_t bytes) noexcept { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace sluice::server
