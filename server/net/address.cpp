#include "server/net/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace sluice::net {

namespace {

template <typename T>
T as(const sockaddr_storage& storage) noexcept {
    T value{};
    std::memcpy(&value, &storage, sizeof value);
    return value;
}

template <typename T>
SocketAddress from(const T& value) noexcept {
    SocketAddress address;
    std::memcpy(&address.storage, &value, sizeof value);
    address.size = sizeof value;
    return address;
}

}  // namespace

std::uint16_t SocketAddress::port() const noexcept {
    if (family() == AF_INET) return ntohs(as<sockaddr_in>(storage).sin_port);
    if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(storage).sin6_port);
    return 0;
}

std::string SocketAddress::host_text() const {
    char text[INET6_ADDRSTRLEN] = {};
    if (family() == AF_INET) {
        const auto in = as<sockaddr_in>(storage);
        ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    } else if (family() == AF_INET6) {
        const auto in = as<sockaddr_in6>(storage);
        ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    } else {
        return "unix";
    }
    return text;
}

std::string SocketAddress::text() const {
    if (family() == AF_INET) return host_text() + ':' + std::to_string(port());
    if (family() == AF_INET6) return '[' + host_text() + "]:" + std::to_string(port());
    const auto un = as<sockaddr_un>(storage);
    if (size <= offsetof(sockaddr_un, sun_path) || un.sun_path[0] == '\0') return "unix";
    return std::string("unix:") + un.sun_path;
}

ClientAddress client_address(const SocketAddress& address) noexcept {
    ClientAddress bytes{};
    if (address.family() == AF_INET) {
        const auto in = as<sockaddr_in>(address.storage);
        bytes[10] = 0xff;
        bytes[11] = 0xff;
        std::memcpy(bytes.data() + 12, &in.sin_addr, 4);
    } else if (address.family() == AF_INET6) {
        const auto in = as<sockaddr_in6>(address.storage);
        std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    }
    return bytes;
}

std::optional<SocketAddress> numeric_address(std::string_view host, std::uint16_t port) {
    const std::string text(host);
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return from(v4);
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        return from(v6);
    }
    return std::nullopt;
}

std::optional<SocketAddress> unix_address(std::string_view path) {
    sockaddr_un un{};
    if (path.empty() || path.size() >= sizeof un.sun_path) return std::nullopt;
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path.data(), path.size());
    SocketAddress address = from(un);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return address;
}

SocketAddress local_address_of(int fd) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        address = {};
    }
    return address;
}

SocketAddress peer_address_of(int fd) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        address = {};
    }
    return address;
}

}  // namespace sluice::net
