#pragma once

#include "pool/budget.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::pool {

/// The budgets every backend of one pool counts against: the pool's own and those it shares with
/// other pools. A permit of the chain is one of each, taken together or not at all.
class PermitChain {
  public:
    static constexpr std::size_t length = 4;
    /// Of the pool's own budget, which only a successor may share; the others are shared with
    /// other pools.
    static constexpr std::size_t own = 0;

    /// One bit for each budget of the chain, in its order.
    using Mask = std::uint8_t;

    /// `pool` is never null; the others may be. All outlive the chain.
    PermitChain(Budget* pool, Budget* database, Budget* user, Budget* process) noexcept;

    [[nodiscard]] Budget& at(std::size_t place) const noexcept { return *budgets_[place]; }

    enum class Taken { yes, no, raced };
    /// `raced`: a later budget was spent by somebody else after it had shown room, so permits of
    /// earlier ones were taken for a moment and given back. `wanted` names those that somebody
    /// wanted in that moment, who may have missed them.
    struct Attempt {
        Taken taken;
        std::size_t spent_at;  ///< Which budget had no room, unless taken.
        Mask wanted;
    };
    /// `reserve`: permits beyond the pool's own limit that may be used.
    [[nodiscard]] Attempt try_take(std::uint32_t reserve) noexcept;
    /// The budgets of which somebody wants a permit.
    [[nodiscard]] Mask give_back() noexcept;

    /// True while a retired pool and its successor share the pool's own budget.
    [[nodiscard]] bool own_is_shared() const noexcept { return budgets_[own]->is_shared(); }
    /// True when a pool that holds no permit at all wants one of a shared budget.
    [[nodiscard]] bool shared_starved() const noexcept;
    /// True when a shared budget is wanted by anybody.
    [[nodiscard]] bool shared_wanted() const noexcept;
    /// Claims one wanted shared budget, if any is; see Budget::claim_want().
    [[nodiscard]] bool claim_shared_want() noexcept;

  private:
    [[nodiscard]] std::size_t first_shared() const noexcept {
        return own_is_shared() ? own : own + 1;
    }
    [[nodiscard]] Mask give_back_before(std::size_t end) noexcept;

    std::array<Budget*, length> budgets_;
};

}  // namespace sluice::pool
