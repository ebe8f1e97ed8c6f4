#pragma once

#include "pool/budget.hpp"
#include "pool/limits.hpp"
#include "pool/pool_shared.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::pool {

/// What tells pools apart. The view looks up without making strings.
struct PoolKeyView {
    std::string_view database;
    std::string_view user;
    bool operator==(const PoolKeyView&) const = default;
};
struct PoolKey {
    std::string database;
    std::string user;
    [[nodiscard]] PoolKeyView view() const noexcept { return {database, user}; }
    bool operator==(const PoolKey&) const = default;
};

/// The server's own part of a pool: how to reach the database, remembered parameters, and so on.
class PoolAttachment {
  public:
    PoolAttachment() = default;
    PoolAttachment(const PoolAttachment&) = delete;
    PoolAttachment& operator=(const PoolAttachment&) = delete;
    virtual ~PoolAttachment() = default;
};

/// One pool as all workers share it. The one place of shared ownership: whoever holds a shard, a
/// backend or a client of the pool holds its entry, so a pool retired by a reload lives until its
/// last lease has ended and its last backend is closed.
struct PoolEntry {
    PoolEntry(PoolKey pool_key, const Limits& pool_limits, unsigned shard_count,
              std::shared_ptr<Budget> pool_budget, std::shared_ptr<Budget> database_budget,
              std::shared_ptr<Budget> user_budget, std::shared_ptr<Budget> process_budget);

    const PoolKey key;
    const Limits limits;
    const std::shared_ptr<Budget> pool;
    const std::shared_ptr<Budget> database;
    const std::shared_ptr<Budget> user;
    const std::shared_ptr<Budget> process;
    PoolShared shared;
    std::unique_ptr<PoolAttachment> attachment;
};

/// The pools of the process, found by database and user. Asked once a login, so a mutex serves.
///
/// Thread-safe. Budgets go by name and outlive a retired pool: its successor of the same name
/// counts against the same ones, so that the bound is exact across a reload as well.
class Registry {
  public:
    /// `backends_max`: of all pools together. 0: no limit.
    explicit Registry(std::uint32_t backends_max);

    struct Recipe {
        Limits limits;
        unsigned shard_count = 1;
        std::uint32_t max_db_connections = 0;    ///< Backends of the database. 0: no limit.
        std::uint32_t max_user_connections = 0;  ///< Backends of the user. 0: no limit.
        std::unique_ptr<PoolAttachment> attachment;
    };

    [[nodiscard]] std::shared_ptr<PoolEntry> find(PoolKeyView key) const;
    /// Finds it, or makes it by what `recipe()` returns, which is asked with the registry locked
    /// and only then.
    [[nodiscard]] std::shared_ptr<PoolEntry> find_or_make(PoolKeyView key,
                                                          const std::function<Recipe()>& recipe);
    /// Forgets the pool; the next login makes a new one. Null when there is none.
    std::shared_ptr<PoolEntry> retire(PoolKeyView key);
    /// As above, unless another has taken its place. False: it was forgotten before.
    bool retire(const PoolEntry& entry);
    [[nodiscard]] std::vector<std::shared_ptr<PoolEntry>> entries() const;

    [[nodiscard]] Budget& process_budget() noexcept { return *process_; }
    /// Kept by name, those of pools that are gone included until they are looked through.
    [[nodiscard]] std::size_t budget_count() const;
    /// Looks them through now; else that is done when they have become many.
    void drop_unused_budgets();

  private:
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(PoolKeyView key) const noexcept;
        std::size_t operator()(const PoolKey& key) const noexcept { return (*this)(key.view()); }
    };
    struct KeyEqual {
        using is_transparent = void;
        static PoolKeyView view(PoolKeyView key) noexcept { return key; }
        static PoolKeyView view(const PoolKey& key) noexcept { return key.view(); }
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const noexcept {
            return view(left) == view(right);
        }
    };
    template <class Value>
    using ByKey = std::unordered_map<PoolKey, Value, KeyHash, KeyEqual>;

    [[nodiscard]] std::shared_ptr<Budget> budget(PoolKeyView key, std::uint32_t limit);
    void drop_unused_if_many();

    mutable std::mutex mutex_;
    std::shared_ptr<Budget> process_;
    ByKey<std::shared_ptr<PoolEntry>> pools_;
    // Of pools, of databases (no user) and of users (no database); kept by those who count.
    ByKey<std::weak_ptr<Budget>> budgets_;
};

}  // namespace sluice::pool
