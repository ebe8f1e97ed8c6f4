#pragma once

#include "protocol/wire/ring.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::resp {

/// Names a client towards a session; the server chooses the number. 0: nobody.
enum class Owner : std::uint32_t { nobody = 0 };

/// Whom a backend owes its next replies, oldest first: a run for each stretch of one owner.
class OwedQueue {
  public:
    struct Run {
        Owner owner = Owner::nobody;
        std::uint32_t replies = 0;
    };

    [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
    /// Replies owed in all.
    [[nodiscard]] std::size_t size() const noexcept { return reply_count_; }
    [[nodiscard]] const Run& front() const noexcept { return runs_.front(); }

    void push(Owner owner, std::uint32_t replies) {
        if (replies == 0) return;
        reply_count_ += replies;
        if (!runs_.empty() && runs_.back().owner == owner) {
            runs_.back().replies += replies;
        } else {
            runs_.push_back({owner, replies});
        }
    }
    /// The front owner has got `replies` of its run.
    void pay(std::uint32_t replies) noexcept {
        runs_.front().replies -= replies;
        reply_count_ -= replies;
        if (runs_.front().replies == 0) runs_.pop_front();
    }
    /// The owner is gone: what was owed to it comes all the same, and goes to nobody.
    void disown(Owner owner) noexcept {
        for (std::size_t index = 0; index < runs_.size(); ++index) {
            if (runs_[index].owner == owner) runs_[index].owner = Owner::nobody;
        }
    }
    void clear() noexcept {
        runs_.clear();
        reply_count_ = 0;
    }
    [[nodiscard]] std::uint32_t owed_to(Owner owner) const noexcept {
        std::uint32_t replies = 0;
        for (std::size_t index = 0; index < runs_.size(); ++index) {
            if (runs_[index].owner == owner) replies += runs_[index].replies;
        }
        return replies;
    }
    /// Calls `visit(owner)` for each run, oldest first.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t index = 0; index < runs_.size(); ++index)
            visit(runs_[index].owner);
    }

  private:
    wire::Ring<Run> runs_;
    std::size_t reply_count_ = 0;
};

}  // namespace sluice::resp
