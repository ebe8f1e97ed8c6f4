#pragma once

#include "protocol/wire/cursor.hpp"

#include "server/net/chunk.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::net {

/// Bytes received and not yet consumed, in one piece, so that a session can look at a frame whose
/// parts came apart. Empty, it holds no memory. Small: every client has one.
///
/// What it holds counts against the worker's buffer budget, which its owner passes to each call
/// that may grow or shrink it; its owner clears it before it dies.
class Inbox {
  public:
    Inbox() = default;
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] wire::Bytes bytes() const noexcept { return {data_ + begin_, end_ - begin_}; }

    /// False when the budget is spent; nothing was kept then.
    [[nodiscard]] bool append(wire::Bytes bytes, BufferBudget& budget);
    void consume(std::size_t count, BufferBudget& budget) noexcept;
    void clear(BufferBudget& budget) noexcept;

  private:
    std::byte* data_ = nullptr;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t capacity_ = 0;
};

}  // namespace sluice::net
