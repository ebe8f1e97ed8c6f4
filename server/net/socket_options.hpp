#pragma once

#include "config/settings.hpp"

namespace sluice::net {

/// TCP_NODELAY, keepalive and user timeout, as the settings say; nothing for a Unix socket.
void set_tcp_options(int fd, const config::Postgres& settings);

}  // namespace sluice::net
