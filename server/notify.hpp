#pragma once

#include <string_view>

namespace sluice::server {

/// Tells systemd, when it started us as Type=notify; else does nothing.
/// Source: sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names.
void notify_system(std::string_view state);

}  // namespace sluice::server
