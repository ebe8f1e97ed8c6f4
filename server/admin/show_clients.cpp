#include "server/admin/show.hpp"
#include "server/admin/socket_columns.hpp"

#include <array>

namespace sluice::server {

namespace {

using enum ColumnType;

constexpr std::array<Column, 22> columns{{{"type"},
                                          {"user"},
                                          {"database"},
                                          {"replication"},
                                          {"state"},
                                          {"addr"},
                                          {"port", int4},
                                          {"local_addr"},
                                          {"local_port", int4},
                                          {"connect_time"},
                                          {"request_time"},
                                          {"wait", int4},
                                          {"wait_us", int4},
                                          {"close_needed", int4},
                                          {"ptr"},
                                          {"link"},
                                          {"remote_pid", int4},
                                          {"tls"},
                                          {"application_name"},
                                          {"prepared_statements", int4},
                                          {"id", int8},
                                          {"pin"}}};

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& facts) {
    const auto now = snapshot.started + facts.uptime;
    for (const WorkerSnapshot& worker : snapshot.workers) {
        for (const ClientRow& client : worker.clients) {
            const SocketColumns peer = socket_columns(client.address);
            table.row({"C",
                       client.user,
                       client.database,
                       "none",
                       client.state,
                       peer.addr,
                       peer.port,
                       nullptr,
                       nullptr,
                       timestamp_text(now - client.age),
                       nullptr,
                       client.wait.count() / 1'000,
                       client.wait.count() % 1'000 * 1'000,
                       0,
                       pointer_text(client.id),
                       pointer_text(client.backend_id),
                       0,
                       "",
                       client.application_name,
                       client.statements,
                       client.id,
                       client.pin});
        }
    }
}

}  // namespace

constinit const Show show_clients{"clients", "every client", SnapshotDetail::rows, columns, rows};

}  // namespace sluice::server
