#pragma once

#include "pool/actions.hpp"
#include "pool/intrusive_list.hpp"
#include "pool/limits.hpp"

#include <cstdint>

namespace sluice::pool {

class Backend;

/// A client's place in line. Base or member of the server's client object; every client has one
/// whether it waits or not, so it is kept at 40 bytes. Dies only when it does not wait.
///
/// Confined to: the worker of the shard it waits at.
class Waiter : public Link {
  public:
    explicit Waiter(std::uint32_t affinity = 0) noexcept : affinity_(affinity) {}
    ~Waiter() { SLUICE_ASSERT(state_ == State::none); }

    /// An acquire() was queued, and neither its Grant nor its Refuse has been performed.
    [[nodiscard]] bool waiting() const noexcept { return state_ != State::none; }
    /// When it last asked for a backend.
    [[nodiscard]] TimePoint arrived() const noexcept { return arrived_; }
    [[nodiscard]] std::uint32_t affinity() const noexcept { return affinity_; }
    /// Not while it waits.
    void set_affinity(std::uint32_t affinity) noexcept {
        SLUICE_ASSERT(state_ == State::none);
        affinity_ = affinity;
    }

  private:
    friend class Line;

    enum class State : std::uint8_t { none, in_line, granted, refused };

    TimePoint arrived_{};
    Backend* promised_ = nullptr;
    std::uint32_t affinity_;
    State state_ = State::none;
    Refused refused_ = Refused::queue_full;
};

static_assert(sizeof(Waiter) <= 40);

}  // namespace sluice::pool
