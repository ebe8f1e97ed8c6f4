#pragma once

#include "pool/actions.hpp"
#include "pool/intrusive_list.hpp"
#include "pool/limits.hpp"

#include <cstdint>

namespace sluice::pool {

class Waiter;

/// What a pool knows of one database process: the base of the server's own backend object, which
/// holds the socket. Owned by the server; in the books of exactly one shard from opening() to
/// closed(), except while it travels from one shard to another.
///
/// Confined to: the worker of the shard whose books it stands in.
class Backend : public Link {
  public:
    enum class State : std::uint8_t {
        none,        ///< In nobody's books: not opened yet, or closed.
        opening,     ///< Connecting and logging in.
        idle,        ///< Ready, nobody's.
        checking,    ///< Being asked whether it is alive before it is handed out.
        leased,      ///< A client's.
        resetting,   ///< Being cleaned after an unclean release.
        travelling,  ///< On its way to another shard.
        closing,     ///< Of no more use; holds its permit until closed().
    };
    static constexpr std::size_t state_count = 8;

    /// `affinity`: the startup profile it serves. Opaque to the pool, which only prefers equals.
    explicit Backend(std::uint32_t affinity = 0) noexcept : affinity_(affinity) {}
    virtual ~Backend() { SLUICE_ASSERT(state_ == State::none); }

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] TimePoint opened_at() const noexcept { return opened_at_; }
    [[nodiscard]] TimePoint idle_since() const noexcept { return idle_since_; }
    [[nodiscard]] TimePoint expires_at() const noexcept { return expires_at_; }
    [[nodiscard]] std::uint32_t affinity() const noexcept { return affinity_; }
    /// For a backend whose profile has been changed; not while it is idle.
    void set_affinity(std::uint32_t affinity) noexcept {
        SLUICE_ASSERT(state_ != State::idle);
        affinity_ = affinity;
    }

  private:
    friend class Shard;
    friend class IdleStack;

    TimePoint opened_at_{};   // When its connect began, then when its login ended.
    TimePoint idle_since_{};  // Of its last proof of life: release, check or login.
    TimePoint expires_at_ = TimePoint::max();
    Waiter* promised_to_ = nullptr;  // Leased to this one, whose Grant is not performed yet.
    std::uint32_t affinity_;
    std::uint32_t generation_ = 0;  // Of the shard that opened it; see Shard::recycle().
    State state_ = State::none;
    std::uint8_t target_ = 0;                       // While travelling.
    CloseReason close_reason_ = CloseReason::lost;  // While closing.
};

}  // namespace sluice::pool
