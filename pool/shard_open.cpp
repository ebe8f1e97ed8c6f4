#include "pool/shard.hpp"

#include <algorithm>

// When a shard opens one more backend: for waiters that nothing on its way will serve, within
// every budget; one probe at a time while connects fail.

namespace sluice::pool {

using State = Backend::State;

std::uint32_t Shard::min_size() const noexcept {
    return limits_.pool_size == 0 ? limits_.min_pool_size
                                  : std::min(limits_.min_pool_size, limits_.pool_size);
}

std::uint32_t Shard::kept_from_others() const noexcept {
    return shared_.permits().own_is_shared() ? 0 : min_size();
}

void Shard::plan_again_at(TimePoint time) noexcept {
    times_.plan_again = std::min(times_.plan_again, time);
}

void Shard::plan_opens(TimePoint now) {
    times_.plan_again = TimePoint::max();
    if (!serves()) return;
    if (now < times_.opens_held) {
        plan_again_at(times_.opens_held);
        return;
    }
    if (!line_.empty()) {
        std::size_t coming = opens_ordered() + count(State::opening) + count(State::checking) +
                             count(State::resetting);
        std::size_t may_come = 0;
        if (shared_.shard_count() > 1) {
            coming += shared_.travelling_to(index_);
            may_come = hoped_for(now);
        }
        for (; line_.size() > coming + may_come; ++coming) {
            if (!try_open(Purpose::waiter, usable_reserve(now), now)) break;
            shared_.enter();
            outbox_.opens.push_back(line_.affinity_behind(coming));
        }
    }
    if (mode_ == Mode::serving) warm_up(now);
}

/// Backends that are idle at other shards, which were woken to send them. Somebody there may be
/// quicker, and nobody says so; therefore the front waiter counts on them for a moment only.
std::size_t Shard::hoped_for(TimePoint now) noexcept {
    const TimePoint until = line_.front()->arrived() + passing_tolerance;
    if (now >= until) return 0;
    const std::size_t idle = shared_.idle_count_besides(index_);
    if (idle != 0) plan_again_at(until);
    return idle;
}

void Shard::warm_up(TimePoint now) {
    constexpr Duration patience{1'000};
    const std::uint32_t min = min_size();
    if (min != 0 && shared_.permits().own_is_shared()) {
        plan_again_at(now + patience);  // Now it would take back what it gave up.
        return;
    }
    while (min != 0 && shared_.enter_if_below(min)) {
        if (!try_open(Purpose::warmth, 0, now)) {
            shared_.leave();
            plan_again_at(now + patience);
            return;
        }
        outbox_.opens.push_back(0);
    }
}

/// Permits beyond pool_size for the oldest waiter; none before it has waited long enough.
std::uint32_t Shard::usable_reserve(TimePoint now) noexcept {
    if (limits_.reserve_pool_size == 0 || limits_.reserve_pool_timeout.count() == 0) return 0;
    const TimePoint usable_at = line_.front()->arrived() + limits_.reserve_pool_timeout;
    if (now >= usable_at) return limits_.reserve_pool_size;
    plan_again_at(usable_at);
    return 0;
}

/// Takes all that one more backend needs, or nothing.
bool Shard::try_open(Purpose purpose, std::uint32_t reserve, TimePoint now) {
    const ConnectBackoff& backoff = shared_.backoff();
    const bool failing = backoff.failing();
    if (failing && now < backoff.retry_at()) {
        plan_again_at(backoff.retry_at());
        return false;
    }
    if (!take_connect(failing ? 1 : 0)) return false;
    if (!take_permits(purpose, reserve)) {
        give_connect_back();
        return false;
    }
    ++counters_.opens;
    return true;
}

/// `cap`: as in Budget::try_take_within().
bool Shard::take_connect(std::uint32_t cap) noexcept {
    if (shared_.connects().try_take_within(cap)) return true;
    shared_.connects().want();
    // As in take_permits(): the place may have come back before the mark was up.
    return shared_.connects().try_take_within(cap);
}

void Shard::give_connect_back() noexcept {
    if (shared_.connects().give_back()) wake_hungry();
}

bool Shard::take_permits(Purpose purpose, std::uint32_t reserve) noexcept {
    PermitChain& permits = shared_.permits();
    while (true) {
        const PermitChain::Attempt attempt = permits.try_take(reserve);
        if (attempt.taken == PermitChain::Taken::yes) return true;
        if (attempt.taken == PermitChain::Taken::raced) permits_freed(attempt.wanted);
        // Warmth is not worth closing another pool's backend; its own timer comes back to it.
        if (purpose == Purpose::warmth) return false;
        Budget& spent = permits.at(attempt.spent_at);
        const bool of_pool = attempt.spent_at == PermitChain::own;
        const bool own = of_pool && !permits.own_is_shared();
        const bool starving = !own && shared_.live() == 0;
        if (spent.want(starving ? Budget::Hunger::starving : Budget::Hunger::some) && !own) {
            outbox_.need |= static_cast<PermitChain::Mask>(1U << attempt.spent_at);
        }
        // The mark is up. A permit that came back before it was is still there to be seen; one
        // that comes back later wakes us.
        if (!spent.has_room(of_pool ? reserve : 0)) return false;
    }
}

/// Passes the news of permits that came back to those who want them.
void Shard::permits_freed(PermitChain::Mask wanted) noexcept {
    constexpr auto own = static_cast<PermitChain::Mask>(1U << PermitChain::own);
    if ((wanted & own) != 0) wake_hungry();
    outbox_.offer |=
        shared_.permits().own_is_shared() ? wanted : static_cast<PermitChain::Mask>(wanted & ~own);
}

void Shard::connect_failed(Backend& backend, OpenFailure failure, TimePoint now) {
    give_connect_back();
    shared_.leave();
    shared_.backoff().failed(backend.opened_at_, now, failure, limits_, random());
    ++(failure == OpenFailure::short_of_resources ? counters_.open_shortages
                                                  : counters_.open_failures);
    ++counters_.closes[static_cast<std::size_t>(CloseReason::open_failed)];
    backend.close_reason_ = CloseReason::open_failed;
    move(backend, State::closing);
}

}  // namespace sluice::pool
