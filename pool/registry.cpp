#include "pool/registry.hpp"

#include <utility>

namespace sluice::pool {

PoolEntry::PoolEntry(PoolKey pool_key, const Limits& pool_limits, unsigned shard_count,
                     std::shared_ptr<Budget> pool_budget, std::shared_ptr<Budget> database_budget,
                     std::shared_ptr<Budget> user_budget, std::shared_ptr<Budget> process_budget)
    : key(std::move(pool_key)),
      limits(pool_limits),
      pool(std::move(pool_budget)),
      database(std::move(database_budget)),
      user(std::move(user_budget)),
      process(std::move(process_budget)),
      shared(PermitChain(pool.get(), database.get(), user.get(), process.get()), shard_count,
             pool_limits) {}

Registry::Registry(std::uint32_t backends_max) : process_(std::make_shared<Budget>(backends_max)) {}

std::size_t Registry::KeyHash::operator()(PoolKeyView key) const noexcept {
    const std::size_t database = std::hash<std::string_view>{}(key.database);
    const std::size_t user = std::hash<std::string_view>{}(key.user);
    return database ^ (user + 0x9e3779b97f4a7c15U + (database << 6U) + (database >> 2U));
}

std::shared_ptr<PoolEntry> Registry::find(PoolKeyView key) const {
    const std::lock_guard lock(mutex_);
    const auto found = pools_.find(key);
    return found == pools_.end() ? nullptr : found->second;
}

std::shared_ptr<PoolEntry> Registry::find_or_make(PoolKeyView key,
                                                  const std::function<Recipe()>& recipe) {
    const std::lock_guard lock(mutex_);
    const auto found = pools_.find(key);
    if (found != pools_.end()) return found->second;

    Recipe parts = recipe();
    PoolKey name{std::string(key.database), std::string(key.user)};
    // A pool, a database and a user share one table of budgets. The marks in front keep a pool
    // whose user or database has an empty name apart from the others.
    const std::string pool_database = "p" + name.database;
    const std::string only_database = "d" + name.database;
    auto entry =
        std::make_shared<PoolEntry>(name, parts.limits, parts.shard_count,
                                    budget({pool_database, name.user}, parts.limits.pool_size),
                                    budget({only_database, {}}, parts.max_db_connections),
                                    budget({"u", name.user}, parts.max_user_connections), process_);
    entry->attachment = std::move(parts.attachment);
    pools_.emplace(std::move(name), entry);
    return entry;
}

std::shared_ptr<PoolEntry> Registry::retire(PoolKeyView key) {
    const std::lock_guard lock(mutex_);
    const auto found = pools_.find(key);
    if (found == pools_.end()) return nullptr;
    std::shared_ptr<PoolEntry> entry = std::move(found->second);
    pools_.erase(found);
    drop_unused_if_many();
    return entry;
}

bool Registry::retire(const PoolEntry& entry) {
    // Outlives the lock: what it holds may be much to destroy.
    std::shared_ptr<PoolEntry> retired;
    const std::lock_guard lock(mutex_);
    const auto found = pools_.find(entry.key);
    if (found == pools_.end() || found->second.get() != &entry) return false;
    retired = std::move(found->second);
    pools_.erase(found);
    drop_unused_if_many();
    return true;
}

std::size_t Registry::budget_count() const {
    const std::lock_guard lock(mutex_);
    return budgets_.size();
}

void Registry::drop_unused_budgets() {
    const std::lock_guard lock(mutex_);
    std::erase_if(budgets_, [](const auto& item) { return item.second.expired(); });
}

/// Looks through all of them only when there are many more than the pools can have: so many names
/// that come and go cost each a constant time, and leave no more behind than those that stay.
void Registry::drop_unused_if_many() {
    constexpr std::size_t budgets_of_a_pool = 3;
    constexpr std::size_t few = 64;
    if (budgets_.size() <= few + 2 * budgets_of_a_pool * pools_.size()) return;
    std::erase_if(budgets_, [](const auto& item) { return item.second.expired(); });
}

std::vector<std::shared_ptr<PoolEntry>> Registry::entries() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<PoolEntry>> all;
    all.reserve(pools_.size());
    for (const auto& [key, entry] : pools_)
        all.push_back(entry);
    return all;
}

std::shared_ptr<Budget> Registry::budget(PoolKeyView key, std::uint32_t limit) {
    const auto found = budgets_.find(key);
    if (found != budgets_.end()) {
        if (std::shared_ptr<Budget> known = found->second.lock()) {
            known->set_limit(limit);
            return known;
        }
        budgets_.erase(found);
    }
    auto made = std::make_shared<Budget>(limit);
    budgets_.emplace(PoolKey{std::string(key.database), std::string(key.user)}, made);
    return made;
}

}  // namespace sluice::pool
