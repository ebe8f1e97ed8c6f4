#include "pool/shard.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pool {

using State = Backend::State;

namespace {

/// Durations added to a time stay far from the end of its range, whatever a file says.
Limits bounded(Limits limits) noexcept {
    constexpr Duration longest = std::chrono::hours{24 * 365 * 10};
    for (Duration* time :
         {&limits.reserve_pool_timeout, &limits.wait_timeout, &limits.server_idle_timeout,
          &limits.server_lifetime, &limits.server_check_delay, &limits.connect_retry_min,
          &limits.connect_retry_max}) {
        *time = std::clamp(*time, Duration{0}, longest);
    }
    return limits;
}

}  // namespace

Shard::Shard(PoolShared& shared, unsigned index, const Limits& limits, std::uint64_t seed)
    : shared_(shared), limits_(bounded(limits)), index_(index), random_state_(seed) {
    SLUICE_ASSERT(index < shared.shard_count());
    // The first tick warms the pool up.
    if (min_size() != 0) times_.plan_again = TimePoint::min();
}

Shard::~Shard() {
    SLUICE_ASSERT(empty());
}

bool Shard::empty() const noexcept {
    const bool no_backend = std::all_of(books_.begin(), books_.end(),
                                        [](std::uint32_t backends) { return backends == 0; });
    return no_backend && line_.empty() && opens_ordered() == 0;
}

Shard::Acquired Shard::acquire(Waiter& waiter, TimePoint now) {
    using Kind = Acquired::Kind;
    ++counters_.acquires;
    times_.seen = now;
    const auto refuse = [this](Refused reason) {
        ++counters_.refusals[static_cast<std::size_t>(reason)];
        return Acquired{Kind::refused, nullptr, reason};
    };
    if (mode_ == Mode::draining) return refuse(Refused::draining);

    // A newcomer is served at once only when it passes nobody: nobody in this line (who may be
    // waiting for a check), and nobody elsewhere by more than the tolerance.
    if (mode_ == Mode::serving && line_.empty()) {
        Backend* backend = idle_.freshest(waiter.affinity(), fresh_since(now));
        if (backend != nullptr &&
            (shared_.shard_count() == 1 || !shared_.any_hungrier(index_, now))) {
            idle_.remove(*backend);
            move(*backend, State::leased);
            publish();
            ++counters_.grants_at_once;
            return {Kind::granted, backend};
        }
    }
    if (shared_.live() == 0 && shared_.backoff().rejecting(now)) {
        return refuse(Refused::backend_rejected);
    }
    if (!shared_.line().try_take()) return refuse(Refused::queue_full);
    line_.enter(waiter, now);
    settle(now);
    return {Kind::queued};
}

void Shard::abandon(Waiter& waiter, TimePoint now) {
    Backend* promised = nullptr;
    const Line::Left left = line_.leave(waiter, promised);
    if (left == Line::Left::was_not_waiting) return;
    shared_.line().give_back();
    ++counters_.abandons;
    if (promised != nullptr) {
        // Never seen by the client, so it is as clean as it was.
        promised->promised_to_ = nullptr;
        make_free(*promised, now);
    }
    settle(now);
}

void Shard::release(Backend& backend, Outcome outcome, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::leased && backend.promised_to_ == nullptr);
    backend.idle_since_ = now;
    if (outcome == Outcome::clean) {
        make_free(backend, now);
    } else if (outcome == Outcome::broken) {
        close(backend, CloseReason::broken);
    } else if (!close_if_useless(backend, now)) {
        ++counters_.resets;
        move(backend, State::resetting);
        ordered_.push_back(backend);
    }
    settle(now);
}

void Shard::opening(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::none && opens_unanswered_ > 0);
    --opens_unanswered_;
    backend.opened_at_ = now;
    backend.generation_ = generation_;
    move(backend, State::opening);
}

void Shard::opened(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::opening);
    give_connect_back();
    // Others of the pool sit out the pause that is over now.
    if (shared_.backoff().succeeded()) wake_hungry();
    backend.opened_at_ = backend.idle_since_ = now;
    const TimePoint::duration lifetime = limits_.server_lifetime;
    if (lifetime.count() > 0) {
        // Those opened together are not retired together.
        const auto tenth = static_cast<std::uint64_t>(lifetime.count() / 10);
        const auto jitter = static_cast<TimePoint::rep>(random() % (tenth + 1));
        backend.expires_at_ = now + lifetime - TimePoint::duration{jitter};
    } else {
        backend.expires_at_ = TimePoint::max();
    }
    make_free(backend, now);
    settle(now);
}

void Shard::open_failed(Backend& backend, OpenFailure failure, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::opening);
    connect_failed(backend, failure, now);
    if (failure == OpenFailure::rejected) refuse_all(Refused::backend_rejected);
    settle(now);
}

void Shard::reset_done(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::resetting && !backend.linked());
    backend.idle_since_ = now;
    make_free(backend, now);
    settle(now);
}

void Shard::check_done(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::checking && !backend.linked());
    backend.idle_since_ = now;
    make_free(backend, now);
    settle(now);
}

void Shard::lost(Backend& backend, TimePoint now) {
    switch (backend.state_) {
        case State::none: SLUICE_ASSERT(false); return;
        case State::closing: return;
        case State::opening: open_failed(backend, OpenFailure::unavailable, now); return;
        case State::idle: idle_.remove(backend); break;
        case State::checking:
        case State::resetting:
            if (backend.linked()) ordered_.remove(backend);
            break;
        case State::leased:
            if (backend.promised_to_ != nullptr) {
                line_.take_promise_back(*std::exchange(backend.promised_to_, nullptr));
            }
            break;
        case State::travelling:
            // Only while its Send is still here. The shard it was meant for counts on it.
            SLUICE_ASSERT(backend.linked());
            ordered_.remove(backend);
            shared_.travel_ended(backend.target_);
            outbox_.wake |= std::uint64_t{1} << backend.target_;
            break;
    }
    shared_.leave();
    ++counters_.closes[static_cast<std::size_t>(CloseReason::lost)];
    backend.close_reason_ = CloseReason::lost;
    move(backend, State::closing);
    settle(now);
}

void Shard::closed(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::closing);
    if (backend.linked()) ordered_.remove(backend);
    move(backend, State::none);
    permits_freed(shared_.permits().give_back());
    settle(now);
}

void Shard::arrived(Backend& backend, TimePoint now) {
    SLUICE_ASSERT(backend.state_ == State::travelling && backend.target_ == index_ &&
                  !backend.linked());
    shared_.travel_ended(index_);
    backend.state_ = State::none;
    move(backend, State::travelling);
    make_free(backend, now);
    settle(now);
}

void Shard::wake(TimePoint now) {
    settle(now);
}

void Shard::evict_one(TimePoint now) {
    settle(now);
}

void Shard::recycle(TimePoint now) {
    ++generation_;
    close_idle(CloseReason::recycled);
    settle(now);
}

void Shard::pause(TimePoint now) {
    if (mode_ == Mode::serving) mode_ = Mode::paused;
    settle(now);
}

void Shard::resume(TimePoint now) {
    if (mode_ == Mode::paused) mode_ = Mode::serving;
    settle(now);
}

void Shard::drain(TimePoint now) {
    mode_ = Mode::draining;
    settle(now);
}

void Shard::set_limits(const Limits& limits, TimePoint now) {
    limits_ = bounded(limits);
    while (Backend* backend = idle_.idlest()) {
        if (!close_if_useless(*backend, now)) break;
    }
    if (min_size() != 0) plan_again_at(now);
    settle(now);
}

void Shard::tick(TimePoint now) {
    const TimePoint::duration timeout = limits_.wait_timeout;
    while (timeout.count() > 0 && !line_.empty() && now - line_.front()->arrived() >= timeout) {
        line_.refuse_front(Refused::wait_timeout);
    }
    if (now >= times_.sweep) sweep(now);
    settle(now);
}

void Shard::move(Backend& backend, State to) noexcept {
    if (backend.state_ != State::none) --books_[static_cast<std::size_t>(backend.state_)];
    backend.state_ = to;
    if (to != State::none) ++books_[static_cast<std::size_t>(to)];
}

void Shard::make_idle(Backend& backend, TimePoint now) noexcept {
    move(backend, State::idle);
    idle_.put(backend);
    if (times_.sweep == TimePoint::max()) arm_sweep(now);
}

void Shard::make_free(Backend& backend, TimePoint now) noexcept {
    if (!close_if_useless(backend, now)) make_idle(backend, now);
}

void Shard::close(Backend& backend, CloseReason reason) noexcept {
    shared_.leave();
    order_close(backend, reason);
}

void Shard::order_close(Backend& backend, CloseReason reason) noexcept {
    if (backend.state_ == State::idle) idle_.remove(backend);
    ++counters_.closes[static_cast<std::size_t>(reason)];
    backend.close_reason_ = reason;
    move(backend, State::closing);
    ordered_.push_back(backend);
}

bool Shard::close_if_useless(Backend& backend, TimePoint now) noexcept {
    if (mode_ == Mode::paused) {
        close(backend, CloseReason::paused);
        return true;
    }
    if (static_cast<std::int32_t>(backend.generation_ - generation_) < 0) {
        close(backend, CloseReason::recycled);
        return true;
    }
    const std::uint64_t most = std::uint64_t{limits_.pool_size} + limits_.reserve_pool_size;
    if (limits_.pool_size != 0 && shared_.live() > most &&
        shared_.leave_if_above(static_cast<std::uint32_t>(most))) {
        order_close(backend, CloseReason::over_limit);
        return true;
    }
    return retire_if_expired(backend, now);
}

bool Shard::retire_if_expired(Backend& backend, TimePoint now) noexcept {
    if (now < backend.expires_at_) return false;
    // A pool of one age is renewed over a tenth of its lifetime, so that most of it always serves.
    const TimePoint::duration window = TimePoint::duration{limits_.server_lifetime} / 10;
    if (!shared_.claim_retirement(now, window / std::max(1U, shared_.live()))) return false;
    close(backend, CloseReason::lifetime);
    return true;
}

void Shard::wake_hungry() noexcept {
    if (shared_.shard_count() > 1) outbox_.wake |= shared_.hungry_besides(index_);
}

std::uint64_t Shard::random() noexcept {
    // SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    random_state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = random_state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

}  // namespace sluice::pool
