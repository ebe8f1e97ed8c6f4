#include "pool/line.hpp"

#include <utility>

namespace sluice::pool {

void Line::enter(Waiter& waiter, TimePoint now) noexcept {
    SLUICE_ASSERT(waiter.state_ == Waiter::State::none);
    waiter.state_ = Waiter::State::in_line;
    waiter.arrived_ = now;
    in_line_.push_back(waiter);
}

Waiter& Line::promise_to_front(Backend& backend) noexcept {
    Waiter* waiter = in_line_.pop_front();
    SLUICE_ASSERT(waiter != nullptr);
    waiter->state_ = Waiter::State::granted;
    waiter->promised_ = &backend;
    granted_.push_back(*waiter);
    return *waiter;
}

void Line::take_promise_back(Waiter& waiter) noexcept {
    SLUICE_ASSERT(waiter.state_ == Waiter::State::granted);
    granted_.remove(waiter);
    waiter.promised_ = nullptr;
    waiter.state_ = Waiter::State::in_line;
    in_line_.push_front(waiter);
}

void Line::refuse_front(Refused reason) noexcept {
    Waiter* waiter = in_line_.pop_front();
    SLUICE_ASSERT(waiter != nullptr);
    waiter->state_ = Waiter::State::refused;
    waiter->refused_ = reason;
    refused_.push_back(*waiter);
}

Line::Left Line::leave(Waiter& waiter, Backend*& backend) noexcept {
    const Waiter::State state = std::exchange(waiter.state_, Waiter::State::none);
    switch (state) {
        case Waiter::State::none: return Left::was_not_waiting;
        case Waiter::State::in_line: in_line_.remove(waiter); return Left::line;
        case Waiter::State::granted:
            granted_.remove(waiter);
            backend = std::exchange(waiter.promised_, nullptr);
            return Left::promise;
        case Waiter::State::refused: refused_.remove(waiter); return Left::refusal;
    }
    return Left::was_not_waiting;
}

Line::Granted Line::next_granted() noexcept {
    Waiter* waiter = granted_.pop_front();
    if (waiter == nullptr) return {};
    waiter->state_ = Waiter::State::none;
    return {waiter, std::exchange(waiter->promised_, nullptr)};
}

Line::Refusal Line::next_refused() noexcept {
    Waiter* waiter = refused_.pop_front();
    if (waiter == nullptr) return {};
    waiter->state_ = Waiter::State::none;
    return {waiter, waiter->refused_};
}

std::uint32_t Line::affinity_behind(std::size_t ahead) const noexcept {
    constexpr std::size_t steps_max = 64;
    const Waiter* waiter = in_line_.front();
    SLUICE_ASSERT(waiter != nullptr);
    for (std::size_t step = 0; step < ahead && step < steps_max; ++step) {
        const Waiter* next = in_line_.after(*waiter);
        if (next == nullptr) break;
        waiter = next;
    }
    return waiter->affinity();
}

}  // namespace sluice::pool
