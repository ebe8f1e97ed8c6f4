#include "server/admin/show.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

namespace sluice::server {

namespace {

using enum ColumnType;

constexpr std::array<Column, 17> columns{{{"database"},
                                          {"total_server_assignment_count", int8},
                                          {"total_xact_count", int8},
                                          {"total_query_count", int8},
                                          {"total_received", int8},
                                          {"total_sent", int8},
                                          {"total_xact_time", int8},
                                          {"total_query_time", int8},
                                          {"total_wait_time", int8},
                                          {"avg_server_assignment_count", int8},
                                          {"avg_xact_count", int8},
                                          {"avg_query_count", int8},
                                          {"avg_recv", int8},
                                          {"avg_sent", int8},
                                          {"avg_xact_time", int8},
                                          {"avg_query_time", int8},
                                          {"avg_wait_time", int8}}};

/// Durations of one kind: their sum in microseconds, and how many they are.
struct Times {
    std::uint64_t microseconds = 0;
    std::uint64_t count = 0;

    void add(const Histogram& times) {
        using std::chrono::duration_cast;
        const auto sum = duration_cast<std::chrono::microseconds>(times.sum()).count();
        microseconds += static_cast<std::uint64_t>(sum);
        count += std::accumulate(times.counts().begin(), times.counts().end(), std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t average() const noexcept {
        return count == 0 ? 0 : microseconds / count;
    }
};

struct DatabaseStats {
    std::uint64_t assignments = 0, transactions = 0, queries = 0, received = 0, sent = 0;
    Times lease, query, wait;
};

void rows(TableWriter& table, const Snapshot& snapshot, const ConsoleFacts& facts) {
    std::map<std::string, DatabaseStats> databases;
    for (const PoolSnapshot& pool : pools_of(snapshot)) {
        DatabaseStats& sum = databases[pool.database];
        sum.assignments +=
            pool.stats.counters.grants_at_once + pool.stats.counters.grants_after_wait;
        sum.transactions += pool.counters.transactions;
        sum.queries += pool.counters.queries;
        sum.received += pool.counters.received_bytes;
        sum.sent += pool.counters.sent_bytes;
        sum.lease.add(pool.counters.lease_seconds);
        sum.query.add(pool.counters.query_seconds);
        sum.wait.add(pool.counters.wait_seconds);
    }
    // PgBouncer's averages are those of its last stats_period; these are since the start. Who
    // wants a rate takes the differences of the totals, or /metrics.
    const auto uptime = static_cast<std::uint64_t>(std::max<std::int64_t>(facts.uptime.count(), 1));
    for (const auto& [name, sum] : databases) {
        table.row({name, sum.assignments, sum.transactions, sum.queries, sum.received, sum.sent,
                   sum.lease.microseconds, sum.query.microseconds, sum.wait.microseconds,
                   sum.assignments / uptime, sum.transactions / uptime, sum.queries / uptime,
                   sum.received / uptime, sum.sent / uptime, sum.lease.average(),
                   sum.query.average(), sum.wait.average()});
    }
}

}  // namespace

constinit const Show show_stats{"stats", "what went through, by database", SnapshotDetail::counters,
                                columns, rows};

}  // namespace sluice::server
