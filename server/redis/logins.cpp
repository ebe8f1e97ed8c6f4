#include "server/redis/logins.hpp"

#include "protocol/crypto.hpp"
#include "protocol/wire/cursor.hpp"

#include <algorithm>

namespace sluice::server {

bool same_secret(std::string_view known, std::string_view given) {
    // Digests are of one length, so that the time tells nothing of the secret.
    const auto left = crypto::sha256(wire::as_bytes(known));
    const auto right = crypto::sha256(wire::as_bytes(given));
    return crypto::constant_time_equal(left, right);
}

bool RedisLogins::accepted(std::string_view user, std::string_view password, net::TimePoint now) {
    const std::lock_guard lock(mutex_);
    auto at = entries_.find(user);
    if (at == entries_.end()) {
        if (entries_.size() >= user_count_max) {
            entries_.erase(std::ranges::min_element(
                entries_, {}, [](const auto& entry) { return entry.second.accepted_at; }));
        }
        at = entries_.emplace(user, Entry{}).first;
    }
    const bool replaces = at->second.stale && at->second.password != password;
    at->second = {std::string(password), now, false};
    return replaces;
}

void RedisLogins::refused(std::string_view user, std::string_view password) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(user);
    if (at != entries_.end() && at->second.password == password) at->second.stale = true;
}

bool RedisLogins::knows(std::string_view user, std::string_view password, net::TimePoint now,
                        net::Duration age_max) const {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(user);
    if (at == entries_.end() || at->second.stale) return false;
    return now - at->second.accepted_at < age_max && same_secret(at->second.password, password);
}

std::optional<std::string> RedisLogins::password_of(std::string_view user) const {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(user);
    if (at == entries_.end()) return std::nullopt;
    return at->second.password;
}

}  // namespace sluice::server
