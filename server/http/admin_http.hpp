#pragma once

#include "config/settings.hpp"

#include "server/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace boost::asio {
class io_context;
}

namespace sluice::server {

/// What /healthz and /readyz say.
struct HealthReport {
    bool alive = true;   ///< False: only a restart helps.
    bool ready = true;   ///< False: send no new clients here (starting, draining).
    std::string reason;  ///< One line for people; may be empty.
};

/// The admin listener: /metrics, /healthz, /readyz, and / with a list of them. GET and HEAD alone;
/// everything about it is bounded, and it changes nothing, so it needs no login.
///
/// Owned by App. Confined to: the thread of its io_context, from construction on. The io_context
/// must outlive every answer of `Gather`; it need not run out before this object dies.
class AdminHttp {
  public:
    /// Collects a snapshot with SnapshotDetail::counters and passes it on, on whatever thread,
    /// at once or later, at most once.
    using Gather = std::function<void(std::function<void(Snapshot)>)>;
    using Health = std::function<HealthReport()>;

    struct Timeouts {
        std::chrono::milliseconds io{5'000};        ///< A request to come in, an answer to leave.
        std::chrono::milliseconds gather{2'000};    ///< The workers to answer; then 503.
        std::chrono::milliseconds farewell{1'000};  ///< A client to close after its last answer.
    };

    static constexpr std::size_t client_count_max = 64;        ///< More wait to be accepted.
    static constexpr std::size_t header_bytes_max = 8 * 1024;  ///< Of a request, all in all.

    /// Listens. Throws std::system_error with the address in its text when that fails.
    AdminHttp(boost::asio::io_context& loop, const config::ListenAddress& address, Gather gather,
              Health health, Timeouts timeouts);
    AdminHttp(boost::asio::io_context& loop, const config::ListenAddress& address, Gather gather,
              Health health)
        : AdminHttp(loop, address, std::move(gather), std::move(health), Timeouts{}) {}
    ~AdminHttp();
    AdminHttp(const AdminHttp&) = delete;
    AdminHttp& operator=(const AdminHttp&) = delete;

    /// The TCP port bound; 0 for a Unix socket.
    [[nodiscard]] std::uint16_t port() const noexcept;

  private:
    class Listener;
    // Shared with the coroutines, which notice the end of this object in later turns of the loop.
    std::shared_ptr<Listener> listener_;
};

}  // namespace sluice::server
