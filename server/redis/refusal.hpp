#pragma once

#include "server/refusal.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace sluice::server {

/// What a Redis client is told: the same reasons as in server/refusal.hpp, in the words and with
/// the first token that its library knows how to take.
[[nodiscard]] std::string_view redis_error_of(RefusalReason reason) noexcept;
[[nodiscard]] std::string redis_wait_error(std::chrono::nanoseconds waited);
[[nodiscard]] std::string redis_unreachable_error(const std::string& last_error);

}  // namespace sluice::server
