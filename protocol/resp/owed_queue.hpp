#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::resp {

/// Names a client towards a session; the server chooses the number. 0: nobody.
enum class Owner : std::uint32_t { nobody = 0 };

/// Whom a backend owes its next replies, oldest first: a run for each stretch of one owner.
///
/// A ring that grows by doubling and never shrinks; it belongs to a backend, and there are few.
class OwedQueue {
  public:
    struct Run {
        Owner owner = Owner::nobody;
        std::uint32_t replies = 0;
    };

    [[nodiscard]] bool empty() const noexcept { return run_count_ == 0; }
    /// Replies owed in all.
    [[nodiscard]] std::size_t size() const noexcept { return reply_count_; }
    [[nodiscard]] const Run& front() const noexcept { return ring_[head_]; }

    void push(Owner owner, std::uint32_t replies) {
        if (replies == 0) return;
        reply_count_ += replies;
        if (run_count_ > 0 && at(run_count_ - 1).owner == owner) {
            at(run_count_ - 1).replies += replies;
            return;
        }
        if (run_count_ == ring_.size()) grow();
        ++run_count_;
        at(run_count_ - 1) = {owner, replies};
    }
    /// The front owner has got `replies` of its run.
    void pay(std::uint32_t replies) noexcept {
        Run& run = ring_[head_];
        run.replies -= replies;
        reply_count_ -= replies;
        if (run.replies > 0) return;
        head_ = (head_ + 1) & (ring_.size() - 1);
        --run_count_;
    }
    /// The owner is gone: what was owed to it comes all the same, and goes to nobody.
    void disown(Owner owner) noexcept {
        for (std::size_t index = 0; index < run_count_; ++index) {
            if (at(index).owner == owner) at(index).owner = Owner::nobody;
        }
    }
    void clear() noexcept {
        head_ = 0;
        run_count_ = 0;
        reply_count_ = 0;
    }
    [[nodiscard]] std::uint32_t owed_to(Owner owner) const noexcept {
        std::uint32_t replies = 0;
        for (std::size_t index = 0; index < run_count_; ++index) {
            const Run& run = ring_[(head_ + index) & (ring_.size() - 1)];
            if (run.owner == owner) replies += run.replies;
        }
        return replies;
    }
    /// Calls `visit(owner)` for each run, oldest first.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t index = 0; index < run_count_; ++index)
            visit(ring_[(head_ + index) & (ring_.size() - 1)].owner);
    }

  private:
    [[nodiscard]] Run& at(std::size_t index) noexcept {
        return ring_[(head_ + index) & (ring_.size() - 1)];
    }
    void grow() {
        std::vector<Run> larger(ring_.size() * 2);
        for (std::size_t index = 0; index < run_count_; ++index)
            larger[index] = at(index);
        ring_.swap(larger);
        head_ = 0;
    }

    std::vector<Run> ring_ = std::vector<Run>(16);
    std::size_t head_ = 0;
    std::size_t run_count_ = 0;
    std::size_t reply_count_ = 0;
};

}  // namespace sluice::resp
