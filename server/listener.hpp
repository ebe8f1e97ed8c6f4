#pragma once

#include "config/settings.hpp"

#include "server/net/address.hpp"
#include "server/net/engine.hpp"
#include "server/net/timer_wheel.hpp"

#include <cstdint>
#include <string>

namespace sluice::server {

class Worker;

/// A bound and listening socket that somebody owns.
struct ListeningSocket {
    int fd = -1;
    net::SocketAddress address;  ///< As bound: with the port that the system chose.
};

/// Whether the address is this program's already.
enum class PortUse : std::uint8_t { first, shared };

/// Binds and listens. A TCP address is bound once for each worker (SO_REUSEPORT), the first time
/// only if nobody else has it; a Unix socket once, its file being given `unix_socket_mode`, and
/// shared by the workers.
/// Throws std::system_error that names the address.
[[nodiscard]] ListeningSocket open_listening_socket(const config::ListenAddress& address,
                                                    const config::Postgres& settings, PortUse use);

/// Which protocol the clients of a listener speak.
enum class Side : std::uint8_t { postgres, redis };

/// Accepts for one worker. Out of file descriptors, or of what the system needs to watch one, it
/// pauses, instead of being told of the same client again and again, and goes on after a while.
///
/// Owned by its worker. Confined to: its worker.
class Listener final : public net::Watcher, private net::Timer {
  public:
    /// Throws std::system_error, and closes the socket, where it cannot be watched.
    Listener(Worker& worker, ListeningSocket socket, Side side);
    ~Listener() override;

    void ready() override;
    [[nodiscard]] const net::SocketAddress& address() const noexcept { return socket_.address; }

  private:
    void expired(net::TimePoint now) override;
    [[nodiscard]] bool watch() noexcept;
    void pause(int error);

    Worker& worker_;
    ListeningSocket socket_;
    Side side_;
    bool watched_ = false;
};

}  // namespace sluice::server
