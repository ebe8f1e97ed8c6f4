#include "server/metrics/redis_samples.hpp"

#include "server/metrics/label_value.hpp"
#include "server/metrics/page.hpp"

#include <array>
#include <string>
#include <string_view>

namespace sluice::server {

namespace {

constexpr std::string_view redis_mode = "redis";

/// The samples of one Redis.
class RedisSamples {
  public:
    RedisSamples(Page& page, const std::string& database)
        : page_(page), database_(label_value(database)) {}

    template <class Value>
    void add(Metric metric, const Value& value) {
        const std::array<std::string_view, 2> labels{redis_mode, database_};
        page_.add(metric, labels, value);
    }
    template <class Value>
    void add(Metric metric, std::string_view last_label, const Value& value) {
        const std::array<std::string_view, 3> labels{redis_mode, database_, last_label};
        page_.add(metric, labels, value);
    }

  private:
    Page& page_;
    std::string database_;
};

void add_redis(Page& page, const RedisSnapshot& redis) {
    RedisSamples samples(page, redis.database);
    samples.add(Metric::redis_backends, "shared", redis.backends[0]);
    samples.add(Metric::redis_backends, "pinned", redis.backends[1]);
    samples.add(Metric::redis_backends, "subscriber", redis.backends[2]);
    samples.add(Metric::redis_pinned_in_use, redis.pinned_in_use);
    samples.add(Metric::redis_clients, redis.clients);
    samples.add(Metric::redis_waiting_clients, redis.clients_waiting);
    samples.add(Metric::redis_owed_replies, redis.replies_owed);
    const RedisCounters& counters = redis.counters;
    samples.add(Metric::redis_commands, counters.commands);
    samples.add(Metric::redis_received_bytes, counters.received_bytes);
    samples.add(Metric::redis_sent_bytes, counters.sent_bytes);
    for (std::size_t at = 0; at < counters.errors.size(); ++at) {
        samples.add(Metric::redis_error_replies, resp::name_of(static_cast<resp::ErrorKind>(at)),
                    counters.errors[at]);
    }
    for (std::size_t at = 0; at < counters.pins.size(); ++at) {
        samples.add(Metric::redis_pins, resp::name_of(static_cast<resp::PinReason>(at)),
                    counters.pins[at]);
    }
    samples.add(Metric::redis_pin_wait, counters.wait_seconds);
    samples.add(Metric::redis_lost_replies, counters.lost_replies);
    samples.add(Metric::redis_slow_readers, counters.slow_readers);
    samples.add(Metric::redis_channels, redis.channels);
    samples.add(Metric::redis_subscriptions, redis.subscriptions);
    samples.add(Metric::redis_messages_received, counters.messages_received);
    samples.add(Metric::redis_messages_delivered, counters.messages_delivered);
    samples.add(Metric::redis_slow_subscribers, counters.slow_subscribers);
    samples.add(Metric::redis_subscriber_losses, counters.subscriber_losses);
    samples.add(Metric::redis_refused_subscriptions, counters.refused_subscriptions);
    samples.add(Metric::redis_shed, counters.shed_commands);
    samples.add(Metric::redis_oversized, counters.oversized_requests);
    samples.add(Metric::redis_login_checks, counters.login_checks);
}

void add_info(RedisSamples& samples, const resp::ServerInfo& info) {
    samples.add(Metric::redis_role, resp::name_of(info.role), 1);
    samples.add(Metric::redis_loading, info.loading ? 1 : 0);
    samples.add(Metric::redis_used_memory, info.used_memory_bytes);
    samples.add(Metric::redis_max_memory, info.max_memory_bytes);
    // No limit is not a ratio of 0, which would look like a server with room for everything.
    if (info.max_memory_bytes > 0) {
        samples.add(Metric::redis_memory_ratio, static_cast<double>(info.counted_memory_bytes()) /
                                                    static_cast<double>(info.max_memory_bytes));
    }
    samples.add(Metric::redis_fragmentation, info.fragmentation_ratio);
    samples.add(Metric::redis_policy, resp::name_of(info.policy), 1);
    samples.add(Metric::redis_over_limit, seconds_of(info.over_limit));
    samples.add(Metric::redis_over_limit_total, seconds_of(info.over_limit_total));
    samples.add(Metric::redis_evicted_keys, info.evicted_keys);
    samples.add(Metric::redis_server_clients, info.connected_clients);
    samples.add(Metric::redis_server_max_clients, info.max_clients);
    samples.add(Metric::redis_rejected, info.rejected_connections);
}

void add_health(RedisSamples& samples, const RedisHealth::Facts& health) {
    if (health.asked) {
        samples.add(Metric::redis_up, health.info ? 1 : 0);
        samples.add(Metric::redis_control_failures, health.failures);
    }
    if (health.info) add_info(samples, *health.info);
    using State = MemoryGate::State;
    for (const State state : {State::closed, State::open, State::half_open})
        samples.add(Metric::redis_gate_state, name_of(state), state == health.gate ? 1 : 0);
    samples.add(Metric::redis_gate_openings, health.gate_counts.openings);
    samples.add(Metric::redis_gate_probes, health.gate_counts.probes);
}

}  // namespace

void add_redis_side(Page& page, const Snapshot& snapshot) {
    if (snapshot.redis_max_clients == 0) return;
    const std::array<std::string_view, 1> mode{redis_mode};
    page.add(Metric::max_clients, mode, snapshot.redis_max_clients);
    std::uint64_t accepted = 0;
    std::array<std::uint64_t, refusal_reason_count> refusals{};
    for (const WorkerSnapshot& worker : snapshot.workers) {
        accepted += worker.redis_clients_accepted;
        for (std::size_t at = 0; at < refusals.size(); ++at)
            refusals[at] += worker.redis_refusals[at];
    }
    page.add(Metric::clients_accepted, mode, accepted);
    for (std::size_t at = 0; at < refusals.size(); ++at) {
        const std::array<std::string_view, 2> labels{redis_mode,
                                                     row_of(static_cast<RefusalReason>(at)).label};
        page.add(Metric::refusals, labels, refusals[at]);
    }
    for (const RedisBounds& bounds : snapshot.redis_bounds) {
        RedisSamples samples(page, bounds.database);
        samples.add(Metric::redis_connections_max, bounds.max_connections);
        samples.add(Metric::redis_pinned_max, bounds.pinned_connections);
        add_health(samples, bounds.health);
    }
    for (const RedisSnapshot& redis : redis_of(snapshot))
        add_redis(page, redis);
}

}  // namespace sluice::server
