#pragma once

#include "protocol/pg/statement_id.hpp"

#include <atomic>
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
        std::erase_if(clocks_, [](const auto& clock) { return clock.second.expired(); });
        std::weak_ptr<SchemaClock>& known = clocks_[database];
        auto clock = known.lock();
        if (!clock) known = clock = std::make_shared<SchemaClock>();
        return clock;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<SchemaClock>> clocks_;
};

}  // namespace sluice::server
