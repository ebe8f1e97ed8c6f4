#pragma once

#include "protocol/pg/drained_portal.hpp"

#include "server/net/inbox.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace sluice::server {

/// What is left of a client's suspended portal, read ahead so that its backend is free.
///
/// Owned by its client, who clears `stored` before this dies. Confined to: its worker.
struct PortalSpool {
    explicit PortalSpool(std::string name) : portal(std::move(name)) {}

    pg::DrainedPortal portal;
    net::Inbox stored;           ///< Whole frames, once everything has been answered.
    std::size_t counted = 0;     ///< Of the shard's spooled bytes.
    bool beyond_bounds = false;  ///< It is not to be had.
};

}  // namespace sluice::server
