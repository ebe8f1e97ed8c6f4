#pragma once

#include "server/net/timer_wheel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::server {

/// Takes as long whatever the two differ in.
[[nodiscard]] bool same_secret(std::string_view known, std::string_view given);

/// The passwords of users that are known to one Redis and not to us: those it has accepted. For a
/// while they are accepted without asking it again, and backends of these users log in with them.
/// Nothing that it has refused is kept, so strangers cannot fill this.
///
/// Thread-safe.
class RedisLogins {
  public:
    /// The server has taken it. True: one that it takes no more was known until now, so that what
    /// was made with that is of no use.
    [[nodiscard]] bool accepted(std::string_view user, std::string_view password,
                                net::TimePoint now);
    /// The server takes it no more.
    void refused(std::string_view user, std::string_view password);

    /// The server has taken it, not longer than `age_max` ago.
    [[nodiscard]] bool knows(std::string_view user, std::string_view password, net::TimePoint now,
                             net::Duration age_max) const;
    /// The last one that was taken, however long ago; nothing when none ever was.
    [[nodiscard]] std::optional<std::string> password_of(std::string_view user) const;

    /// Beyond it whoever was accepted first is forgotten: asked for again at the next login.
    static constexpr std::size_t user_count_max = 10'000;

  private:
    struct Entry {
        std::string password;
        net::TimePoint accepted_at;
        bool stale = false;  ///< The server has refused it since.
    };

    mutable std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;  ///< By user.
};

}  // namespace sluice::server
