#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net {

/// Where a socket is or goes: TCP over IPv4 or IPv6, or a Unix socket's file.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] int family() const noexcept { return storage.ss_family; }
    [[nodiscard]] bool is_unix() const noexcept { return storage.ss_family == AF_UNIX; }
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "127.0.0.1:5432", "[::1]:5432", "unix:/run/.s.PGSQL.5432", or "unix" for a nameless peer.
    [[nodiscard]] std::string text() const;
    /// The same without the port.
    [[nodiscard]] std::string host_text() const;
};

/// What tells one client machine from another: an IPv6 address, or a mapped IPv4 one. All zero
/// for Unix sockets.
using ClientAddress = std::array<std::uint8_t, 16>;

[[nodiscard]] ClientAddress client_address(const SocketAddress& address) noexcept;

/// Nothing when `host` is a name that must be looked up.
[[nodiscard]] std::optional<SocketAddress> numeric_address(std::string_view host,
                                                           std::uint16_t port);
/// Nothing when the path is longer than the system's structure holds.
[[nodiscard]] std::optional<SocketAddress> unix_address(std::string_view path);

[[nodiscard]] SocketAddress local_address_of(int fd);
[[nodiscard]] SocketAddress peer_address_of(int fd);

}  // namespace sluice::net
