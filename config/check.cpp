#include "config/check.hpp"

#include "config/addresses.hpp"
#include "config/check_part.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sluice::config {

namespace {

/// Port 0 lets the system choose, so two of them are two ports.
bool collide(const ListenAddress& a, const ListenAddress& b) {
    return a == b && (a.kind == ListenAddress::Kind::unix_socket || a.port != 0);
}

void check_keepalive(const CheckPart& part) {
    const auto& postgres = part.settings.postgres;
    const std::array<std::pair<const char*, Duration>, 2> pauses{
        std::pair{"postgres.tcp_keepidle", postgres.tcp_keepidle},
        std::pair{"postgres.tcp_keepintvl", postgres.tcp_keepintvl},
    };
    for (const auto& [name, pause] : pauses) {
        if (pause.count() % 1'000 != 0) {
            part.report(
                Severity::error, {name},
                std::string(name) + ": the system counts whole seconds, found " + show(pause));
        }
    }
    const bool tuned = postgres.tcp_keepidle.count() != 0 || postgres.tcp_keepintvl.count() != 0 ||
                       postgres.tcp_keepcnt != 0;
    if (tuned && !postgres.tcp_keepalive) {
        part.report(Severity::warning, {"postgres.tcp_keepalive"},
                    "tcp_keepidle, tcp_keepintvl and tcp_keepcnt do nothing while tcp_keepalive "
                    "is false");
    }
}

void check_peers(const CheckPart& part) {
    const auto& postgres = part.settings.postgres;
    for (const Peer& peer : postgres.peers) {
        if (peer.instance == 0) continue;
        if (postgres.instance == 0) {
            part.report(Severity::error, {"postgres.peers", "postgres.instance"},
                        "postgres.peers: " + show(peer) +
                            " is known by its number in cancel keys, so this instance needs one "
                            "too: give each its own in postgres.instance");
        } else if (peer.instance == postgres.instance) {
            part.report(Severity::error, {"postgres.peers", "postgres.instance"},
                        "postgres.peers: " + show(peer) + " has the number of this instance");
        }
    }
}

}  // namespace

void CheckPart::report(Severity severity, std::initializer_list<std::string> keys,
                       std::string text) const {
    for (const auto& key : keys) {
        if (places.is_broken(key)) return;
    }
    const auto place = places.find(*keys.begin());
    problems.push_back({severity, place.file, place.line, place.column, std::move(text)});
}

void check_listeners(const CheckPart& part, Severity open_trust) {
    const auto& postgres = part.settings.postgres;
    const auto& admin = part.settings.admin.listen;
    const std::string key = "postgres.listen";
    if (postgres.listen.empty() && !part.settings.redis.served()) {
        part.report(Severity::error, {key},
                    "postgres.listen: no address to listen on; give one, as \"127.0.0.1:6432\"");
    }
    for (auto address = postgres.listen.begin(); address != postgres.listen.end(); ++address) {
        const bool again =
            std::any_of(postgres.listen.begin(), address,
                        [&](const ListenAddress& earlier) { return collide(earlier, *address); });
        if (again) {
            part.report(Severity::error, {key}, key + ": " + show(*address) + " is there twice");
        }
        if (admin && collide(*admin, *address)) {
            part.report(Severity::error, {"admin.listen", key},
                        "admin.listen: " + show(*address) + " is in postgres.listen too");
        }
        const auto& redis = part.settings.redis;
        if (redis.served() &&
            std::any_of(redis.listen.begin(), redis.listen.end(),
                        [&](const ListenAddress& other) { return collide(other, *address); })) {
            part.report(Severity::error, {"redis.listen", key},
                        "redis.listen: " + show(*address) + " is in postgres.listen too");
        }
        if (postgres.auth == AuthMethod::trust && !is_local(*address)) {
            part.report(open_trust, {key, "postgres.auth"},
                        key + ": with auth = \"trust\" whoever reaches " + show(*address) +
                            " gets in without a password; give users a password, or listen on "
                            "127.0.0.1, [::1] or a Unix socket");
        }
    }
}

void check_limits(const CheckPart& part) {
    const auto& server = part.settings.server;
    const auto& postgres = part.settings.postgres;
    if (postgres.client_buffer_max > server.buffer_memory_max) {
        part.report(Severity::error, {"postgres.client_buffer_max", "server.buffer_memory_max"},
                    "postgres.client_buffer_max: " + show(postgres.client_buffer_max) +
                        " for one peer is more than server.buffer_memory_max, " +
                        show(server.buffer_memory_max) + ", allows for all of them");
    }
    if (postgres.spool_bytes_max > 0 && postgres.spool_bytes_max <= postgres.client_buffer_max) {
        part.report(Severity::warning, {"postgres.spool_bytes_max", "postgres.client_buffer_max"},
                    "postgres.spool_bytes_max: " + show(postgres.spool_bytes_max) +
                        " is no more than postgres.client_buffer_max, so it keeps nothing more");
    }
    if (postgres.spool_bytes_max > server.buffer_memory_max / 4) {
        part.report(Severity::warning, {"postgres.spool_bytes_max", "server.buffer_memory_max"},
                    "postgres.spool_bytes_max: " + show(postgres.spool_bytes_max) +
                        " for one client is more than a quarter of server.buffer_memory_max, " +
                        show(server.buffer_memory_max) + ", which is all that results are kept in");
    }
    if (postgres.server_reset_query.empty()) {
        part.report(Severity::warning, {"postgres.server_reset_query"},
                    "postgres.server_reset_query: without one a backend keeps the session state "
                    "of the client before");
    }
    check_keepalive(part);
    check_peers(part);
}

std::vector<Problem> check(const Settings& settings, const Places& places, Severity open_trust) {
    std::vector<Problem> problems;
    const CheckPart part{settings, places, problems};
    check_listeners(part, open_trust);
    check_limits(part);
    check_pools(part);
    // Without a listener nobody has to be able to log in.
    if (!settings.postgres.listen.empty()) check_secrets(part);
    check_redis(part, open_trust);
    return problems;
}

}  // namespace sluice::config
