#include "server/auth/login_guard.hpp"

#include <algorithm>

namespace sluice::server {

void LoginGuard::set_rules(const Rules& rules) {
    const std::lock_guard lock(mutex_);
    rules_ = rules;
    counts_logins_ = rules.max_logins_per_second != 0;
}

bool LoginGuard::second_is_full(const Record& record, TimePoint now) const {
    return rules_.max_logins_per_second != 0 && now - record.second < std::chrono::seconds(1) &&
           record.logins >= rules_.max_logins_per_second;
}

LoginGuard::Verdict LoginGuard::login_begins(const net::ClientAddress& address, TimePoint now) {
    if (!counts_logins_.load(std::memory_order_relaxed) && idle_.load(std::memory_order_relaxed)) {
        return Verdict::welcome;
    }
    const std::lock_guard lock(mutex_);
    const auto at = records_.find(address);
    if (at == records_.end()) return Verdict::welcome;
    const Record& record = at->second;
    if (second_is_full(record, now)) return Verdict::too_fast;
    if (now - record.since >= window) return Verdict::welcome;
    const bool blocked =
        rules_.max_failed_logins != 0 && record.failures >= rules_.max_failed_logins;
    return blocked ? Verdict::blocked : Verdict::welcome;
}

LoginGuard::Verdict LoginGuard::login_succeeded(const net::ClientAddress& address, TimePoint now) {
    if (!counts_logins_.load(std::memory_order_relaxed)) return Verdict::welcome;
    const std::lock_guard lock(mutex_);
    Record& record = record_of(address, now);
    // Several may have begun before the first of them was counted.
    if (second_is_full(record, now)) return Verdict::too_fast;
    if (now - record.second >= std::chrono::seconds(1)) {
        record.second = now;
        record.logins = 0;
    }
    ++record.logins;
    return Verdict::welcome;
}

LoginGuard::Duration LoginGuard::login_failed(const net::ClientAddress& address, TimePoint now) {
    idle_ = false;
    const std::lock_guard lock(mutex_);
    Record& record = record_of(address, now);
    if (now - record.since >= window) {
        record.since = now;
        record.failures = 0;
    }
    ++record.failures;
    const auto doublings = std::min<std::uint32_t>(record.failures - 1, 10);
    return std::min<Duration>(rules_.failed_login_delay * (1U << doublings), delay_max);
}

LoginGuard::Record& LoginGuard::record_of(const net::ClientAddress& address, TimePoint now) {
    if (records_.size() >= address_count_max && !records_.contains(address)) {
        std::erase_if(records_, [&](const auto& entry) {
            return now - entry.second.since >= window && now - entry.second.second >= window;
        });
        // Full of recent ones: somebody has very many addresses. Forgetting one of them is all
        // that is left; a single guesser's record is as likely to stay as any.
        if (records_.size() >= address_count_max) records_.erase(records_.begin());
    }
    const auto [at, is_new] = records_.try_emplace(address);
    if (is_new) at->second.since = now;
    return at->second;
}

}  // namespace sluice::server
