#pragma once

#include "protocol/pg/statement_id.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::server {

/// How often the definitions of one database have changed, as far as any backend of this program
/// was seen to change them: what a text means is another thing afterwards for all its users, in
/// whatever pools they are.
///
/// Thread-safe.
class SchemaClock {
  public:
    [[nodiscard]] pg::SchemaGeneration now() const noexcept {
        return {generation_.load(std::memory_order_relaxed)};
    }
    void advance(pg::SchemaChange change) noexcept {
        generation_.fetch_add(pg::SchemaGeneration::step(change), std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> generation_{0};
};

/// The clocks of the databases that have pools, by server_database(). Thread-safe.
class SchemaClocks {
  public:
    [[nodiscard]] std::shared_ptr<SchemaClock> of(const std::string& database) {
        const std::lock_guard lock(mutex_);
        // Only when they have doubled since: made-up names cost each a constant time.
        if (clocks_.size() >= look_at_) {
            std::erase_if(clocks_, [](const auto& clock) { return clock.second.expired(); });
            look_at_ = std::max(look_at_min, 2 * clocks_.size());
        }
        std::weak_ptr<SchemaClock>& known = clocks_[database];
        auto clock = known.lock();
        if (!clock) known = clock = std::make_shared<SchemaClock>();
        return clock;
    }

  private:
    static constexpr std::size_t look_at_min = 64;

    std::mutex mutex_;
    std::size_t look_at_ = look_at_min;  ///< How many there may be before the ended ones go.
    std::map<std::string, std::weak_ptr<SchemaClock>> clocks_;
};

}  // namespace sluice::server
