#include "config/values.hpp"

#include "server/admin/show.hpp"

#include <array>

namespace sluice::server {

namespace {

using enum ColumnType;

constexpr std::array<Column, 21> columns{{{"database"},
                                          {"user"},
                                          {"cl_active", int4},
                                          {"cl_waiting", int4},
                                          {"cl_active_cancel_req", int4},
                                          {"cl_waiting_cancel_req", int4},
                                          {"sv_active", int4},
                                          {"sv_active_cancel", int4},
                                          {"sv_being_canceled", int4},
                                          {"sv_idle", int4},
                                          {"sv_used", int4},
                                          {"sv_tested", int4},
                                          {"sv_login", int4},
                                          {"maxwait", int4},
                                          {"maxwait_us", int4},
                                          {"pool_mode"},
                                          {"load_balance_hosts"},
                                          {"pool_size", int4},
                                          {"cl_idle", int4},
                                          {"cl_pinned", int4},
                                          {"sv_closing", int4}}};

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& /*facts*/) {
    using State = pool::Backend::State;
    using std::chrono::microseconds;
    for (const PoolSnapshot& pool : pools_of(snapshot)) {
        const pool::Stats& stats = pool.stats;
        const auto wait = std::chrono::duration_cast<microseconds>(stats.oldest_wait).count();
        // PgBouncer counts a client that asks for nothing among the active ones. What it calls
        // `used` (idle, to be checked first) is idle here, and cancels are not counted by pool.
        table.row({pool.database,
                   pool.user,
                   pool.clients_active + pool.clients_idle,
                   pool.clients_waiting,
                   0,
                   0,
                   stats.in_state(State::leased),
                   0,
                   0,
                   stats.in_state(State::idle) + stats.in_state(State::travelling),
                   0,
                   stats.in_state(State::checking) + stats.in_state(State::resetting),
                   stats.in_state(State::opening) + stats.opens_ordered,
                   wait / 1'000'000,
                   wait % 1'000'000,
                   config::show(pool.mode),
                   nullptr,
                   stats.limits.pool_size,
                   pool.clients_idle,
                   pool.clients_pinned,
                   stats.in_state(State::closing)});
    }
}

}  // namespace

constinit const Show show_pools{"pools", "clients and backends of every pool",
                                SnapshotDetail::counters, columns, rows};

}  // namespace sluice::server
