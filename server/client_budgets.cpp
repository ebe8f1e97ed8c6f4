#include "server/client_budgets.hpp"

#include "protocol/assert.hpp"

namespace sluice::server {

ClientBudgets::Named* ClientBudgets::try_take(std::string_view name, std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    auto at = budgets_.find(name);
    if (at == budgets_.end()) {
        at = budgets_.emplace(std::string(name), std::make_unique<Named>(name, limit)).first;
    }
    at->second->set_limit(limit);
    return at->second->try_take() ? at->second.get() : nullptr;
}

void ClientBudgets::give_back(Named& budget) {
    const std::lock_guard lock(mutex_);
    budget.Budget::give_back();
    if (budget.used() > 0) return;
    const auto at = budgets_.find(budget.name_);
    SLUICE_ASSERT(at != budgets_.end() && at->second.get() == &budget);
    budgets_.erase(at);
}

std::size_t ClientBudgets::size() const {
    const std::lock_guard lock(mutex_);
    return budgets_.size();
}

}  // namespace sluice::server
