#include "server/snapshot.hpp"

#include <map>
#include <utility>

namespace sluice::server {

namespace {

void add(PoolCounters& sum, const PoolCounters& part) {
    sum.queries += part.queries;
    sum.transactions += part.transactions;
    sum.received_bytes += part.received_bytes;
    sum.sent_bytes += part.sent_bytes;
    sum.recoveries += part.recoveries;
    sum.statements.parses += part.statements.parses;
    sum.statements.parses_sent += part.statements.parses_sent;
    sum.statements.binds += part.statements.binds;
    sum.statements.evictions += part.statements.evictions;
    sum.statements.batches_sent_again += part.statements.batches_sent_again;
    for (std::size_t i = 0; i < sum.pins.size(); ++i)
        sum.pins[i] += part.pins[i];
    for (std::size_t i = 0; i < hold_count; ++i)
        sum.held[i] += part.held[i];
    sum.spooled_bytes += part.spooled_bytes;
    for (std::size_t i = 0; i < spool_refusal_count; ++i)
        sum.spool_refusals[i] += part.spool_refusals[i];
    for (std::size_t i = 0; i < sum.pinned_time.size(); ++i)
        sum.pinned_time[i] += part.pinned_time[i];
    sum.begins_sent += part.begins_sent;
    sum.begins_spared += part.begins_spared;
    sum.questions += part.questions;
    sum.questions_saved += part.questions_saved;
    sum.questions_failed += part.questions_failed;
    sum.wait_seconds += part.wait_seconds;
    sum.lease_seconds += part.lease_seconds;
    sum.query_seconds += part.query_seconds;
}

void add(RedisCounters& sum, const RedisCounters& part) {
    sum.commands += part.commands;
    sum.received_bytes += part.received_bytes;
    sum.sent_bytes += part.sent_bytes;
    sum.lost_replies += part.lost_replies;
    sum.slow_readers += part.slow_readers;
    sum.messages_received += part.messages_received;
    sum.messages_delivered += part.messages_delivered;
    sum.slow_subscribers += part.slow_subscribers;
    sum.subscriber_losses += part.subscriber_losses;
    sum.refused_subscriptions += part.refused_subscriptions;
    sum.shed_commands += part.shed_commands;
    sum.oversized_requests += part.oversized_requests;
    sum.login_checks += part.login_checks;
    for (std::size_t i = 0; i < sum.errors.size(); ++i)
        sum.errors[i] += part.errors[i];
    for (std::size_t i = 0; i < sum.pins.size(); ++i)
        sum.pins[i] += part.pins[i];
    sum.wait_seconds += part.wait_seconds;
}

}  // namespace

void add_counters(PoolSnapshot& sum, const PoolSnapshot& part) {
    sum.stats.counters += part.stats.counters;
    add(sum.counters, part.counters);
}

std::vector<RedisSnapshot> redis_of(const Snapshot& snapshot) {
    std::map<std::string, RedisSnapshot> sums;
    for (const WorkerSnapshot& worker : snapshot.workers) {
        for (const RedisSnapshot& part : worker.redis) {
            const auto [at, is_new] = sums.try_emplace(part.database, part);
            if (is_new) continue;
            RedisSnapshot& sum = at->second;
            sum.clients += part.clients;
            sum.clients_waiting += part.clients_waiting;
            for (std::size_t use = 0; use < sum.backends.size(); ++use)
                sum.backends[use] += part.backends[use];
            sum.channels += part.channels;
            sum.subscriptions += part.subscriptions;
            sum.pinned_in_use += part.pinned_in_use;
            sum.replies_owed += part.replies_owed;
            add(sum.counters, part.counters);
        }
    }
    std::vector<RedisSnapshot> all;
    all.reserve(sums.size());
    for (auto& [name, sum] : sums)
        all.push_back(std::move(sum));
    return all;
}

std::vector<PoolSnapshot> pools_of(const Snapshot& snapshot) {
    std::map<std::pair<std::string, std::string>, PoolSnapshot> sums;
    for (const WorkerSnapshot& worker : snapshot.workers) {
        for (const PoolSnapshot& part : worker.pools) {
            const auto [at, is_new] = sums.try_emplace({part.database, part.user}, part);
            if (is_new) continue;
            PoolSnapshot& sum = at->second;
            sum.stats += part.stats;
            add(sum.counters, part.counters);
            sum.clients_idle += part.clients_idle;
            sum.clients_waiting += part.clients_waiting;
            sum.clients_active += part.clients_active;
            sum.clients_pinned += part.clients_pinned;
            for (std::size_t i = 0; i < hold_count; ++i)
                sum.held[i] += part.held[i];
            sum.spool_bytes += part.spool_bytes;
            sum.statements += part.statements;
            sum.statement_bytes += part.statement_bytes;
        }
    }
    for (const WorkerSnapshot& worker : snapshot.workers) {
        for (const PoolSnapshot& part : worker.departed) {
            const auto at = sums.find({part.database, part.user});
            if (at != sums.end()) add_counters(at->second, part);
        }
    }
    std::vector<PoolSnapshot> pools;
    pools.reserve(sums.size());
    for (auto& [key, pool] : sums)
        pools.push_back(std::move(pool));
    return pools;
}

}  // namespace sluice::server
