#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::server {

/// Every metric, in the order in which they appear on the page. docs/metrics.md describes each.
enum class Metric : std::uint8_t {
    build_info,
    start_time,
    workers,
    worker_clients,
    worker_backends,
    clients,
    max_clients,
    clients_accepted,
    accept_failures,
    logins,
    refusals,
    cancels_received,
    cancels,
    peer_cancels,
    texts_read,
    text_evictions,
    text_parse,
    texts,
    text_bytes,
    listening_clients,
    channels,
    notifications,
    listening_backends,
    listening_losses,
    backends_used,
    max_backends,
    buffer_bytes,
    buffer_bytes_max,
    log_lines_lost,
    pools,
    pool_info,
    pool_size,
    pool_reserve_size,
    pool_max_waiters,
    pool_backends,
    pool_clients,
    pool_waiting_clients,
    pool_pinned_clients,
    pool_oldest_wait,
    pool_wait,
    pool_lease,
    pool_query,
    pool_grants,
    pool_abandoned_waits,
    pool_refusals,
    pool_pins,
    pool_pinned,
    pool_questions,
    pool_deferred_begins,
    pool_queries,
    pool_transactions,
    pool_received_bytes,
    pool_sent_bytes,
    pool_opens,
    pool_open_failures,
    pool_open_shortages,
    pool_closes,
    pool_resets,
    pool_checks,
    pool_recoveries,
    pool_moves,
    pool_parses,
    pool_parses_sent,
    pool_binds,
    pool_evictions,
    pool_batches_sent_again,
    pool_statements,
    pool_statement_bytes,
    pool_held,
    pool_held_seconds,
    pool_spool_bytes,
    pool_spooled_bytes,
    pool_spool_refusals,
    redis_connections_max,
    redis_pinned_max,
    redis_backends,
    redis_pinned_in_use,
    redis_clients,
    redis_waiting_clients,
    redis_owed_replies,
    redis_commands,
    redis_received_bytes,
    redis_sent_bytes,
    redis_error_replies,
    redis_pins,
    redis_pin_wait,
    redis_lost_replies,
    redis_slow_readers,
    redis_channels,
    redis_subscriptions,
    redis_messages_received,
    redis_messages_delivered,
    redis_slow_subscribers,
    redis_subscriber_losses,
    redis_refused_subscriptions,
    redis_up,
    redis_control_failures,
    redis_role,
    redis_loading,
    redis_used_memory,
    redis_max_memory,
    redis_memory_ratio,
    redis_fragmentation,
    redis_policy,
    redis_over_limit,
    redis_over_limit_total,
    redis_evicted_keys,
    redis_server_clients,
    redis_server_max_clients,
    redis_rejected,
    redis_gate_state,
    redis_gate_openings,
    redis_gate_probes,
    redis_shed,
    redis_oversized,
    redis_login_checks,
};
constexpr std::size_t metric_count = 116;

enum class MetricType : std::uint8_t { gauge, counter, histogram };

struct MetricName {
    Metric metric;
    std::string_view name;
    MetricType type;
    std::span<const std::string_view> labels;  ///< Of every sample, in this order.
    std::string_view help;
};

/// One row a metric, in the order of `Metric`.
[[nodiscard]] std::span<const MetricName> metric_names() noexcept;
[[nodiscard]] const MetricName& name_of(Metric metric) noexcept;

}  // namespace sluice::server
