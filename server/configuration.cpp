#include "server/configuration.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace sluice::server {

std::string next_start_keys(const config::Settings& started_with, const config::Settings& wanted) {
    const config::Postgres& then = started_with.postgres;
    const config::Postgres& now = wanted.postgres;
    // Towards clients the settings of TCP belong to the listeners, whose sockets hand them on.
    const std::array<std::pair<std::string_view, bool>, 11> keys{{
        {"server.workers", started_with.server.workers != wanted.server.workers},
        {"admin.listen", started_with.admin.listen != wanted.admin.listen},
        {"redis.listen", started_with.redis.listen != wanted.redis.listen ||
                             started_with.redis.served() != wanted.redis.served()},
        {"postgres.listen", then.listen != now.listen},
        {"postgres.listen_backlog", then.listen_backlog != now.listen_backlog},
        {"postgres.unix_socket_mode", then.unix_socket_mode != now.unix_socket_mode},
        {"postgres.tcp_keepalive (towards clients)", then.tcp_keepalive != now.tcp_keepalive},
        {"postgres.tcp_keepidle (towards clients)", then.tcp_keepidle != now.tcp_keepidle},
        {"postgres.tcp_keepintvl (towards clients)", then.tcp_keepintvl != now.tcp_keepintvl},
        {"postgres.tcp_keepcnt (towards clients)", then.tcp_keepcnt != now.tcp_keepcnt},
        {"postgres.tcp_user_timeout (towards clients)",
         then.tcp_user_timeout != now.tcp_user_timeout},
    }};
    std::string changed;
    for (const auto& [name, differs] : keys) {
        if (!differs) continue;
        if (!changed.empty()) changed += ", ";
        changed += name;
    }
    return changed;
}

}  // namespace sluice::server
