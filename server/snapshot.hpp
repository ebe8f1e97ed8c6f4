#pragma once

#include "protocol/pg/client_session.hpp"
#include "protocol/resp/backend_session.hpp"
#include "protocol/resp/client_session.hpp"

#include "pool/stats.hpp"

#include "config/settings.hpp"

#include "server/metrics/histogram.hpp"
#include "server/redis/health.hpp"
#include "server/refusal.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

/// What the workers tell about themselves when asked: copies of plain integers, made by each
/// worker in a task of its own, so that a reader never stalls one. The admin console and the
/// metrics are functions of these.
namespace sluice::server {

/// What one worker has counted since it started. Only ever growing.
struct WorkerCounters {
    std::uint64_t clients_accepted = 0;
    std::uint64_t logins = 0;  ///< That succeeded.
    std::array<std::uint64_t, refusal_reason_count> refusals{};
    std::uint64_t accept_failures = 0;  ///< accept() without a free file descriptor, and the like.
    std::uint64_t cancels_received = 0;
    std::uint64_t cancels_forwarded = 0;
    std::uint64_t cancels_dropped = 0;  ///< Unknown key, nothing running, or too many under way.
    std::uint64_t peer_cancels = 0;     ///< Other instances that were asked about a key.
    std::uint64_t peer_cancels_failed = 0;  ///< Those that could not be, likewise.
    std::uint64_t texts_remembered = 0;     ///< SQL texts to be read that had been parsed before.
    std::uint64_t texts_parsed = 0;         ///< Those that had not.
    std::uint64_t text_evictions = 0;       ///< Forgotten for want of room.
    std::chrono::nanoseconds text_parse_time{0};
    std::uint64_t notifications = 0;     ///< Handed to clients that listen.
    std::uint64_t listening_losses = 0;  ///< Listening backends lost while somebody listened.
};

/// The connections that listen for clients, as far as their home is on one worker.
struct ListeningCounts {
    std::uint64_t channels = 0;
    std::uint32_t opening = 0;
    std::uint32_t listening = 0;
    std::uint32_t pausing = 0;  ///< Between two attempts to open.
};

/// Why a backend is not free although it has nothing to do: its client could let it go.
enum class Hold : std::uint8_t {
    transaction,  ///< Between two requests of a transaction.
    portal,       ///< In a batch without its Sync, or over an open cursor.
    reader,       ///< The client does not take what was read for it.
};
constexpr std::size_t hold_count = 3;

/// Why a result is not kept for a client that does not keep up.
enum class SpoolRefusal : std::uint8_t { client_limit, memory };
constexpr std::size_t spool_refusal_count = 2;

/// What one worker has counted for one Redis since it started. Only ever growing.
struct RedisCounters {
    std::uint64_t commands = 0;               ///< Sent on to backends on behalf of clients.
    std::uint64_t received_bytes = 0;         ///< From clients, sent on to backends.
    std::uint64_t sent_bytes = 0;             ///< From backends, sent on to clients.
    std::uint64_t lost_replies = 0;           ///< Owed by backends that were lost.
    std::uint64_t slow_readers = 0;           ///< Clients cut because they left replies unread.
    std::uint64_t messages_received = 0;      ///< From backends of subscribers.
    std::uint64_t messages_delivered = 0;     ///< To clients, each counted.
    std::uint64_t slow_subscribers = 0;       ///< Clients cut because they left messages unread.
    std::uint64_t subscriber_losses = 0;      ///< Of backends whose subscriptions were needed.
    std::uint64_t refused_subscriptions = 0;  ///< Requests to subscribe answered by an error.
    std::uint64_t shed_commands = 0;          ///< Answered -OOM here, by the gate.
    std::uint64_t oversized_requests = 0;     ///< Larger than max_request_bytes.
    std::uint64_t login_checks = 0;           ///< Passwords that the server was asked about.
    std::array<std::uint64_t, resp::error_kind_count> errors{};  ///< Replies, by what they say.
    std::array<std::uint64_t, resp::pin_reason_count> pins{};
    Histogram wait_seconds;  ///< For a pinned backend; 0 counts too.
};

struct RedisSnapshot {
    std::string database;
    RedisCounters counters;
    std::uint32_t clients = 0;
    std::uint32_t clients_waiting = 0;
    std::array<std::uint32_t, 3> backends{};  ///< By RedisBackend::Use.
    std::uint32_t pinned_in_use = 0;
    std::uint64_t replies_owed = 0;
    std::uint64_t channels = 0;       ///< On backends of subscribers, of every kind.
    std::uint64_t subscriptions = 0;  ///< Of clients to these.
};

/// The bounds of one Redis over all workers, and how it is.
struct RedisBounds {
    std::string database;
    std::uint32_t max_connections = 0;
    std::uint32_t pinned_connections = 0;
    RedisHealth::Facts health;
};

/// What one worker has counted for one pool since it started. Only ever growing.
struct PoolCounters {
    std::uint64_t queries = 0;         ///< Query, FunctionCall and Sync that were answered.
    std::uint64_t transactions = 0;    ///< Leases' transactions that ended.
    std::uint64_t received_bytes = 0;  ///< From clients, sent on to backends.
    std::uint64_t sent_bytes = 0;      ///< From backends, sent on to clients.
    std::uint64_t recoveries = 0;      ///< Backends whose client left in the middle of something.
    std::array<std::chrono::nanoseconds, hold_count> held{};  ///< By clients, of backends.
    std::uint64_t spooled_bytes = 0;  ///< Held for clients whose backend was given back.
    std::array<std::uint64_t, spool_refusal_count> spool_refusals{};
    pg::StatementCounters statements;
    std::array<std::uint64_t, pg::pin_reason_count> pins{};  ///< Clients that began to be pinned.
    std::array<std::chrono::nanoseconds, pg::pin_reason_count> pinned_time{};  ///< By reason.
    std::uint64_t begins_sent = 0;       ///< Deferred, and in front of a statement in the end.
    std::uint64_t begins_spared = 0;     ///< Deferred, and ended without a statement.
    std::uint64_t questions = 0;         ///< To backends, about what a client left in its session.
    std::uint64_t questions_saved = 0;   ///< Answered from what was said before.
    std::uint64_t questions_failed = 0;  ///< Of those asked: not answered.
    Histogram wait_seconds;   ///< From asking for a backend to holding one; 0 counts too.
    Histogram lease_seconds;  ///< From holding a backend to giving it back.
    Histogram query_seconds;  ///< From sending a request on to its ReadyForQuery.
};

struct PoolSnapshot {
    std::string database;  ///< As the clients ask for it.
    std::string user;      ///< The clients' user.
    config::PoolMode mode = config::PoolMode::transaction;
    pool::Stats stats;
    PoolCounters counters;
    std::uint32_t clients_idle = 0;  ///< Logged in, holding no backend, waiting for none.
    std::uint32_t clients_waiting = 0;
    std::uint32_t clients_active = 0;  ///< Holding a backend.
    std::uint32_t clients_pinned = 0;  ///< Of those: past the end of a transaction, for a reason.
    std::array<std::uint32_t, hold_count> held{};  ///< Backends held now.
    std::uint64_t spool_bytes = 0;                 ///< Held for clients without a backend.
    std::uint64_t statements = 0;                  ///< Remembered of clients.
    std::uint64_t statement_bytes = 0;
};

/// One row of SHOW CLIENTS.
struct ClientRow {
    std::uint64_t id = 0;
    std::string user;
    std::string database;
    std::string state;  ///< login, idle, waiting, active, console, closing.
    std::string address;
    std::string application_name;
    std::string pin;               ///< Reason, or empty.
    std::uint64_t backend_id = 0;  ///< 0: none.
    std::chrono::seconds age{0};
    std::chrono::milliseconds wait{0};  ///< While waiting.
    std::size_t statements = 0;         ///< Prepared ones with a name.
};

/// One row of SHOW SERVERS.
struct BackendRow {
    std::uint64_t id = 0;
    std::string user;
    std::string database;
    std::string state;  ///< opening, idle, checking, leased, resetting, recovering, closing.
    std::string address;
    std::uint32_t process_id = 0;  ///< At the database server; 0: unknown yet.
    std::uint64_t client_id = 0;   ///< 0: none.
    std::chrono::seconds age{0};
};

enum class SnapshotDetail : std::uint8_t { counters, rows };

struct WorkerSnapshot {
    unsigned worker = 0;
    WorkerCounters counters;
    std::vector<PoolSnapshot> pools;
    std::vector<PoolSnapshot> departed;  ///< Of shards that a reload has ended: their counters.
    std::uint32_t clients_login = 0;     ///< Connected and not logged in yet.
    std::uint32_t clients_console = 0;
    std::uint64_t texts = 0;       ///< Parsed SQL texts that are remembered.
    std::uint64_t text_bytes = 0;  ///< What they occupy.
    std::vector<RedisSnapshot> redis;
    std::uint64_t redis_clients_accepted = 0;
    std::array<std::uint64_t, refusal_reason_count> redis_refusals{};
    std::uint32_t clients_replicating = 0;
    std::uint32_t clients_listening = 0;  ///< In transaction and statement mode.
    ListeningCounts listening;
    std::vector<ClientRow> clients;    ///< Only with SnapshotDetail::rows.
    std::vector<BackendRow> backends;  ///< Only with SnapshotDetail::rows.
};

struct Snapshot {
    std::vector<WorkerSnapshot> workers;
    std::uint32_t max_clients = 0;
    std::uint32_t max_backends = 0;
    std::uint32_t backends_used = 0;      ///< Of max_backends.
    std::uint32_t redis_max_clients = 0;  ///< 0: the Redis side is not served.
    std::vector<RedisBounds> redis_bounds;
    std::uint64_t buffer_bytes = 0;
    std::uint64_t buffer_bytes_max = 0;
    std::uint64_t log_lines_lost = 0;
    std::chrono::system_clock::time_point started;
    std::string version;  ///< Of this program.
};

void add_counters(PoolSnapshot& sum, const PoolSnapshot& part);

/// Each Redis's parts of several workers, added up; sorted by database.
[[nodiscard]] std::vector<RedisSnapshot> redis_of(const Snapshot& snapshot);

/// The same pool's parts of several workers, added up; sorted by database, then user. What its
/// predecessors counted before a reload is in its counters.
[[nodiscard]] std::vector<PoolSnapshot> pools_of(const Snapshot& snapshot);

}  // namespace sluice::server
