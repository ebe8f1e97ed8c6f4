#pragma once

#include "pool/registry.hpp"

#include <memory>
#include <string>

namespace sluice::server {

struct Shared;
class Worker;

/// The pool of this database and user, made at its first use. Null when there is no such database.
[[nodiscard]] std::shared_ptr<pool::PoolEntry> pool_of(Worker& worker, const std::string& database,
                                                       const std::string& user);

/// Makes the pools that keep `min_pool_size` backends warm from the start: those of databases that
/// name their user, since of the others nobody knows yet who will come.
void open_warm_pools(Shared& shared);

}  // namespace sluice::server
