#pragma once

#include "config/limits.hpp"

#include "server/net/address.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace sluice::server {

/// Slows down whoever guesses passwords, by client address: each wrong one within a minute is
/// answered later than the one before, and past `max_failed_logins` the address is refused until
/// its minute is over. Functions share one address behind NAT, so good logins are limited only
/// where `max_logins_per_second` asks for it.
///
///     login_begins -> login_failed               a wrong password
///                  `-> login_succeeded           may still be too many
///
/// Thread-safe. Addresses remembered are bounded; while nobody fails and good logins are not
/// limited, a login costs two atomic loads.
class LoginGuard {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::milliseconds;

    struct Rules {
        Duration failed_login_delay{500};
        std::uint32_t max_failed_logins = 20;     ///< 0: no limit.
        std::uint32_t max_logins_per_second = 0;  ///< 0: no limit.
    };

    explicit LoginGuard(const Rules& rules) : rules_(rules) { set_rules(rules); }

    /// Holds from the next call on, for addresses already known as well.
    void set_rules(const Rules& rules);

    enum class Verdict : std::uint8_t { welcome, blocked, too_fast };
    /// `too_fast` here saves an address that has used up its second the work of a login.
    [[nodiscard]] Verdict login_begins(const net::ClientAddress& address, TimePoint now);
    /// The proof was right, or none was asked for: counts it. Never `blocked`.
    [[nodiscard]] Verdict login_succeeded(const net::ClientAddress& address, TimePoint now);
    /// How long the answer to this wrong password is held back.
    [[nodiscard]] Duration login_failed(const net::ClientAddress& address, TimePoint now);

    static constexpr std::size_t address_count_max = 65'536;
    static constexpr Duration window{60'000};
    static constexpr Duration delay_max = config::failed_login_delay_max;

  private:
    struct Record {
        TimePoint since;
        std::uint32_t failures = 0;
        TimePoint second;
        std::uint32_t logins = 0;  ///< Good ones, in the second that began then.
    };

    Record& record_of(const net::ClientAddress& address, TimePoint now);
    [[nodiscard]] bool second_is_full(const Record& record, TimePoint now) const;

    std::atomic<bool> idle_{true};            ///< Nobody has failed yet.
    std::atomic<bool> counts_logins_{false};  ///< max_logins_per_second is set.
    std::mutex mutex_;
    Rules rules_;
    std::map<net::ClientAddress, Record> records_;
};

}  // namespace sluice::server
