#include "server/admin/show.hpp"
#include "server/admin/socket_columns.hpp"

#include <array>

namespace sluice::server {

namespace {

using enum ColumnType;

constexpr std::array<Column, 21> columns{{{"type"},
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
                                          {"id", int8}}};

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& facts) {
    const auto now = snapshot.started + facts.uptime;
    for (const WorkerSnapshot& worker : snapshot.workers) {
        for (const BackendRow& backend : worker.backends) {
            const SocketColumns peer = socket_columns(backend.address);
            // PgBouncer's word for a backend that a client holds; the others are our own.
            std::string_view state = backend.state;
            if (state == "leased") state = "active";
            table.row({"S",
                       backend.user,
                       backend.database,
                       "none",
                       state,
                       peer.addr,
                       peer.port,
                       nullptr,
                       nullptr,
                       timestamp_text(now - backend.age),
                       nullptr,
                       0,
                       0,
                       0,
                       pointer_text(backend.id),
                       pointer_text(backend.client_id),
                       backend.process_id,
                       "",
                       nullptr,
                       0,
                       backend.id});
        }
    }
}

}  // namespace

constinit const Show show_servers{"servers", "every backend", SnapshotDetail::rows, columns, rows};

}  // namespace sluice::server
