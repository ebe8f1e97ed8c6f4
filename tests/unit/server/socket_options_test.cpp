#include "server/net/socket_options.hpp"

#include "server/listener.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <tuple>

namespace sluice::server {
namespace {

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

config::Postgres with_all() {
    config::Postgres settings;
    settings.tcp_keepidle = std::chrono::seconds(11);
    settings.tcp_keepintvl = std::chrono::milliseconds(1'500);
    settings.tcp_keepcnt = 4;
    settings.tcp_user_timeout = std::chrono::milliseconds(2'500);
    return settings;
}

TEST(SocketOptions, are_those_of_the_settings) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    net::set_tcp_options(fd, with_all());
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 2) << "whole seconds, never less than asked";
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 2'500);
    EXPECT_NE(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    ::close(fd);
}

TEST(SocketOptions, without_keepalive_set_none_of_it) {
    config::Postgres settings = with_all();
    settings.tcp_keepalive = false;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    net::set_tcp_options(fd, settings);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    ::close(fd);
}

TEST(ListeningSocket, hands_the_options_on_to_what_it_accepts) {
    config::ListenAddress address;
    address.host = "127.0.0.1";
    const ListeningSocket socket = open_listening_socket(address, with_all(), PortUse::first);
    EXPECT_EQ(option(socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 2'500);
    EXPECT_EQ(option(socket.fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
    ::close(socket.fd);
}

TEST(ListeningSocket, shares_its_port_with_its_own_program_alone) {
    config::ListenAddress address;
    address.host = "127.0.0.1";
    const ListeningSocket first = open_listening_socket(address, {}, PortUse::first);
    address.port = first.address.port();
    const ListeningSocket second = open_listening_socket(address, {}, PortUse::shared);
    EXPECT_EQ(second.address.port(), first.address.port());
    try {
        std::ignore = open_listening_socket(address, {}, PortUse::first);
        FAIL() << "another program would be let in";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::address_in_use);
        EXPECT_NE(std::string(error.what()).find(std::to_string(address.port)), std::string::npos);
    }
    ::close(first.fd);
    ::close(second.fd);
}

}  // namespace
}  // namespace sluice::server
