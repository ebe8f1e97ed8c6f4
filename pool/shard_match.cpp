#include "pool/shard.hpp"

#include <algorithm>

// What a shard does after every event: bring together what waits and what is free, here and, by
// what the shards publish, elsewhere.

namespace sluice::pool {

using State = Backend::State;

void Shard::settle(TimePoint now) {
    times_.seen = now;
    if (!line_.empty() && shared_.live() == 0 && shared_.backoff().rejecting(now)) {
        refuse_all(Refused::backend_rejected);
    }
    give_way(now);
    serve(now);
    publish();
    if (shared_.shard_count() > 1) meet_other_shards(now);
    make_room();
    if (mode_ == Mode::paused) close_idle(CloseReason::paused);
    if (mode_ == Mode::draining) close_idle(CloseReason::draining);
    plan_opens(now);
}

void Shard::refuse_all(Refused reason) noexcept {
    while (!line_.empty())
        line_.refuse_front(reason);
}

TimePoint Shard::fresh_since(TimePoint now) const noexcept {
    return now - limits_.server_check_delay;
}

void Shard::serve(TimePoint now) noexcept {
    if (!serves()) return;
    while (!idle_.empty() && serve_one(now)) {
    }
}

/// Finds a use for one idle backend. False when there is none.
bool Shard::serve_one(TimePoint now) noexcept {
    Waiter* front = line_.front();
    Backend* fresh = idle_.freshest(front == nullptr ? 0 : front->affinity(), fresh_since(now));
    // A stale backend is of use to the line only when fewer are on their way to it than wait.
    const std::size_t promised = count(State::checking) + count(State::resetting);
    const bool usable = front != nullptr && (fresh != nullptr || line_.size() > promised);

    if (shared_.shard_count() > 1) {
        const TimePoint own_oldest = usable ? front->arrived() : TimePoint::max();
        if (const auto hungrier = shared_.claim_hungrier(index_, own_oldest)) {
            Backend* const sent = fresh != nullptr ? fresh : idle_.top();
            SLUICE_ASSERT(sent != nullptr);
            send(*sent, *hungrier);
            return true;
        }
    }
    if (!usable) return false;
    if (fresh != nullptr) {
        lend_to_front(*fresh);
        return true;
    }
    Backend& stale = *idle_.top();
    idle_.remove(stale);
    move(stale, State::checking);
    ordered_.push_back(stale);
    ++counters_.checks;
    return true;
}

void Shard::lend_to_front(Backend& backend) noexcept {
    idle_.remove(backend);
    move(backend, State::leased);
    backend.promised_to_ = &line_.promise_to_front(backend);
}

void Shard::send(Backend& backend, unsigned shard) noexcept {
    idle_.remove(backend);
    move(backend, State::travelling);
    backend.target_ = static_cast<std::uint8_t>(shard);
    ordered_.push_back(backend);
}

void Shard::close_idle(CloseReason reason) noexcept {
    while (Backend* backend = idle_.idlest())
        close(*backend, reason);
    publish();
}

void Shard::publish() noexcept {
    if (shared_.shard_count() == 1) return;
    PoolShared::Published now_true;
    if (serves()) {
        now_true.idle = static_cast<std::uint32_t>(idle_.size());
        now_true.waiters = static_cast<std::uint32_t>(line_.size());
        if (!line_.empty()) now_true.oldest = line_.front()->arrived();
    }
    if (now_true == published_) return;
    shared_.publish(index_, published_, now_true);
    published_ = now_true;
}

/// The second half of the bargain of PoolShared: having published, look at the others.
void Shard::meet_other_shards(TimePoint now) noexcept {
    if (!idle_.empty() && shared_.hungry_besides(index_) != 0) {
        serve(now);
        publish();
    }
    if (serves() && line_.size() > shared_.travelling_to(index_)) {
        outbox_.wake |= shared_.idle_besides(index_);
    }
}

/// Closes the idlest backend when another pool waits for a permit that it holds. Claimed by one
/// shard at a time until the permit is back, so no more are closed than are wanted.
void Shard::make_room() noexcept {
    if (idle_.empty() || !shared_.permits().shared_wanted()) return;
    if (!shared_.leave_if_above(kept_from_others())) return;
    if (!shared_.permits().claim_shared_want()) {
        shared_.enter();
        return;
    }
    order_close(*idle_.idlest(), CloseReason::evicted);
    publish();
}

/// A busy pool gives up a backend although its own line could use it, when another pool has none
/// at all: so nobody starves beside a pool that is never idle. Its own opens wait a moment, or it
/// would take the permit straight back.
void Shard::give_way(TimePoint now) noexcept {
    if (idle_.empty() || line_.empty() || !shared_.permits().shared_starved()) return;
    if (now < times_.opens_held || shared_.live() < 2) return;
    if (!shared_.leave_if_above(std::max(kept_from_others(), 1U))) return;
    if (!shared_.permits().claim_shared_want()) {
        shared_.enter();
        return;
    }
    times_.opens_held = now + passing_tolerance;
    order_close(*idle_.idlest(), CloseReason::evicted);
}

void Shard::arm_sweep(TimePoint now) noexcept {
    const Duration never = Duration::max();
    const auto or_never = [never](Duration time) { return time.count() == 0 ? never : time; };
    const Duration shortest =
        std::min(or_never(limits_.server_idle_timeout), or_never(limits_.server_lifetime));
    times_.sweep = shortest == never || idle_.empty()
                       ? TimePoint::max()
                       : now + std::clamp(shortest / 20, Duration{1}, Duration{1'000});
}

void Shard::sweep(TimePoint now) noexcept {
    const TimePoint::duration timeout = limits_.server_idle_timeout;
    bool retired = false;
    Backend* next = idle_.idlest();
    while (next != nullptr) {
        Backend& backend = *next;
        next = idle_.above(backend);
        if (timeout.count() > 0 && now - backend.idle_since_ >= timeout &&
            shared_.leave_if_above(min_size())) {
            order_close(backend, CloseReason::idle_timeout);
        } else if (!retired) {
            retired = retire_if_expired(backend, now);
        }
    }
    arm_sweep(now);
}

}  // namespace sluice::pool
