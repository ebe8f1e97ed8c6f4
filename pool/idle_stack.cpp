#include "pool/idle_stack.hpp"

namespace sluice::pool {

void IdleStack::put(Backend& backend) noexcept {
    Backend* place = nullptr;
    Backend* next = stack_.front();
    while (next != nullptr && next->idle_since_ > backend.idle_since_) {
        place = next;
        next = stack_.after(*next);
    }
    if (place == nullptr) {
        stack_.push_front(backend);
    } else {
        stack_.insert_after(backend, *place);
    }
}

Backend* IdleStack::freshest(std::uint32_t affinity, TimePoint fresh_since) const noexcept {
    constexpr int scanned_max = 8;
    Backend* top = stack_.front();
    if (top == nullptr || top->idle_since_ < fresh_since) return nullptr;
    Backend* backend = top;
    for (int scanned = 0; scanned < scanned_max; ++scanned) {
        if (backend->affinity_ == affinity) return backend;
        backend = stack_.after(*backend);
        if (backend == nullptr || backend->idle_since_ < fresh_since) break;
    }
    return top;
}

}  // namespace sluice::pool
