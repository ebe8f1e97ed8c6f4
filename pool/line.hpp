#pragma once

#include "pool/intrusive_list.hpp"
#include "pool/waiter.hpp"

namespace sluice::pool {

/// The clients of one shard that wait for a backend, in order of arrival, and those whose answer
/// is decided but not yet performed. An answer lies with its waiter and not in a queue of
/// messages: a client that leaves in between takes it along, so no answer can outlive its waiter.
class Line {
  public:
    [[nodiscard]] bool empty() const noexcept { return in_line_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return in_line_.size(); }
    [[nodiscard]] Waiter* front() const noexcept { return in_line_.front(); }

    void enter(Waiter& waiter, TimePoint now) noexcept;

    /// Takes the front waiter out of the line, as good as served. Returns it.
    Waiter& promise_to_front(Backend& backend) noexcept;
    /// The promised backend is gone before the waiter heard of it: back to the front, since
    /// whoever was promised came before all who are still in line.
    void take_promise_back(Waiter& waiter) noexcept;
    void refuse_front(Refused reason) noexcept;

    enum class Left { was_not_waiting, line, promise, refusal };
    /// The waiter leaves. `promise`: the backend promised to it is returned in `backend`.
    Left leave(Waiter& waiter, Backend*& backend) noexcept;

    struct Granted {
        Waiter* waiter = nullptr;
        Backend* backend = nullptr;
    };
    /// The next answer to perform; empty without one.
    Granted next_granted() noexcept;
    struct Refusal {
        Waiter* waiter = nullptr;
        Refused reason = Refused::queue_full;
    };
    Refusal next_refused() noexcept;

    /// The affinity of a waiter that has `ahead` others before it, or of one near it: the search
    /// is bounded.
    [[nodiscard]] std::uint32_t affinity_behind(std::size_t ahead) const noexcept;

  private:
    IntrusiveList<Waiter> in_line_;
    IntrusiveList<Waiter> granted_;
    IntrusiveList<Waiter> refused_;
};

}  // namespace sluice::pool
