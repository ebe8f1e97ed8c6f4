#pragma once

#include "server/snapshot.hpp"

namespace sluice::server {

inline void add_texts(WorkerSnapshot& worker) {
    worker.counters.texts_remembered = 9;
    worker.counters.texts_parsed = 4;
    worker.counters.text_evictions = 1;
    worker.counters.text_parse_time = std::chrono::milliseconds(2);
    worker.texts = 3;
    worker.text_bytes = 512;
}

[[nodiscard]] inline RedisHealth::Facts redis_health_sample() {
    RedisHealth::Facts facts;
    facts.info = resp::ServerInfo{};
    facts.info->used_memory_bytes = 300;
    facts.info->uncounted_memory_bytes = 50;
    facts.info->max_memory_bytes = 200;
    facts.info->policy = resp::EvictionPolicy::noeviction;
    facts.info->role = resp::ServerRole::master;
    facts.info->over_limit = std::chrono::milliseconds(1'500);
    facts.asked = true;
    facts.failures = 2;
    facts.gate = MemoryGate::State::half_open;
    facts.gate_counts = {7, 9};
    return facts;
}

/// The same Redis on both workers.
inline void add_redis_sample(Snapshot& snapshot) {
    RedisSnapshot cache;
    cache.database = "cache";
    cache.clients = 20;
    cache.clients_waiting = 2;
    cache.backends = {2, 3, 1};
    cache.pinned_in_use = 1;
    cache.counters.commands = 100;
    cache.counters.shed_commands = 6;
    cache.counters.errors[static_cast<std::size_t>(resp::ErrorKind::oom)] = 4;
    cache.counters.pins[static_cast<std::size_t>(resp::PinReason::watch)] = 5;
    for (WorkerSnapshot& worker : snapshot.workers)
        worker.redis = {cache};
    snapshot.workers.front().redis_clients_accepted = 30;
    snapshot.redis_max_clients = 500;
    snapshot.redis_bounds = {{"cache", 60, 50, redis_health_sample()}};
}

/// The pool alice@app on one worker.
[[nodiscard]] inline PoolSnapshot pool_sample() {
    using namespace std::chrono_literals;
    using State = pool::Backend::State;
    PoolSnapshot app;
    app.database = "app";
    app.user = "alice";
    app.stats.limits.pool_size = 8;
    app.stats.backends[static_cast<std::size_t>(State::leased)] = 3;
    app.stats.backends[static_cast<std::size_t>(State::idle)] = 1;
    app.stats.backends[static_cast<std::size_t>(State::opening)] = 1;
    app.stats.opens_ordered = 1;
    app.stats.waiters = 2;
    app.stats.oldest_wait = 2'500ms;
    app.stats.counters.grants_at_once = 70;
    app.stats.counters.grants_after_wait = 30;
    app.stats.counters.closes[static_cast<std::size_t>(pool::CloseReason::lifetime)] = 4;
    app.stats.counters.refusals[static_cast<std::size_t>(pool::Refused::wait_timeout)] = 5;
    app.counters.queries = 100;
    app.counters.transactions = 90;
    app.counters.received_bytes = 1'000;
    app.counters.sent_bytes = 5'000'000'000;
    app.counters.pins[static_cast<std::size_t>(pg::PinReason::listen)] = 1;
    app.counters.wait_seconds.record(0ns);
    app.counters.wait_seconds.record(3ms);
    app.counters.lease_seconds.record(20ms);
    app.counters.query_seconds.record(200s);
    app.counters.held[static_cast<std::size_t>(Hold::portal)] = 1'500ms;
    app.counters.spool_refusals[static_cast<std::size_t>(SpoolRefusal::memory)] = 6;
    app.held[static_cast<std::size_t>(Hold::reader)] = 2;
    app.spool_bytes = 4'096;
    app.clients_idle = 40;
    app.clients_waiting = 2;
    app.clients_active = 3;
    app.clients_pinned = 1;
    return app;
}

/// Two workers, the pool alice@app on both, bob@shop on one, in numbers that tell which is which.
[[nodiscard]] inline Snapshot snapshot_sample() {
    using namespace std::chrono_literals;
    Snapshot snapshot;
    snapshot.max_clients = 10'000;
    snapshot.max_backends = 100;
    snapshot.backends_used = 9;
    snapshot.buffer_bytes = 4096;
    snapshot.buffer_bytes_max = 1 << 28;
    snapshot.log_lines_lost = 3;
    snapshot.started = std::chrono::sys_days{2026y / 1 / 31} + 23h;
    snapshot.version = "0.1.0";

    const PoolSnapshot app = pool_sample();
    PoolSnapshot shop;
    shop.database = "shop";
    shop.user = "bob";
    shop.mode = config::PoolMode::session;
    shop.clients_idle = 7;

    WorkerSnapshot& first = snapshot.workers.emplace_back();
    first.counters.clients_accepted = 60;
    first.counters.logins = 55;
    first.counters.refusals[static_cast<std::size_t>(RefusalReason::login_failed)] = 6;
    first.counters.cancels_received = 3;
    first.counters.cancels_forwarded = 2;
    first.counters.cancels_dropped = 1;
    add_texts(first);
    first.clients_login = 1;
    first.clients_console = 1;
    first.pools = {app, shop};
    first.clients.push_back(
        {42, "alice", "app", "active", "127.0.0.1:50001", "psql", "listen", 7, 90s, 0ms});
    first.clients.push_back({43, "alice", "app", "waiting", "[::1]:50002", "", "", 0, 3s, 2'500ms});
    first.backends.push_back(
        {7, "alice", "app", "leased", "unix:/run/postgresql/.s.PGSQL.5432", 4711, 42, 3'600s});

    WorkerSnapshot& second = snapshot.workers.emplace_back();
    second.worker = 1;
    second.counters.accept_failures = 1;
    second.pools = {app};
    second.backends.push_back({8, "alice", "app", "idle", "10.0.0.5:5432", 4712, 0, 60s});
    add_redis_sample(snapshot);
    return snapshot;
}

}  // namespace sluice::server
