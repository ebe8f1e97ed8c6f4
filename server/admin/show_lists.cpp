#include "server/admin/backend_count.hpp"
#include "server/admin/show.hpp"

#include <array>
#include <cstdint>

namespace sluice::server {

namespace {

constexpr std::array<Column, 2> columns{{{"list"}, {"items", ColumnType::int4}}};

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& facts) {
    std::uint64_t login = 0, others = 0, backends = 0;
    for (const WorkerSnapshot& worker : snapshot.workers) {
        login += worker.clients_login;
        others += worker.clients_console;
        for (const PoolSnapshot& pool : worker.pools) {
            others += std::uint64_t{pool.clients_idle} + pool.clients_waiting + pool.clients_active;
            backends += backend_count(pool.stats);
        }
    }
    table.row({"databases", facts.postgres == nullptr ? 0 : facts.postgres->databases.size()});
    table.row({"users", facts.postgres == nullptr ? 0 : facts.postgres->users.size()});
    table.row({"peers", 0});
    table.row({"pools", pools_of(snapshot).size()});
    table.row({"peer_pools", 0});
    // PgBouncer's free ones are structures kept for reuse, of which there are none here.
    table.row({"free_clients", 0});
    table.row({"used_clients", login + others});
    table.row({"login_clients", login});
    table.row({"free_servers", 0});
    table.row({"used_servers", backends});
    table.row({"dns_names", 0});
    table.row({"dns_zones", 0});
    table.row({"dns_queries", 0});
    table.row({"dns_pending", 0});
}

}  // namespace

constinit const Show show_lists{"lists", "how many there are of what", SnapshotDetail::counters,
                                columns, rows};

}  // namespace sluice::server
