#pragma once

#include "pool/registry.hpp"

#include "server/net/timer_wheel.hpp"

#include <memory>
#include <optional>
#include <unordered_map>

namespace sluice::server {

class Worker;

/// Pools without a client, to be forgotten in time: those that the settings do not name, made
/// through `*` or for a user by trust, after autodb_idle_timeout; and if their database has never
/// let anybody in, soon. Else whoever makes up names would fill the memory.
///
///     pool made, or its last client left --watch--> [looked at when due] --> forgotten
///                                                      `-> a client came: no longer watched
///
/// A pool may be watched by several workers; the first whose time has come forgets it. Whoever
/// enters at this very moment finds the pool retired, as after a reload, and makes a new one.
///
/// Owned by its worker. Confined to: its worker.
class IdlePools final : private net::Timer {
  public:
    explicit IdlePools(Worker& worker) : worker_(worker) {}

    void watch(const std::shared_ptr<pool::PoolEntry>& entry);
    /// The settings have changed.
    void look_again();
    void clear();

  private:
    void expired(net::TimePoint now) override;
    /// When the pool may be forgotten, if nobody enters it. Nothing: not under these settings.
    [[nodiscard]] std::optional<net::TimePoint> due(pool::PoolEntry& entry) const;
    void look_at(net::TimePoint time);

    Worker& worker_;
    net::TimePoint next_look_{};  ///< While armed.
    bool has_forgotten_ = false;  ///< Since the last look: what was left behind can go now.
    std::unordered_map<const pool::PoolEntry*, std::shared_ptr<pool::PoolEntry>> watched_;
};

}  // namespace sluice::server
