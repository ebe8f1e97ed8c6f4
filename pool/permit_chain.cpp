#include "pool/permit_chain.hpp"

#include "protocol/assert.hpp"

namespace sluice::pool {

PermitChain::PermitChain(Budget* pool, Budget* database, Budget* user, Budget* process) noexcept
    : budgets_{pool, database, user, process} {
    SLUICE_ASSERT(pool != nullptr);
}

PermitChain::Attempt PermitChain::try_take(std::uint32_t reserve) noexcept {
    const auto extra_at = [reserve](std::size_t place) { return place == own ? reserve : 0; };
    // Looking first keeps two shards that both lack the same budget from taking and giving back
    // the others for ever, each waking the other.
    for (std::size_t place = 0; place < length; ++place) {
        if (budgets_[place] != nullptr && !budgets_[place]->has_room(extra_at(place))) {
            return {Taken::no, place, 0};
        }
    }
    for (std::size_t place = 0; place < length; ++place) {
        if (budgets_[place] != nullptr && !budgets_[place]->try_take(extra_at(place))) {
            return {Taken::raced, place, give_back_before(place)};
        }
    }
    return {Taken::yes, length, 0};
}

PermitChain::Mask PermitChain::give_back() noexcept {
    return give_back_before(length);
}

PermitChain::Mask PermitChain::give_back_before(std::size_t end) noexcept {
    unsigned wanted = 0;
    for (std::size_t place = end; place-- > 0;) {
        if (budgets_[place] != nullptr && budgets_[place]->give_back()) wanted |= 1U << place;
    }
    return static_cast<Mask>(wanted);
}

bool PermitChain::shared_starved() const noexcept {
    for (std::size_t place = first_shared(); place < length; ++place) {
        if (budgets_[place] != nullptr && budgets_[place]->starved()) return true;
    }
    return false;
}

bool PermitChain::shared_wanted() const noexcept {
    for (std::size_t place = first_shared(); place < length; ++place) {
        if (budgets_[place] != nullptr && budgets_[place]->wanted()) return true;
    }
    return false;
}

bool PermitChain::claim_shared_want() noexcept {
    for (std::size_t place = first_shared(); place < length; ++place) {
        if (budgets_[place] != nullptr && budgets_[place]->wanted() &&
            budgets_[place]->claim_want()) {
            return true;
        }
    }
    return false;
}

}  // namespace sluice::pool
