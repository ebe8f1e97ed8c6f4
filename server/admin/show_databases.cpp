#include "config/resolve.hpp"
#include "config/values.hpp"

#include "server/admin/backend_count.hpp"
#include "server/admin/show.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace sluice::server {

namespace {

using enum ColumnType;

constexpr std::array<Column, 17> columns{{{"name"},
                                          {"host"},
                                          {"port", int4},
                                          {"database"},
                                          {"force_user"},
                                          {"pool_size", int4},
                                          {"min_pool_size", int4},
                                          {"reserve_pool_size", int4},
                                          {"server_lifetime", int4},
                                          {"pool_mode"},
                                          {"load_balance_hosts"},
                                          {"max_connections", int4},
                                          {"current_connections", int4},
                                          {"max_client_connections", int4},
                                          {"current_client_connections", int4},
                                          {"paused", int4},
                                          {"disabled", int4}}};

struct InUse {
    std::uint64_t clients = 0;
    std::uint64_t backends = 0;
};

/// Of the pools that this entry of the configuration serves: `*` serves those no other does.
InUse in_use(const std::vector<PoolSnapshot>& pools, const config::Postgres& postgres,
             const config::Database& database) {
    InUse sum;
    for (const PoolSnapshot& pool : pools) {
        if (config::find_database(postgres, pool.database) != &database) continue;
        sum.clients +=
            std::uint64_t{pool.clients_idle} + pool.clients_waiting + pool.clients_active;
        sum.backends += backend_count(pool.stats);
    }
    return sum;
}

std::string hosts_text(const config::Database& database) {
    std::string text;
    for (const config::HostPort& host : database.hosts) {
        if (!text.empty()) text += ',';
        text += host.host;
    }
    return text;
}

Cell text_or_null(const std::string& text) {
    return text.empty() ? Cell(nullptr) : Cell(text);
}

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& facts) {
    if (facts.postgres == nullptr) return;
    const std::vector<PoolSnapshot> pools = pools_of(snapshot);
    for (const auto& [name, database] : facts.postgres->databases) {
        const config::PoolSettings limits =
            config::resolve_limits(*facts.postgres, &database, nullptr);
        const InUse now = in_use(pools, *facts.postgres, database);
        const auto& mode = database.overrides.pool_mode;
        const std::string mode_text = mode ? config::show(*mode) : std::string();
        const auto lifetime = std::chrono::floor<std::chrono::seconds>(limits.server_lifetime);
        table.row({name, hosts_text(database),
                   database.hosts.empty() ? Cell(nullptr) : Cell(database.hosts.front().port),
                   database.dbname.empty() ? name : database.dbname, text_or_null(database.user),
                   limits.pool_size, limits.min_pool_size, limits.reserve_pool_size,
                   lifetime.count(), mode ? Cell(mode_text) : Cell(nullptr), nullptr,
                   limits.max_db_connections, now.backends, limits.max_db_client_connections,
                   now.clients, 0, 0});
    }
}

}  // namespace

constinit const Show show_databases{"databases", "the configured databases",
                                    SnapshotDetail::counters, columns, rows};

}  // namespace sluice::server
