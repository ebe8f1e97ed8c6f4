#pragma once

#include "pool/actions.hpp"
#include "pool/backend.hpp"
#include "pool/idle_stack.hpp"
#include "pool/limits.hpp"
#include "pool/line.hpp"
#include "pool/pool_shared.hpp"
#include "pool/stats.hpp"
#include "pool/waiter.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::pool {

/// The part of one pool that lives on one worker: decides who gets which backend, when one more
/// is opened, who waits and who is refused. It has no socket and no clock: events come in as
/// calls, orders go out by next_action(), which the server asks after every call until it is
/// empty:
///
///     waiter --acquire--> [line] --Grant--> leased --release--> idle | Reset | Close
///     Open --> opening() --> opened() ----^                      ^        |       |
///                        `-> open_failed() --> closed()          reset_done()   closed()
///
/// The life of a permit: taken when Open is decided, held through every state, given back by
/// closed(), once. After lost() and open_failed() the server closes the socket by itself and
/// calls closed(); a leased backend that was lost is not released.
///
/// Orders lie with the objects they are about, so an event that comes before an order is
/// performed (a waiter abandons, a backend is lost) takes the order back. After the first few
/// backends nothing here allocates.
///
/// Confined to: one worker. Shards of one pool share PoolShared and nothing else.
class Shard {
  public:
    /// `shared` outlives the shard. `seed`: of the jitter.
    Shard(PoolShared& shared, unsigned index, const Limits& limits, std::uint64_t seed);
    /// Nobody waits and no backend is in the books.
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    struct Acquired {
        enum class Kind : std::uint8_t { granted, queued, refused } kind;
        Backend* backend = nullptr;            ///< When granted: leased to the caller from now on.
        Refused reason = Refused::queue_full;  ///< When refused.
    };
    [[nodiscard]] Acquired acquire(Waiter& waiter, TimePoint now);
    /// The client is gone or no longer wants; also between a Grant and its performance. Does
    /// nothing for one that does not wait.
    void abandon(Waiter& waiter, TimePoint now);
    void release(Backend& backend, Outcome outcome, TimePoint now);

    /// The server made this backend for an Open, and begins to connect.
    void opening(Backend& backend, TimePoint now);
    void opened(Backend& backend, TimePoint now);
    void open_failed(Backend& backend, OpenFailure failure, TimePoint now);
    void reset_done(Backend& backend, TimePoint now);
    void check_done(Backend& backend, TimePoint now);
    /// Closed by its peer, or failed, in any state but travelling.
    void lost(Backend& backend, TimePoint now);
    /// The socket is closed. The backend leaves the books and may be destroyed.
    void closed(Backend& backend, TimePoint now);
    /// Came from another shard.
    void arrived(Backend& backend, TimePoint now);

    /// From another shard or a budget: something may be free, or somebody hungry.
    void wake(TimePoint now);
    /// Another pool waits for a permit of a shared budget.
    void evict_one(TimePoint now);

    /// RECONNECT or reload: backends opened until now are closed, leased ones when released. Each
    /// shard of the pool is told once.
    void recycle(TimePoint now);
    /// PAUSE: nobody is served, backends are closed as they become free; waiters keep their
    /// places and their deadlines. Each shard of the pool is told.
    void pause(TimePoint now);
    void resume(TimePoint now);
    /// Shutdown: new acquires are refused, those in line are still served, idle backends closed.
    void drain(TimePoint now);
    void set_limits(const Limits& limits, TimePoint now);

    /// To be called at next_deadline(), and harmless at any other time.
    void tick(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const noexcept;
    [[nodiscard]] std::optional<Action> next_action();

    [[nodiscard]] Stats stats(TimePoint now) const noexcept;
    [[nodiscard]] std::uint32_t count(Backend::State state) const noexcept {
        return books_[static_cast<std::size_t>(state)];
    }
    [[nodiscard]] std::size_t waiter_count() const noexcept { return line_.size(); }
    /// Open actions not answered by opening() yet.
    [[nodiscard]] std::size_t opens_ordered() const noexcept {
        return outbox_.opens.size() + opens_unanswered_;
    }
    /// It gave a backend up to a pool that had none, and opens nothing for this moment.
    [[nodiscard]] bool gives_way(TimePoint now) const noexcept { return now < times_.opens_held; }
    /// No waiter, no backend, no unanswered Open: may be destroyed.
    [[nodiscard]] bool empty() const noexcept;

  private:
    enum class Mode : std::uint8_t { serving, paused, draining };

    /// Orders that are about no backend and no waiter.
    struct Outbox {
        std::vector<std::uint32_t> opens;  // Affinities.
        std::uint64_t wake = 0;
        PermitChain::Mask need = 0;
        PermitChain::Mask offer = 0;
    };
    struct Times {
        TimePoint plan_again = TimePoint::max();  // When an open that is put off may be possible.
        TimePoint opens_held = TimePoint::min();  // After giving way: others open first.
        TimePoint sweep = TimePoint::max();       // Next look at idle and expired backends.
        TimePoint seen = TimePoint::min();        // Of the last event.
    };

    // shard.cpp: one step in the life of a backend.
    void move(Backend& backend, Backend::State to) noexcept;
    void make_idle(Backend& backend, TimePoint now) noexcept;
    /// Decides between idle and closing for one that is whole and nobody's.
    void make_free(Backend& backend, TimePoint now) noexcept;
    void close(Backend& backend, CloseReason reason) noexcept;
    /// As close(), for one whose place in the pool's live count is given up already.
    void order_close(Backend& backend, CloseReason reason) noexcept;
    [[nodiscard]] bool close_if_useless(Backend& backend, TimePoint now) noexcept;
    [[nodiscard]] bool retire_if_expired(Backend& backend, TimePoint now) noexcept;
    void wake_hungry() noexcept;

    // shard_match.cpp: after every event, who gets what.
    void settle(TimePoint now);
    void refuse_all(Refused reason) noexcept;
    void serve(TimePoint now) noexcept;
    [[nodiscard]] bool serve_one(TimePoint now) noexcept;
    void lend_to_front(Backend& backend) noexcept;
    void send(Backend& backend, unsigned shard) noexcept;
    void close_idle(CloseReason reason) noexcept;
    void publish() noexcept;
    void meet_other_shards(TimePoint now) noexcept;
    void make_room() noexcept;
    void give_way(TimePoint now) noexcept;
    void sweep(TimePoint now) noexcept;
    void arm_sweep(TimePoint now) noexcept;
    [[nodiscard]] TimePoint fresh_since(TimePoint now) const noexcept;
    [[nodiscard]] bool serves() const noexcept { return mode_ != Mode::paused; }

    // shard_open.cpp: when to open one more.
    void plan_opens(TimePoint now);
    [[nodiscard]] std::size_t hoped_for(TimePoint now) noexcept;
    void warm_up(TimePoint now);
    enum class Purpose : std::uint8_t { waiter, warmth };
    [[nodiscard]] bool try_open(Purpose purpose, std::uint32_t reserve, TimePoint now);
    [[nodiscard]] bool take_connect(std::uint32_t cap) noexcept;
    void give_connect_back() noexcept;
    [[nodiscard]] bool take_permits(Purpose purpose, std::uint32_t reserve) noexcept;
    void permits_freed(PermitChain::Mask wanted) noexcept;
    void connect_failed(Backend& backend, OpenFailure failure, TimePoint now);
    [[nodiscard]] std::uint32_t usable_reserve(TimePoint now) noexcept;
    [[nodiscard]] std::uint32_t min_size() const noexcept;
    /// How many are not given up to other pools; to a successor, or one's predecessor, all are.
    [[nodiscard]] std::uint32_t kept_from_others() const noexcept;
    void plan_again_at(TimePoint time) noexcept;

    [[nodiscard]] Action order_of(Backend& backend) noexcept;
    [[nodiscard]] std::uint64_t random() noexcept;

    PoolShared& shared_;
    Limits limits_;
    const unsigned index_;
    Mode mode_ = Mode::serving;
    std::uint32_t generation_ = 0;
    std::uint32_t opens_unanswered_ = 0;  // Open actions handed out, opening() not yet called.
    Line line_;
    IdleStack idle_;
    IntrusiveList<Backend> ordered_;  // With an order to perform; their state says which.
    std::array<std::uint32_t, Backend::state_count> books_{};
    PoolShared::Published published_;
    Outbox outbox_;
    Times times_;
    Counters counters_;
    std::uint64_t random_state_;
};

}  // namespace sluice::pool
