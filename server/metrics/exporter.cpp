#include "server/metrics/exporter.hpp"

#include "config/values.hpp"

#include "server/admin/backend_count.hpp"
#include "server/metrics/label_value.hpp"
#include "server/metrics/names.hpp"
#include "server/metrics/page.hpp"
#include "server/metrics/redis_samples.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::server {

namespace {

using pool::Backend;

constexpr std::string_view postgres = "postgres";

// By pool::Refused.
constexpr std::array<std::string_view, pool::refused_count> refused_labels{
    "queue_full", "wait_timeout", "backend_rejected", "draining"};

// By pool::CloseReason.
constexpr std::array<std::string_view, hold_count> hold_labels{"transaction", "portal", "reader"};
constexpr std::array<std::string_view, spool_refusal_count> spool_refusal_labels{"client_limit",
                                                                                 "memory"};
constexpr std::array<std::string_view, pool::close_reason_count> close_labels{
    "broken",     "idle_timeout", "lifetime", "recycled",    "evicted",
    "over_limit", "paused",       "draining", "open_failed", "lost"};

constexpr std::array<std::pair<Backend::State, std::string_view>, 7> backend_labels{{
    {Backend::State::opening, "opening"},
    {Backend::State::idle, "idle"},
    {Backend::State::checking, "checking"},
    {Backend::State::leased, "active"},
    {Backend::State::resetting, "resetting"},
    {Backend::State::travelling, "travelling"},
    {Backend::State::closing, "closing"},
}};

/// The samples of one pool.
class PoolSamples {
  public:
    PoolSamples(Page& page, const PoolSnapshot& snapshot)
        : page_(page), database_(snapshot.database), user_(snapshot.user) {
        pool_ = user_ + "@" + database_;
    }

    template <class Value>
    void add(Metric metric, const Value& value) {
        const std::array<std::string_view, 4> labels{postgres, database_, user_, pool_};
        page_.add(metric, labels, value);
    }
    template <class Value>
    void add(Metric metric, std::string_view last_label, const Value& value) {
        const std::array<std::string_view, 5> labels{postgres, database_, user_, pool_, last_label};
        page_.add(metric, labels, value);
    }

  private:
    Page& page_;
    std::string database_, user_, pool_;
};

void add_gauges(PoolSamples& samples, const PoolSnapshot& pool) {
    const pool::Stats& stats = pool.stats;
    samples.add(Metric::pool_info, config::show(pool.mode), 1);
    samples.add(Metric::pool_size, stats.limits.pool_size);
    samples.add(Metric::pool_reserve_size, stats.limits.reserve_pool_size);
    samples.add(Metric::pool_max_waiters, stats.limits.max_waiters);
    for (const auto& [state, label] : backend_labels) {
        // A backend that is ordered and not made yet holds its permit already.
        const bool is_opening = state == Backend::State::opening;
        samples.add(Metric::pool_backends, label,
                    stats.in_state(state) + (is_opening ? stats.opens_ordered : 0));
    }
    samples.add(Metric::pool_clients, "idle", pool.clients_idle);
    samples.add(Metric::pool_clients, "waiting", pool.clients_waiting);
    samples.add(Metric::pool_clients, "active", pool.clients_active);
    samples.add(Metric::pool_waiting_clients, stats.waiters);
    samples.add(Metric::pool_pinned_clients, pool.clients_pinned);
    for (std::size_t at = 0; at < hold_labels.size(); ++at)
        samples.add(Metric::pool_held, hold_labels[at], pool.held[at]);
    samples.add(Metric::pool_spool_bytes, pool.spool_bytes);
    samples.add(Metric::pool_statements, pool.statements);
    samples.add(Metric::pool_statement_bytes, pool.statement_bytes);
    samples.add(Metric::pool_oldest_wait, seconds_of(stats.oldest_wait));
}

void add_counters(PoolSamples& samples, const PoolSnapshot& pool) {
    const PoolCounters& counters = pool.counters;
    const pool::Counters& engine = pool.stats.counters;
    samples.add(Metric::pool_wait, counters.wait_seconds);
    samples.add(Metric::pool_lease, counters.lease_seconds);
    samples.add(Metric::pool_query, counters.query_seconds);
    samples.add(Metric::pool_grants, "no", engine.grants_at_once);
    samples.add(Metric::pool_grants, "yes", engine.grants_after_wait);
    samples.add(Metric::pool_abandoned_waits, engine.abandons);
    for (std::size_t at = 0; at < refused_labels.size(); ++at) {
        samples.add(Metric::pool_refusals, refused_labels[at], engine.refusals[at]);
    }
    for (std::size_t at = 0; at < counters.pins.size(); ++at) {
        const std::string_view reason = pg::name_of(static_cast<pg::PinReason>(at));
        samples.add(Metric::pool_pins, reason, counters.pins[at]);
        samples.add(Metric::pool_pinned, reason, seconds_of(counters.pinned_time[at]));
    }
    samples.add(Metric::pool_questions, "answered", counters.questions - counters.questions_failed);
    samples.add(Metric::pool_questions, "failed", counters.questions_failed);
    samples.add(Metric::pool_questions, "remembered", counters.questions_saved);
    samples.add(Metric::pool_deferred_begins, "sent", counters.begins_sent);
    samples.add(Metric::pool_deferred_begins, "spared", counters.begins_spared);
    samples.add(Metric::pool_queries, counters.queries);
    samples.add(Metric::pool_transactions, counters.transactions);
    samples.add(Metric::pool_received_bytes, counters.received_bytes);
    samples.add(Metric::pool_sent_bytes, counters.sent_bytes);
    samples.add(Metric::pool_opens, engine.opens);
    samples.add(Metric::pool_open_failures, engine.open_failures);
    samples.add(Metric::pool_open_shortages, engine.open_shortages);
    for (std::size_t at = 0; at < close_labels.size(); ++at) {
        samples.add(Metric::pool_closes, close_labels[at], engine.closes[at]);
    }
    samples.add(Metric::pool_resets, engine.resets);
    samples.add(Metric::pool_checks, engine.checks);
    samples.add(Metric::pool_recoveries, counters.recoveries);
    samples.add(Metric::pool_moves, engine.sends);
    samples.add(Metric::pool_parses, counters.statements.parses);
    samples.add(Metric::pool_parses_sent, counters.statements.parses_sent);
    samples.add(Metric::pool_binds, counters.statements.binds);
    samples.add(Metric::pool_evictions, counters.statements.evictions);
    samples.add(Metric::pool_batches_sent_again, counters.statements.batches_sent_again);
    for (std::size_t at = 0; at < hold_labels.size(); ++at)
        samples.add(Metric::pool_held_seconds, hold_labels[at], seconds_of(counters.held[at]));
    samples.add(Metric::pool_spooled_bytes, counters.spooled_bytes);
    for (std::size_t at = 0; at < spool_refusal_labels.size(); ++at) {
        samples.add(Metric::pool_spool_refusals, spool_refusal_labels[at],
                    counters.spool_refusals[at]);
    }
}

/// The pools under the names their labels bear, as many as are exported; the rest as one.
std::vector<PoolSnapshot> exported_pools(const Snapshot& snapshot) {
    std::vector<PoolSnapshot> pools = pools_of(snapshot);
    const bool is_bounded = pools.size() <= exported_pool_count_max;
    std::uint32_t rest_size = 0;
    for (std::size_t at = 0; at < pools.size(); ++at) {
        PoolSnapshot& pool = pools[at];
        if (!is_bounded && at + 1 >= exported_pool_count_max) {
            rest_size += pool.stats.limits.pool_size;
            pool.database = pool.user = "(other)";
        } else {
            pool.database = label_value(pool.database);
            pool.user = label_value(pool.user);
        }
    }
    // Names that have become equal are added up here.
    Snapshot renamed;
    renamed.workers.emplace_back().pools = std::move(pools);
    pools = pools_of(renamed);
    for (PoolSnapshot& pool : pools) {
        if (!is_bounded && pool.database == "(other)") pool.stats.limits.pool_size = rest_size;
    }
    return pools;
}

struct WorkerTotals {
    WorkerCounters counters;
    std::uint64_t login = 0, console = 0, replicating = 0, idle = 0, waiting = 0, active = 0;
    std::uint64_t texts = 0, text_bytes = 0;
    std::uint64_t clients_listening = 0;
    ListeningCounts listening;
};

/// Adds the worker to the totals, and its own samples to the page.
void add_worker(Page& page, WorkerTotals& totals, const WorkerSnapshot& worker) {
    WorkerCounters& sum = totals.counters;
    const WorkerCounters& part = worker.counters;
    sum.clients_accepted += part.clients_accepted;
    sum.logins += part.logins;
    for (std::size_t at = 0; at < sum.refusals.size(); ++at)
        sum.refusals[at] += part.refusals[at];
    sum.accept_failures += part.accept_failures;
    sum.cancels_received += part.cancels_received;
    sum.cancels_forwarded += part.cancels_forwarded;
    sum.cancels_dropped += part.cancels_dropped;
    sum.peer_cancels += part.peer_cancels;
    sum.peer_cancels_failed += part.peer_cancels_failed;
    sum.texts_remembered += part.texts_remembered;
    sum.texts_parsed += part.texts_parsed;
    sum.text_evictions += part.text_evictions;
    sum.text_parse_time += part.text_parse_time;
    sum.notifications += part.notifications;
    sum.listening_losses += part.listening_losses;
    totals.clients_listening += worker.clients_listening;
    totals.listening.channels += worker.listening.channels;
    totals.listening.opening += worker.listening.opening;
    totals.listening.listening += worker.listening.listening;
    totals.listening.pausing += worker.listening.pausing;

    totals.login += worker.clients_login;
    totals.console += worker.clients_console;
    totals.replicating += worker.clients_replicating;
    totals.texts += worker.texts;
    totals.text_bytes += worker.text_bytes;
    std::uint64_t clients =
        std::uint64_t{worker.clients_login} + worker.clients_console + worker.clients_replicating;
    std::uint64_t backends = 0;
    for (const PoolSnapshot& pool : worker.pools) {
        totals.idle += pool.clients_idle;
        totals.waiting += pool.clients_waiting;
        totals.active += pool.clients_active;
        clients += std::uint64_t{pool.clients_idle} + pool.clients_waiting + pool.clients_active;
        backends += backend_count(pool.stats);
    }
    for (const RedisSnapshot& redis : worker.redis) {
        clients += redis.clients;
        for (const std::uint32_t count : redis.backends)
            backends += count;
    }
    const std::string number = std::to_string(worker.worker);
    const std::array<std::string_view, 1> labels{number};
    page.add(Metric::worker_clients, labels, clients);
    page.add(Metric::worker_backends, labels, backends);
}

void add_totals(Page& page, const WorkerTotals& totals) {
    const std::array<std::string_view, 1> mode{postgres};
    const auto add = [&](Metric metric, std::string_view label, std::uint64_t value) {
        const std::array<std::string_view, 2> labels{postgres, label};
        page.add(metric, labels, value);
    };
    add(Metric::clients, "login", totals.login);
    add(Metric::clients, "idle", totals.idle);
    add(Metric::clients, "waiting", totals.waiting);
    add(Metric::clients, "active", totals.active);
    add(Metric::clients, "console", totals.console);
    add(Metric::clients, "replicating", totals.replicating);
    page.add(Metric::clients_accepted, mode, totals.counters.clients_accepted);
    page.add(Metric::accept_failures, mode, totals.counters.accept_failures);
    page.add(Metric::logins, mode, totals.counters.logins);
    // Reasons that have not occurred are there too: an alert on a series that does not exist
    // never fires, and a rate needs the zero before the first one.
    for (std::size_t at = 0; at < totals.counters.refusals.size(); ++at) {
        add(Metric::refusals, row_of(static_cast<RefusalReason>(at)).label,
            totals.counters.refusals[at]);
    }
    page.add(Metric::cancels_received, mode, totals.counters.cancels_received);
    add(Metric::cancels, "forwarded", totals.counters.cancels_forwarded);
    add(Metric::cancels, "dropped", totals.counters.cancels_dropped);
    add(Metric::peer_cancels, "forwarded", totals.counters.peer_cancels);
    add(Metric::peer_cancels, "failed", totals.counters.peer_cancels_failed);
    add(Metric::texts_read, "remembered", totals.counters.texts_remembered);
    add(Metric::texts_read, "parsed", totals.counters.texts_parsed);
    page.add(Metric::text_evictions, mode, totals.counters.text_evictions);
    page.add(Metric::text_parse, mode, seconds_of(totals.counters.text_parse_time));
    page.add(Metric::texts, mode, totals.texts);
    page.add(Metric::text_bytes, mode, totals.text_bytes);
    page.add(Metric::listening_clients, mode, totals.clients_listening);
    page.add(Metric::channels, mode, totals.listening.channels);
    page.add(Metric::notifications, mode, totals.counters.notifications);
    add(Metric::listening_backends, "opening", totals.listening.opening);
    add(Metric::listening_backends, "listening", totals.listening.listening);
    add(Metric::listening_backends, "pausing", totals.listening.pausing);
    page.add(Metric::listening_losses, mode, totals.counters.listening_losses);
}

void add_server(Page& page, const Snapshot& snapshot) {
    const std::array<std::string_view, 1> version{snapshot.version};
    const std::array<std::string_view, 1> mode{postgres};
    page.add(Metric::build_info, version, 1);
    page.add(Metric::start_time, {},
             std::chrono::duration<double>(snapshot.started.time_since_epoch()).count());
    page.add(Metric::workers, {}, snapshot.workers.size());
    page.add(Metric::max_clients, mode, snapshot.max_clients);
    page.add(Metric::backends_used, {}, snapshot.backends_used);
    page.add(Metric::max_backends, {}, snapshot.max_backends);
    page.add(Metric::buffer_bytes, {}, snapshot.buffer_bytes);
    page.add(Metric::buffer_bytes_max, {}, snapshot.buffer_bytes_max);
    page.add(Metric::log_lines_lost, {}, snapshot.log_lines_lost);
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot) {
    Page page;
    add_server(page, snapshot);
    WorkerTotals totals;
    for (const WorkerSnapshot& worker : snapshot.workers)
        add_worker(page, totals, worker);
    add_totals(page, totals);

    const std::array<std::string_view, 1> mode{postgres};
    page.add(Metric::pools, mode, pools_of(snapshot).size());
    for (const PoolSnapshot& pool : exported_pools(snapshot)) {
        PoolSamples samples(page, pool);
        add_gauges(samples, pool);
        add_counters(samples, pool);
    }
    add_redis_side(page, snapshot);
    return page.text();
}

}  // namespace sluice::server
