#pragma once

#include "config/session_state.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Settings as plain values, after every default and override has been resolved as far as it can
/// be without a client. One name serves in four places: the field here, the TOML key, the title in
/// docs/settings.md, and the root of a metric. 0 means no limit wherever a field is a limit.
namespace sluice::config {

using Duration = std::chrono::milliseconds;

/// A password or verifier. Never printed: there is no stream operator, and dumps of the settings
/// show whether it is set.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    [[nodiscard]] const std::string& reveal() const noexcept { return value_; }
    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
    bool operator==(const Secret&) const = default;

  private:
    std::string value_;
};

enum class PoolMode { session, transaction, statement };
enum class AutoPrepare { off, on, always };
enum class MemoryGate { automatic, off, on };
enum class ProtocolVersion { v3_0, v3_2 };
enum class AuthMethod { trust, password, md5, scram_sha_256 };
enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

/// Where to listen: a TCP address with a port, or the path of a Unix socket's folder or file.
struct ListenAddress {
    enum class Kind { tcp, unix_socket };
    Kind kind = Kind::tcp;
    std::string host;        ///< Numeric address or name for tcp, "*" for every address.
    std::uint16_t port = 0;  ///< For tcp. 0: the system chooses (tests).
    std::string path;        ///< For unix_socket: the socket's file, `.../.s.PGSQL.6432`.
    bool operator==(const ListenAddress&) const = default;
};

/// A database host: a name or address for TCP, or a folder with a Unix socket when it begins
/// with '/'.
struct HostPort {
    std::string host;
    std::uint16_t port = 5432;
    bool operator==(const HostPort&) const = default;
};

/// Another Sluice behind the same load balancer.
struct Peer {
    std::uint32_t instance = 0;  ///< Its `instance`. 0: whichever its name resolves to.
    HostPort address;
    bool operator==(const Peer&) const = default;
};

/// What a database or a user may say differently; nothing said means the value above it.
/// A user's word wins over a database's, and a database's over `[postgres]`.
struct Overrides {
    std::optional<PoolMode> pool_mode;
    std::optional<std::uint32_t> pool_size;
    std::optional<std::uint32_t> min_pool_size;
    std::optional<std::uint32_t> reserve_pool_size;
    std::optional<Duration> reserve_pool_timeout;
    std::optional<std::uint32_t> max_waiters;
    std::optional<Duration> wait_timeout;
    std::optional<Duration> query_timeout;
    std::optional<Duration> idle_transaction_timeout;
    std::optional<Duration> portal_stall_timeout;
    std::optional<Duration> transaction_timeout;
    std::optional<Duration> slow_reader_timeout;
    std::optional<std::uint64_t> spool_bytes_max;
    std::optional<Duration> client_idle_timeout;
    std::optional<Duration> server_idle_timeout;
    std::optional<Duration> server_lifetime;
    std::optional<std::uint32_t> max_prepared_statements;
    std::optional<AutoPrepare> auto_prepare;
    std::optional<bool> deferred_begin;
    std::optional<Probe> probe;
    std::optional<Duration> pin_timeout;
    SessionStateOverrides session_state;
    bool operator==(const Overrides&) const = default;
};

struct Database {
    std::string name;             ///< As clients ask for it; "*" stands for every other name.
    std::vector<HostPort> hosts;  ///< Tried in order.
    std::string dbname;           ///< Empty: the name asked for.
    std::string user;             ///< Empty: the client's own name.
    Secret password;              ///< For backends. Empty: the user's own secret.
    std::uint32_t max_db_connections = 0;         ///< Backends of this database, all users.
    std::uint32_t max_db_client_connections = 0;  ///< Clients of this database, all users.
    Overrides overrides;
    bool operator==(const Database&) const = default;
};

struct User {
    std::string name;
    Secret password;  ///< Plain text, `md5...` or `SCRAM-SHA-256$...`. Empty: cannot log in by
                      ///< password.
    std::uint32_t max_user_connections = 0;         ///< Backends of this user, all databases.
    std::uint32_t max_user_client_connections = 0;  ///< Clients of this user, all databases.
    Overrides overrides;
    bool operator==(const User&) const = default;
};

struct Server {
    std::uint32_t workers = 0;  ///< Threads that relay. 0: one per core.
    /// Backends of all pools together. 0: no limit beyond the pools' own.
    std::uint32_t max_backends = 0;
    /// Bytes that all workers may hold for peers that do not read or have not finished sending.
    std::uint64_t buffer_memory_max = 256ULL * 1024 * 1024;
    /// SIGTERM: how long running transactions may go on.
    Duration shutdown_timeout{30'000};
    bool operator==(const Server&) const = default;
};

struct Admin {
    std::optional<ListenAddress>
        listen;  ///< HTTP with /metrics, /healthz and /readyz. Absent: none.
    bool operator==(const Admin&) const = default;
};

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    bool log_connections = true;     ///< A line when a client has logged in.
    bool log_disconnections = true;  ///< A line when a client has left, with the reason.
    bool operator==(const Log&) const = default;
};

struct Postgres {
    std::vector<ListenAddress> listen;
    std::uint32_t unix_socket_mode = 0777;
    std::uint32_t listen_backlog = 4096;
    AuthMethod auth = AuthMethod::scram_sha_256;
    /// On Unix listeners: a client whose system user bears the name it asks for needs no password.
    bool unix_peer_login = false;
    std::string
        users_file;  ///< PgBouncer's userlist.txt; empty: none. Its users are merged into `users`.
    std::vector<std::string> admin_users;  ///< May run the console's verbs.
    std::vector<std::string> stats_users;  ///< May read the console.

    PoolMode pool_mode = PoolMode::transaction;
    std::uint32_t pool_size = 20;
    std::uint32_t min_pool_size = 0;
    std::uint32_t reserve_pool_size = 0;
    Duration reserve_pool_timeout{5'000};
    std::uint32_t max_db_connections = 0;
    std::uint32_t max_user_connections = 0;
    std::uint32_t max_clients = 10'000;
    std::uint32_t max_db_client_connections = 0;
    std::uint32_t max_user_client_connections = 0;
    std::uint32_t max_replication_connections = 10;
    std::uint32_t max_waiters = 0;   ///< Clients that may wait in one pool's line.
    std::uint32_t max_connects = 2;  ///< Backends of one pool that may be connecting at once.

    Duration client_login_timeout{60'000};
    Duration wait_timeout{120'000};
    Duration query_timeout{0};
    Duration idle_transaction_timeout{0};
    /// Pause in a batch or over an open cursor after which the backend is taken back.
    Duration portal_stall_timeout{0};
    Duration transaction_timeout{0};
    Duration slow_reader_timeout{0};  ///< For taking what is held while its backend waits.
    Duration client_idle_timeout{0};
    Duration server_connect_timeout{15'000};
    Duration server_login_retry{15'000};  ///< The longest pause between failed connects.
    Duration server_idle_timeout{600'000};
    Duration server_lifetime{3'600'000};
    /// After which a pool without a client is forgotten, if no section names it. 0: never.
    Duration autodb_idle_timeout{3'600'000};
    Duration server_check_delay{30'000};
    ProtocolVersion max_protocol_version = ProtocolVersion::v3_0;  ///< Asked for of backends.
    std::string server_check_query;                                ///< Empty: an empty query.
    std::string server_reset_query = "DISCARD ALL";
    bool server_reset_query_always = false;
    Duration cancel_wait_timeout{10'000};
    std::uint32_t max_cancels = 64;  ///< Cancels under way at once, over all databases.
    std::uint32_t instance = 0;      ///< Its number in the cancel keys it hands out. 0: none.
    std::vector<Peer> peers;         ///< Who may know a cancel key that is not ours.

    std::uint32_t max_prepared_statements = 200;  ///< On one backend.
    AutoPrepare auto_prepare = AutoPrepare::on;   ///< Of unnamed statements that come again.
    bool deferred_begin = false;                  ///< BEGIN goes with the statement behind it.
    Probe probe = Probe::unknown;
    Duration pin_timeout{0};  ///< How long a backend may be kept past the end of a transaction.
    SessionState session_state;
    std::uint32_t max_client_statements = 2'000;                    ///< Names one client may have.
    std::uint64_t max_client_statement_bytes = 4ULL * 1024 * 1024;  ///< Their texts, in all.
    std::uint32_t statement_cache_size = 10'000;  ///< Texts remembered of one pool, on a worker.
    std::uint64_t statement_cache_bytes = 32ULL * 1024 * 1024;  ///< Likewise.

    std::uint32_t max_client_channels = 1'000;  ///< That one client may listen to.
    /// Bytes of notifications that one client has not taken; beyond, it is cut off.
    std::uint64_t listener_buffer_max = 1024ULL * 1024;
    /// How long the end of a transaction that notified waits for its own notifications. 0: not.
    Duration notify_wait{100};

    std::vector<std::string> ignore_startup_parameters;
    bool application_name_add_host = false;
    std::uint64_t max_startup_bytes = 64ULL * 1024;  ///< Startup packet and login messages.
    std::uint64_t max_packet_size = 0x7fffffffULL;   ///< Any later frame.
    std::uint64_t client_buffer_max =
        256ULL * 1024;  ///< Unsent bytes held for one peer before the other is not read.
    std::uint64_t spool_bytes_max = 0;  ///< The same where that frees a backend. 0: no more.

    Duration failed_login_delay{500};         ///< First delay of an answer to a wrong password.
    std::uint32_t max_failed_logins = 20;     ///< Of one address in a minute; then it is refused.
    std::uint32_t max_logins_per_second = 0;  ///< Good logins of one address; 0: no limit.

    bool tcp_keepalive = true;
    Duration tcp_keepidle{0};  ///< 0: the system's value, as for the next two.
    Duration tcp_keepintvl{0};
    std::uint32_t tcp_keepcnt = 0;
    Duration tcp_user_timeout{0};
    Duration dns_max_ttl{15'000};

    std::map<std::string, Database, std::less<>> databases;
    std::map<std::string, User, std::less<>> users;
    bool operator==(const Postgres&) const = default;
};

/// One Redis that backends are opened to. Nothing said means the value of `[redis]`.
struct RedisDatabase {
    std::string name;  ///< Users name it; "default" is that of everybody else.
    std::string host;  ///< A name or address, or the path of a Unix socket.
    std::uint16_t port = 6379;
    std::string user;  ///< For backends. Empty: the default user.
    Secret password;   ///< For backends. Empty: none is sent.
    std::optional<std::uint32_t> max_connections;
    std::optional<std::uint32_t> shared_connections;
    std::optional<std::uint32_t> pinned_connections;
    std::optional<MemoryGate> memory_gate;
    /// Backends log in as their clients, with the passwords of these; whoever is in no section of
    /// users is let in when the server does.
    bool user_backends = false;
    bool operator==(const RedisDatabase&) const = default;
};

struct RedisUser {
    std::string name;
    Secret password;         ///< Plain text. Empty: gets in without one.
    std::string database;    ///< Empty: "default".
    bool read_only = false;  ///< Commands that write are refused here.
    std::string
        backend_user;         ///< Who logs in to this user's backends. Empty: as the database says.
    Secret backend_password;  ///< Of that one. Empty: none is sent.
    std::optional<std::uint64_t> max_request_bytes;
    std::vector<std::string> allow_commands;   ///< As well as those of [redis].
    std::vector<std::string> refuse_commands;  ///< Likewise; a refusal wins.
    bool operator==(const RedisUser&) const = default;
};

struct Redis {
    std::vector<ListenAddress> listen;
    std::uint32_t max_clients = 10'000;
    std::uint32_t max_connections = 60;     ///< Backends of one Redis, of every kind together.
    std::uint32_t shared_connections = 2;   ///< Per worker, user, database number and RESP version.
    std::uint32_t slow_connections = 1;     ///< Likewise, for those whose replies are large.
    std::uint32_t pinned_connections = 50;  ///< Of one Redis, for clients that need their own.
    std::uint32_t blocking_connections = 0;  ///< Of those, for commands that wait. 0: all.
    std::uint32_t watch_connections = 0;     ///< Of those, for WATCH. 0: all.
    std::uint32_t tracking_connections = 0;  ///< Of those, for CLIENT TRACKING. 0: all.
    std::uint32_t max_waiters = 0;           ///< Clients that may wait for a pinned backend.
    std::uint32_t max_connects = 8;          ///< Pinned backends that may be connecting at once.
    std::uint32_t select_databases = 16;     ///< SELECT goes from 0 to one less.

    Duration info_interval{
        1'000};  ///< Between two INFO of the control connection. 0: there is none.
    /// Whether commands that take memory are answered here while the server has none; by itself
    /// only where the server cannot evict.
    MemoryGate memory_gate = MemoryGate::automatic;

    Duration wait_timeout{5'000};
    Duration client_login_timeout{60'000};
    Duration login_cache_time{60'000};  ///< A password the server has accepted is taken. 0: not.
    Duration client_idle_timeout{0};
    Duration query_timeout{0};  ///< For the next reply. 0: as long as it takes.
    Duration server_connect_timeout{5'000};
    Duration server_idle_timeout{600'000};

    std::uint64_t max_bulk_bytes = 512ULL * 1024 * 1024;  ///< One argument.
    std::uint64_t max_request_bytes = 0;  ///< One command with all its arguments. 0: no limit.
    std::uint64_t max_held_bytes = 64ULL * 1024;  ///< Of a request or block, before it is pinned.
    std::uint64_t client_buffer_max = 8ULL * 1024 * 1024;  ///< Replies a client leaves unread.
    std::uint32_t max_client_subscriptions = 10'000;       ///< Channels of one client.
    std::vector<std::string> allow_commands;
    std::vector<std::string> refuse_commands;

    std::map<std::string, RedisDatabase, std::less<>> databases;
    std::map<std::string, RedisUser, std::less<>> users;
    bool operator==(const Redis&) const = default;

    /// Without a database there is nothing to serve, whatever `listen` says.
    [[nodiscard]] bool served() const noexcept { return !databases.empty() && !listen.empty(); }
};

struct Settings {
    Server server;
    Admin admin;
    Log log;
    Postgres postgres;
    Redis redis;
    bool operator==(const Settings&) const = default;
};

}  // namespace sluice::config
