#pragma once

#include <string>

namespace sluice::server {

class RedisClient;

/// The section that INFO has more here than at the server: this program, and the bounds of the
/// Redis that this client goes to.
[[nodiscard]] std::string information_for(const RedisClient& client);

}  // namespace sluice::server
