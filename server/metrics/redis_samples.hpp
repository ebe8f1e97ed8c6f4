#pragma once

#include "server/snapshot.hpp"

namespace sluice::server {

class Page;

/// The samples of the Redis side, and its part in those that both sides have; nothing when it is
/// not served.
void add_redis_side(Page& page, const Snapshot& snapshot);

}  // namespace sluice::server
