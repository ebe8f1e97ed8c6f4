#include "server/net/socket_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <tuple>

namespace sluice::net {

namespace {

void set(int fd, int level, int name, int value) {
    // Fails on a Unix socket, where none of these means anything.
    std::ignore = ::setsockopt(fd, level, name, &value, sizeof value);
}

int seconds_of(config::Duration duration) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

}  // namespace

void set_tcp_options(int fd, const config::Postgres& settings) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (settings.tcp_keepalive) {
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        if (settings.tcp_keepidle.count() > 0) {
            set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(settings.tcp_keepidle));
        }
        if (settings.tcp_keepintvl.count() > 0) {
            set(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds_of(settings.tcp_keepintvl));
        }
        if (settings.tcp_keepcnt > 0) {
            set(fd, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(settings.tcp_keepcnt));
        }
    }
    if (settings.tcp_user_timeout.count() > 0) {
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(settings.tcp_user_timeout.count()));
    }
}

}  // namespace sluice::net
