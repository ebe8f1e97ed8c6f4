#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::server {

/// By the process id of its backend, the client that is notifying through it at the moment, as
/// other clients know it. Written before the NOTIFY is sent on and forgotten when every listener of
/// this program has heard of it, so what is found is never another client.
///
/// Thread-safe: asked once a notification that is listened to, so a mutex serves.
class NotifySenders {
  public:
    void note(const std::string& database, std::uint32_t backend, std::uint32_t client) {
        const std::lock_guard lock(mutex_);
        senders_[{database, backend}] = client;
    }
    void forget(const std::string& database, std::uint32_t backend) {
        const std::lock_guard lock(mutex_);
        senders_.erase({database, backend});
    }
    /// 0: no client of ours, as far as is known.
    [[nodiscard]] std::uint32_t find(const std::string& database, std::uint32_t backend) const {
        const std::lock_guard lock(mutex_);
        const auto at = senders_.find({database, backend});
        return at == senders_.end() ? 0 : at->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> senders_;
};

}  // namespace sluice::server
