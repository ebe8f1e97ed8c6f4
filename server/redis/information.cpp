#include "server/redis/information.hpp"

#include "server/redis/client.hpp"
#include "server/redis/side.hpp"
#include "server/version.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace sluice::server {

namespace {

void add(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ':';
    out += value;
    out += "\r\n";
}

void add(std::string& out, std::string_view name, std::uint64_t value) {
    add(out, name, std::to_string(value));
}

}  // namespace

std::string information_for(const RedisClient& client) {
    const Shared& shared = client.side().worker().shared();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now() - shared.started);
    std::string out = "# Sluice\r\n";
    add(out, "sluice_version", version);
    add(out, "sluice_uptime_in_seconds", static_cast<std::uint64_t>(uptime.count()));
    add(out, "sluice_workers", shared.workers.size());
    add(out, "sluice_clients", shared.redis_clients.used());
    add(out, "sluice_max_clients", shared.redis_clients.limit());
    const std::string& database = client.terms().database;
    add(out, "sluice_database", database);
    for (const RedisDirectory::Bound& bound : shared.redis.bounds()) {
        if (bound.database != database) continue;
        add(out, "sluice_backends", bound.used);
        add(out, "sluice_max_connections", bound.limit);
        add(out, "sluice_pinned_backends", bound.pinned_used);
        add(out, "sluice_pinned_connections", bound.pinned_limit);
        add(out, "sluice_memory_gate", name_of(bound.health.gate));
    }
    return out;
}

}  // namespace sluice::server
