#include "server/net/timer_wheel.hpp"

#include <algorithm>

namespace sluice::net {

void Timer::disarm() noexcept {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = nullptr;
    previous_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint start) noexcept : start_(start) {
    for (Head& head : slots_) {
        head.next_ = &head;
        head.previous_ = &head;
    }
}

std::uint64_t TimerWheel::tick_of(TimePoint at) const noexcept {
    if (at <= start_) return 0;
    return static_cast<std::uint64_t>((at - start_) / tick);
}

void TimerWheel::arm(Timer& timer, TimePoint due) noexcept {
    timer.disarm();
    // One further than the tick that `due` lies in, so that no timer comes early.
    timer.due_tick_ = std::max(tick_of(due) + 1, done_tick_ + 1);
    const std::size_t slot = timer.due_tick_ % slot_count;
    Head& head = slots_[slot];
    timer.previous_ = head.previous_;
    timer.next_ = &head;
    head.previous_->next_ = &timer;
    head.previous_ = &timer;
    occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::advance(TimePoint now) {
    const std::uint64_t now_tick = tick_of(now);
    if (now_tick <= done_tick_) return;
    const std::uint64_t first = done_tick_ + 1;
    // A pause longer than a round visits each slot once; what is due in it is known by its tick.
    const std::uint64_t visits = std::min<std::uint64_t>(now_tick - done_tick_, slot_count);
    done_tick_ = now_tick;
    for (std::uint64_t visit = 0; visit < visits; ++visit) {
        const std::size_t slot = (first + visit) % slot_count;
        std::uint64_t& bits = occupied_[slot / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        if ((bits & bit) == 0) continue;
        // A callback may arm or disarm any timer, so those of this slot move to a list of their
        // own first; what is armed meanwhile goes to the wheel.
        Head due;
        due.next_ = &due;
        due.previous_ = &due;
        Head& head = slots_[slot];
        for (Timer* timer = head.next_; timer != &head;) {
            Timer* const following = timer->next_;
            if (timer->due_tick_ <= now_tick) {
                timer->disarm();
                timer->previous_ = due.previous_;
                timer->next_ = &due;
                due.previous_->next_ = timer;
                due.previous_ = timer;
            }
            timer = following;
        }
        if (head.next_ == &head) bits &= ~bit;
        while (due.next_ != &due) {
            Timer* const timer = due.next_;
            timer->disarm();
            timer->expired(now);
        }
    }
}

std::optional<TimePoint> TimerWheel::next_due() const noexcept {
    for (std::uint64_t ahead = 1; ahead <= slot_count;) {
        const std::uint64_t at = done_tick_ + ahead;
        const std::size_t slot = at % slot_count;
        const std::uint64_t bits = occupied_[slot / 64] >> (slot % 64);
        if (bits == 0) {
            ahead += 64 - slot % 64;
            continue;
        }
        ahead += static_cast<std::uint64_t>(std::countr_zero(bits));
        if (ahead > slot_count) break;
        return start_ + (done_tick_ + ahead) * tick;
    }
    return std::nullopt;
}

}  // namespace sluice::net
