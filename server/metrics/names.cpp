#include "server/metrics/names.hpp"

#include <array>

namespace sluice::server {

namespace {

using enum MetricType;
using Labels = std::span<const std::string_view>;

constexpr std::array<std::string_view, 1> version{"version"};
constexpr std::array<std::string_view, 1> worker{"worker"};
constexpr std::array<std::string_view, 1> mode{"mode"};
constexpr std::array<std::string_view, 2> mode_state{"mode", "state"};
constexpr std::array<std::string_view, 2> mode_reason{"mode", "reason"};
constexpr std::array<std::string_view, 2> mode_result{"mode", "result"};
constexpr std::array<std::string_view, 4> pool{"mode", "database", "user", "pool"};
constexpr std::array<std::string_view, 5> pool_state{"mode", "database", "user", "pool", "state"};
constexpr std::array<std::string_view, 5> pool_reason{"mode", "database", "user", "pool", "reason"};
constexpr std::array<std::string_view, 5> pool_result{"mode", "database", "user", "pool", "result"};
constexpr std::array<std::string_view, 5> pool_waited{"mode", "database", "user", "pool", "waited"};
constexpr std::array<std::string_view, 5> pool_mode{"mode", "database", "user", "pool",
                                                    "pool_mode"};
constexpr std::array<std::string_view, 2> redis{"mode", "database"};
constexpr std::array<std::string_view, 3> redis_kind{"mode", "database", "kind"};
constexpr std::array<std::string_view, 3> redis_error{"mode", "database", "error"};
constexpr std::array<std::string_view, 3> redis_reason{"mode", "database", "reason"};

constexpr std::array<MetricName, metric_count> rows{{
    {Metric::build_info, "sluice_build_info", gauge, version, "Always 1; the version is a label."},
    {Metric::start_time,
     "sluice_start_time_seconds",
     gauge,
     {},
     "When the server started, in seconds since 1970."},
    {Metric::workers, "sluice_workers", gauge, {}, "Threads that relay."},
    {Metric::worker_clients, "sluice_worker_clients", gauge, worker,
     "Clients of one worker, logged in or not."},
    {Metric::worker_backends, "sluice_worker_backends", gauge, worker,
     "Backends of one worker, in any state."},
    {Metric::clients, "sluice_clients", gauge, mode_state, "Clients by what they do."},
    {Metric::max_clients, "sluice_max_clients", gauge, mode,
     "Clients that may be connected at once; 0: no limit."},
    {Metric::clients_accepted, "sluice_clients_accepted_total", counter, mode,
     "Clients whose connection was accepted."},
    {Metric::accept_failures, "sluice_accept_failures_total", counter, mode,
     "Connections that could not be accepted, for want of a file descriptor and the like."},
    {Metric::logins, "sluice_logins_total", counter, mode, "Logins that succeeded."},
    {Metric::refusals, "sluice_refusals_total", counter, mode_reason,
     "Clients or requests turned away, or ended by this server."},
    {Metric::cancels_received, "sluice_cancels_received_total", counter, mode,
     "Cancel requests received."},
    {Metric::cancels, "sluice_cancels_total", counter, mode_result,
     "Cancel requests forwarded to a backend, or dropped."},
    {Metric::texts_read, "sluice_sql_texts_read_total", counter, mode_result,
     "SQL texts whose meaning was asked for, remembered or parsed."},
    {Metric::text_evictions, "sluice_sql_text_evictions_total", counter, mode,
     "Parsed SQL texts forgotten to make room for others."},
    {Metric::text_parse, "sluice_sql_parse_seconds_total", counter, mode,
     "Time spent on parsing SQL texts."},
    {Metric::texts, "sluice_sql_texts", gauge, mode, "Parsed SQL texts that are remembered."},
    {Metric::text_bytes, "sluice_sql_text_bytes", gauge, mode,
     "Bytes of the parsed SQL texts that are remembered."},
    {Metric::listening_clients, "sluice_listening_clients", gauge, mode,
     "Clients that listen to a channel without a backend of their own."},
    {Metric::channels, "sluice_channels", gauge, mode,
     "Channels that are listened to for clients."},
    {Metric::notifications, "sluice_notifications_total", counter, mode,
     "Notifications handed to clients that listen."},
    {Metric::listening_backends, "sluice_listening_backends", gauge, mode_state,
     "Connections that listen for clients."},
    {Metric::listening_losses, "sluice_listening_backends_lost_total", counter, mode,
     "Connections lost while somebody listened."},
    {Metric::backends_used,
     "sluice_backends_used",
     gauge,
     {},
     "Backends of all pools that count against sluice_max_backends."},
    {Metric::max_backends,
     "sluice_max_backends",
     gauge,
     {},
     "Backends that all pools together may have; 0: no limit beyond the pools' own."},
    {Metric::buffer_bytes,
     "sluice_buffer_bytes",
     gauge,
     {},
     "Bytes held for peers that do not read or have not finished sending."},
    {Metric::buffer_bytes_max, "sluice_buffer_bytes_max", gauge, {}, "Bytes that may be held so."},
    {Metric::pools, "sluice_pools", gauge, mode, "Pools: pairs of a database and a user."},
    {Metric::pool_info, "sluice_pool_info", gauge, pool_mode,
     "Always 1; the pool mode is a label."},
    {Metric::pool_size, "sluice_pool_size", gauge, pool,
     "Backends that the pool may have; 0: no limit."},
    {Metric::pool_reserve_size, "sluice_pool_reserve_size", gauge, pool,
     "Backends beyond sluice_pool_size for clients that wait long."},
    {Metric::pool_max_waiters, "sluice_pool_max_waiters", gauge, pool,
     "Clients that may be in line at once; 0: no limit."},
    {Metric::pool_backends, "sluice_pool_backends", gauge, pool_state, "Backends by what they do."},
    {Metric::pool_clients, "sluice_pool_clients", gauge, pool_state,
     "Logged-in clients by what they do."},
    {Metric::pool_waiting_clients, "sluice_pool_waiting_clients", gauge, pool,
     "Clients in line for a backend now."},
    {Metric::pool_pinned_clients, "sluice_pool_pinned_clients", gauge, pool,
     "Active clients that keep their backend past the end of a transaction."},
    {Metric::pool_oldest_wait, "sluice_pool_oldest_wait_seconds", gauge, pool,
     "How long the first client in line has waited; 0: nobody waits."},
    {Metric::pool_wait, "sluice_pool_wait_seconds", histogram, pool,
     "From asking for a backend to holding one, with those that did not wait."},
    {Metric::pool_lease, "sluice_pool_lease_seconds", histogram, pool,
     "From holding a backend to giving it back."},
    {Metric::pool_query, "sluice_pool_query_seconds", histogram, pool,
     "From sending a request on to the end of its answer."},
    {Metric::pool_grants, "sluice_pool_grants_total", counter, pool_waited,
     "Backends handed out, at once or after a wait in line."},
    {Metric::pool_abandoned_waits, "sluice_pool_abandoned_waits_total", counter, pool,
     "Clients that left the line by themselves."},
    {Metric::pool_refusals, "sluice_pool_refusals_total", counter, pool_reason,
     "Clients that got no backend."},
    {Metric::pool_pins, "sluice_pool_pins_total", counter, pool_reason,
     "Clients that began to keep their backend past the end of a transaction."},
    {Metric::pool_pinned, "sluice_pool_pinned_seconds_total", counter, pool_reason,
     "Time for which clients have kept their backend so, added when it is over or grows."},
    {Metric::pool_questions, "sluice_pool_session_questions_total", counter, pool_result,
     "Questions about what a transaction has left in its session, by what came of them."},
    {Metric::pool_queries, "sluice_pool_queries_total", counter, pool,
     "Requests answered: Query, FunctionCall and Sync."},
    {Metric::pool_transactions, "sluice_pool_transactions_total", counter, pool,
     "Transactions ended."},
    {Metric::pool_received_bytes, "sluice_pool_received_bytes_total", counter, pool,
     "Bytes from clients, sent on to backends."},
    {Metric::pool_sent_bytes, "sluice_pool_sent_bytes_total", counter, pool,
     "Bytes from backends, sent on to clients."},
    {Metric::pool_opens, "sluice_pool_opens_total", counter, pool, "Connects begun."},
    {Metric::pool_open_failures, "sluice_pool_open_failures_total", counter, pool,
     "Connects that failed, logins to backends included."},
    {Metric::pool_closes, "sluice_pool_closes_total", counter, pool_reason, "Backends closed."},
    {Metric::pool_resets, "sluice_pool_resets_total", counter, pool,
     "Backends cleaned by server_reset_query before reuse."},
    {Metric::pool_checks, "sluice_pool_checks_total", counter, pool,
     "Backends asked for a sign of life before they were handed out."},
    {Metric::pool_recoveries, "sluice_pool_recoveries_total", counter, pool,
     "Backends whose client left or paused in the middle of something."},
    {Metric::pool_moves, "sluice_pool_moves_total", counter, pool,
     "Backends sent to another worker, where somebody waited longer."},
    {Metric::pool_parses, "sluice_pool_parses_total", counter, pool,
     "Parse messages from clients that share backends."},
    {Metric::pool_parses_sent, "sluice_pool_parses_sent_total", counter, pool,
     "Parse messages to backends, on behalf of clients or as they came."},
    {Metric::pool_binds, "sluice_pool_binds_total", counter, pool,
     "Bind messages from clients that share backends."},
    {Metric::pool_evictions, "sluice_pool_statement_evictions_total", counter, pool,
     "Statements closed on a backend that had max_prepared_statements."},
    {Metric::pool_batches_sent_again, "sluice_pool_batches_sent_again_total", counter, pool,
     "Batches sent once more because a definition had changed unseen."},
    {Metric::pool_statements, "sluice_pool_statements", gauge, pool,
     "Statements remembered, those of clients included."},
    {Metric::pool_statement_bytes, "sluice_pool_statement_bytes", gauge, pool,
     "Bytes of the statements remembered."},
    {Metric::pool_held, "sluice_pool_held_backends", gauge, pool_reason,
     "Backends with nothing to do that their clients do not let go."},
    {Metric::pool_held_seconds, "sluice_pool_held_seconds_total", counter, pool_reason,
     "How long backends were held so."},
    {Metric::pool_spool_bytes, "sluice_pool_spool_bytes", gauge, pool,
     "Bytes kept for clients that have not read them, and whose backend is free."},
    {Metric::pool_spooled_bytes, "sluice_pool_spooled_bytes_total", counter, pool,
     "Bytes that were so kept."},
    {Metric::pool_spool_refusals, "sluice_pool_spool_refusals_total", counter, pool_reason,
     "Results that were not kept further, so that their backend waits for the client."},
    {Metric::redis_connections_max, "sluice_redis_max_connections", gauge, redis,
     "Backends of one Redis, of every kind together, that there may be."},
    {Metric::redis_pinned_max, "sluice_redis_pinned_connections", gauge, redis,
     "Of those, backends for clients that need one of their own."},
    {Metric::redis_backends, "sluice_redis_backends", gauge, redis_kind,
     "Backends by kind, those that are connecting included."},
    {Metric::redis_pinned_in_use, "sluice_redis_pinned_in_use", gauge, redis,
     "Pinned backends that a client holds."},
    {Metric::redis_clients, "sluice_redis_clients", gauge, redis, "Clients connected."},
    {Metric::redis_waiting_clients, "sluice_redis_waiting_clients", gauge, redis,
     "Clients that wait for a backend."},
    {Metric::redis_owed_replies, "sluice_redis_owed_replies", gauge, redis,
     "Replies that backends owe."},
    {Metric::redis_commands, "sluice_redis_commands_total", counter, redis,
     "Commands sent on to backends."},
    {Metric::redis_received_bytes, "sluice_redis_received_bytes_total", counter, redis,
     "Bytes from clients, sent on to backends."},
    {Metric::redis_sent_bytes, "sluice_redis_sent_bytes_total", counter, redis,
     "Bytes from backends, sent on to clients."},
    {Metric::redis_error_replies, "sluice_redis_error_replies_total", counter, redis_error,
     "Error replies of backends, by their first word."},
    {Metric::redis_pins, "sluice_redis_pins_total", counter, redis_reason,
     "Pinned backends handed out."},
    {Metric::redis_pin_wait, "sluice_redis_pin_wait_seconds", histogram, redis,
     "From asking for a pinned backend to holding one."},
    {Metric::redis_lost_replies, "sluice_redis_lost_replies_total", counter, redis,
     "Replies that lost backends owed; each was answered by an error."},
    {Metric::redis_slow_readers, "sluice_redis_slow_readers_total", counter, redis,
     "Clients cut because they left client_buffer_max of replies unread."},
    {Metric::redis_channels, "sluice_redis_channels", gauge, redis,
     "Channels and patterns on the backends of subscribers."},
    {Metric::redis_subscriptions, "sluice_redis_subscriptions", gauge, redis,
     "Clients' subscriptions to these."},
    {Metric::redis_messages_received, "sluice_redis_messages_received_total", counter, redis,
     "Messages from backends of subscribers."},
    {Metric::redis_messages_delivered, "sluice_redis_messages_delivered_total", counter, redis,
     "Messages to clients, one for each that got it."},
    {Metric::redis_slow_subscribers, "sluice_redis_slow_subscribers_total", counter, redis,
     "Clients cut because they left client_buffer_max of messages unread."},
    {Metric::redis_subscriber_losses, "sluice_redis_subscriber_losses_total", counter, redis,
     "Backends of subscribers lost; until the next is there messages are missed."},
    {Metric::redis_refused_subscriptions, "sluice_redis_refused_subscriptions_total", counter,
     redis, "Requests to subscribe that were answered by an error."},
}};

constexpr bool rows_are_in_order() {
    for (std::size_t at = 0; at < rows.size(); ++at) {
        if (rows[at].metric != static_cast<Metric>(at)) return false;
    }
    return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::span<const MetricName> metric_names() noexcept {
    return rows;
}

const MetricName& name_of(Metric metric) noexcept {
    return rows[static_cast<std::size_t>(metric)];
}

}  // namespace sluice::server
