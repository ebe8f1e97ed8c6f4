#include "pool/shard.hpp"

#include <algorithm>
#include <bit>
#include <utility>

// What a shard says to the outside: its orders, its next deadline, its numbers.

namespace sluice::pool {

using State = Backend::State;

Action Shard::order_of(Backend& backend) noexcept {
    switch (backend.state_) {
        case State::checking: return Check{&backend};
        case State::resetting: return Reset{&backend};
        case State::closing: return Close{&backend, backend.close_reason_};
        case State::travelling:
            // It leaves these books, but stays `travelling` until the other shard writes it in.
            --books_[static_cast<std::size_t>(State::travelling)];
            ++counters_.sends;
            return Send{&backend, backend.target_};
        case State::none:
        case State::opening:
        case State::idle:
        case State::leased: break;
    }
    SLUICE_ASSERT(false);
    return Close{&backend, CloseReason::broken};
}

std::optional<Action> Shard::next_action() {
    if (const Line::Granted granted = line_.next_granted(); granted.waiter != nullptr) {
        shared_.line().give_back();
        granted.backend->promised_to_ = nullptr;
        ++counters_.grants_after_wait;
        counters_.wait_time += times_.seen - granted.waiter->arrived();
        return Grant{granted.waiter, granted.backend};
    }
    if (const Line::Refusal refusal = line_.next_refused(); refusal.waiter != nullptr) {
        shared_.line().give_back();
        ++counters_.refusals[static_cast<std::size_t>(refusal.reason)];
        return Refuse{refusal.waiter, refusal.reason};
    }
    if (Backend* backend = ordered_.pop_front()) return order_of(*backend);
    if (!outbox_.opens.empty()) {
        const std::uint32_t affinity = outbox_.opens.back();
        outbox_.opens.pop_back();
        ++opens_unanswered_;
        return Open{affinity};
    }
    if (outbox_.wake != 0) return Wake{std::exchange(outbox_.wake, 0)};
    const auto take_budget = [this](PermitChain::Mask& mask) {
        const auto place = static_cast<std::size_t>(std::countr_zero(mask));
        mask &= static_cast<PermitChain::Mask>(mask - 1U);
        return &shared_.permits().at(place);
    };
    if (outbox_.need != 0) return NeedPermit{take_budget(outbox_.need)};
    if (outbox_.offer != 0) return OfferPermit{take_budget(outbox_.offer)};
    return std::nullopt;
}

std::optional<TimePoint> Shard::next_deadline() const noexcept {
    TimePoint next = std::min(times_.plan_again, times_.sweep);
    if (!line_.empty() && limits_.wait_timeout.count() > 0) {
        next = std::min(next, line_.front()->arrived() + limits_.wait_timeout);
    }
    if (next == TimePoint::max()) return std::nullopt;
    return next;
}

Stats Shard::stats(TimePoint now) const noexcept {
    Stats stats;
    stats.backends = books_;
    stats.opens_ordered = static_cast<std::uint32_t>(opens_ordered());
    stats.waiters = line_.size();
    if (!line_.empty()) stats.oldest_wait = now - line_.front()->arrived();
    stats.limits = limits_;
    stats.counters = counters_;
    return stats;
}

}  // namespace sluice::pool
