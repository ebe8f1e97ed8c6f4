#pragma once

#include "protocol/wire/cursor.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::net {

/// Bytes that all workers together may hold for peers (`server.buffer_memory_max`).
class BufferBudget {
  public:
    explicit BufferBudget(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}
    [[nodiscard]] bool try_take(std::uint64_t bytes) noexcept {
        if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max()) return true;
        give_back(bytes);
        return false;
    }
    void give_back(std::uint64_t bytes) noexcept {
        used_.fetch_sub(bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t used() const noexcept {
        return used_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t bytes_max() const noexcept {
        return bytes_max_.load(std::memory_order_relaxed);
    }
    /// Lowering it takes nothing away: what is held is given back in its time.
    void set_bytes_max(std::uint64_t bytes_max) noexcept {
        bytes_max_.store(bytes_max, std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> bytes_max_;
    std::atomic<std::uint64_t> used_{0};
};

struct Chunk {
    static constexpr std::size_t bytes_max = 8U * 1024U - 24U;
    Chunk* next = nullptr;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::byte bytes[bytes_max];
};

/// One worker's chunks: borrowed when bytes must be kept, returned when the last has left. A few
/// are kept at hand, the rest goes back to the system.
/// Confined to: its worker.
class ChunkStore {
  public:
    explicit ChunkStore(BufferBudget& budget) noexcept : budget_(budget) {}
    ~ChunkStore();
    ChunkStore(const ChunkStore&) = delete;
    ChunkStore& operator=(const ChunkStore&) = delete;

    /// Null when the budget is spent.
    [[nodiscard]] Chunk* borrow();
    void give_back(Chunk* chunk) noexcept;

  private:
    static constexpr std::size_t spare_count_max = 32;
    BufferBudget& budget_;
    Chunk* spare_ = nullptr;
    std::size_t spare_count_ = 0;
};

/// Bytes kept in order in borrowed chunks. Empty, it holds none.
class ChunkQueue {
  public:
    explicit ChunkQueue(ChunkStore& store) noexcept : store_(&store) {}
    ~ChunkQueue() { clear(); }
    ChunkQueue(const ChunkQueue&) = delete;
    ChunkQueue& operator=(const ChunkQueue&) = delete;

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }
    /// False when the budget is spent; what fitted before was kept.
    [[nodiscard]] bool append(wire::Bytes bytes);
    [[nodiscard]] wire::Bytes front() const noexcept;
    void consume(std::size_t count) noexcept;
    void clear() noexcept;

  private:
    ChunkStore* store_;
    Chunk* head_ = nullptr;
    Chunk* tail_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace sluice::net
