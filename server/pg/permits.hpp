#pragma once

#include "pool/registry.hpp"

namespace sluice::server {

struct Shared;

/// Permits for a connection to a database server that is in no pool: it counts against the bounds
/// on the database's backends and on the process', as every other does.
struct Permits {
    /// One of each, or none.
    [[nodiscard]] static bool try_take(Shared& shared, pool::PoolEntry& entry);
    /// Asks the pools to give one up. To be repeated: whoever comes first gets it.
    static void want(Shared& shared, pool::PoolEntry& entry);
    static void give_back(Shared& shared, pool::PoolEntry& entry);

    /// Every shard of every worker closes a backend that nobody uses.
    static void evict_everywhere(Shared& shared);
    /// Every shard of every worker sees whether it wants the permit that has come back.
    static void offer_everywhere(Shared& shared);
};

}  // namespace sluice::server
