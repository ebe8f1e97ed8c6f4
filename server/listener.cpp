#include "server/listener.hpp"

#include "server/log.hpp"
#include "server/net/socket_options.hpp"
#include "server/worker.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sluice::server {

namespace {

constexpr int batch_max = 16;
constexpr net::Duration pause_when_full{100};

[[noreturn]] void fail(int fd, const std::string& what) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    throw std::system_error(error, std::generic_category(), what);
}

/// IPv6, which takes IPv4 as well; IPv4 alone where the system has no IPv6.
net::SocketAddress every_address(std::uint16_t port) {
    const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return *net::numeric_address("0.0.0.0", port);
    ::close(probe);
    return *net::numeric_address("::", port);
}

net::SocketAddress address_of(const config::ListenAddress& address) {
    if (address.kind == config::ListenAddress::Kind::unix_socket) {
        if (const auto found = net::unix_address(address.path)) return *found;
        throw std::system_error(ENAMETOOLONG, std::generic_category(), address.path);
    }
    if (address.host == "*" || address.host.empty()) return every_address(address.port);
    const std::string& host = address.host;
    if (const auto found = net::numeric_address(host, address.port)) return *found;
    if (host == "localhost") return *net::numeric_address("127.0.0.1", address.port);
    throw std::system_error(EADDRNOTAVAIL, std::generic_category(),
                            "cannot listen on " + host + ": not a numeric address");
}

/// A file left by a process that died is removed; one that somebody listens on is not.
void remove_stale_socket(const net::SocketAddress& address, const std::string& path) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return;
    if (::connect(probe, address.get(), address.size) != 0 && errno == ECONNREFUSED) {
        ::unlink(path.c_str());
    }
    ::close(probe);
}

/// Whoever else listens there, with SO_REUSEPORT too, would be given a part of the clients and keep
/// bounds of its own: then nobody's bound holds. The system refuses a socket without that option,
/// so one is bound before those of the workers. Two programs that start in the same instant may
/// miss each other.
void refuse_shared_port(const net::SocketAddress& address, bool only_v6, const std::string& what) {
    const int probe = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) fail(probe, what);
    const int on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family() == AF_INET6) {
        const int only = only_v6 ? 1 : 0;
        ::setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (::bind(probe, address.get(), address.size) != 0) fail(probe, what);
    ::close(probe);
}

}  // namespace

ListeningSocket open_listening_socket(const config::ListenAddress& listen_address,
                                      const config::Postgres& settings, PortUse use) {
    const net::SocketAddress address = address_of(listen_address);
    const std::string what = "cannot listen on " + address.text();
    const bool every = listen_address.host == "*" || listen_address.host.empty();
    if (use == PortUse::first && !address.is_unix() && address.port() != 0) {
        refuse_shared_port(address, !every, what);
    }
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail(fd, what);
    const int on = 1;
    if (address.is_unix()) {
        remove_stale_socket(address, listen_address.path);
    } else {
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        // Set once here: every accepted socket inherits them.
        net::set_tcp_options(fd, settings);
        // A client speaks first, so one that has said nothing yet need not be accepted; whoever
        // never speaks is, when this time is up, and meets the login timeout.
        const int silence_seconds = 5;
        ::setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &silence_seconds, sizeof silence_seconds);
        if (address.family() == AF_INET6) {
            const int only = every ? 0 : 1;
            ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        }
    }
    if (::bind(fd, address.get(), address.size) != 0) fail(fd, what);
    if (address.is_unix() && ::chmod(listen_address.path.c_str(), settings.unix_socket_mode) != 0) {
        fail(fd, what);
    }
    if (::listen(fd, static_cast<int>(settings.listen_backlog)) != 0) fail(fd, what);
    return {fd, net::local_address_of(fd)};
}

Listener::Listener(Worker& worker, ListeningSocket socket, Side side)
    : worker_(worker), socket_(std::move(socket)), side_(side) {
    if (!watch()) fail(socket_.fd, "cannot listen on " + socket_.address.text());
}

Listener::~Listener() {
    if (watched_) worker_.engine().unwatch(socket_.fd);
    ::close(socket_.fd);
}

void Listener::ready() {
    // One a turn, since what waits longer is reported again; more while turns are long.
    const int batch = std::clamp(worker_.engine().turn_events() / 2, 1, batch_max);
    for (int count = 0; count < batch; ++count) {
        net::SocketAddress peer;
        peer.size = sizeof peer.storage;
        const int fd = ::accept4(socket_.fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            worker_.accepted(fd, peer, side_);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED) {
            return;
        }
        const int error = errno;
        worker_.engine().unwatch(socket_.fd);
        watched_ = false;
        pause(error);
        return;
    }
}

bool Listener::watch() noexcept {
    watched_ = worker_.engine().watch(socket_.fd, *this, net::Readiness::readable);
    return watched_;
}

void Listener::pause(int error) {
    ++worker_.counters.accept_failures;
    log::warning("accept failed, pausing", {{"error", std::generic_category().message(error)},
                                            {"listener", socket_.address.text()}});
    worker_.engine().timers().arm(*this, worker_.engine().now() + pause_when_full);
}

void Listener::expired(net::TimePoint) {
    // What was short for the accept may be short for this, too.
    if (!watch()) pause(errno);
}

}  // namespace sluice::server
