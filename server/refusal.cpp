#include "server/refusal.hpp"

#include <array>

namespace sluice::server {

namespace {

using pg::Severity;
using enum Loudness;

// In the order of RefusalReason. SQLSTATEs are PostgreSQL's own for the same event.
// Source: PostgreSQL 17 manual, "PostgreSQL Error Codes".
constexpr std::array<RefusalRow, refusal_reason_count> rows{{
    {"too_many_clients", "53300", Severity::fatal, warning, "sorry, too many clients already",
     "Raise postgres.max_clients, or close clients that are not needed."},
    {"too_many_user_clients", "53300", Severity::fatal, warning, "too many clients for this user",
     "Raise max_user_client_connections, or close clients that are not needed."},
    {"too_many_database_clients", "53300", Severity::fatal, warning,
     "too many clients for this database",
     "Raise max_db_client_connections, or close clients that are not needed."},
    {"too_many_logins", "53300", Severity::fatal, warning, "too many logins from this address",
     "Wait a moment, or raise postgres.max_logins_per_second."},
    {"login_failed", "28P01", Severity::fatal, quiet, "password authentication failed", {}},
    {"login_blocked", "28000", Severity::fatal, warning, "too many failed logins from this address",
     "Wait a minute and try again."},
    {"login_timeout", "08006", Severity::fatal, quiet, "login took too long", {}},
    {"database_unknown", "3D000", Severity::fatal, quiet, "database does not exist", {}},
    {"too_many_replications", "53300", Severity::fatal, warning, "too many replication connections",
     "Raise postgres.max_replication_connections."},
    {"startup_parameter_invalid", "22023", Severity::fatal, quiet, "invalid startup parameter", {}},
    {"startup_invalid", "08P01", Severity::fatal, quiet, "invalid startup packet", {}},
    {"protocol_violation", "08P01", Severity::fatal, warning, "protocol violation", {}},
    {"queue_full", "53300", Severity::error, warning,
     "too many clients are waiting for a database connection",
     "Try again later; raise pool_size or max_waiters if this lasts."},
    {"wait_timeout", "53300", Severity::error, warning,
     "timed out waiting for a database connection",
     "Try again later; raise pool_size or wait_timeout if this lasts."},
    {"backend_rejected",
     "08004",
     Severity::fatal,
     warning,
     "the database server refused the login of this pool",
     {}},
    {"backend_lost",
     "08006",
     Severity::fatal,
     warning,
     "the connection to the database server was lost",
     {}},
    {"backend_violation",
     "08P01",
     Severity::fatal,
     warning,
     "the database server broke the protocol",
     {}},
    {"cancelled_waiting",
     "57014",
     Severity::error,
     quiet,
     "canceling statement due to user request",
     {}},
    {"query_timeout",
     "57014",
     Severity::fatal,
     quiet,
     "canceling statement due to query_timeout",
     {}},
    {"idle_transaction_timeout",
     "25P03",
     Severity::fatal,
     quiet,
     "terminating connection due to idle_transaction_timeout",
     {}},
    {"transaction_timeout",
     "25P04",
     Severity::fatal,
     quiet,
     "terminating connection due to transaction_timeout",
     {}},
    {"client_idle_timeout",
     "57P05",
     Severity::fatal,
     quiet,
     "terminating connection due to client_idle_timeout",
     {}},
    {"transaction_in_statement_mode", "0A000", Severity::fatal, warning,
     "transaction blocks are not allowed in statement pool mode",
     "Use pool_mode transaction for this database."},
    {"shutdown", "57P01", Severity::fatal, quiet,
     "terminating connection because the pooler is shutting down", "Connect again."},
    {"console_forbidden", "42501", Severity::fatal, warning,
     "this user may not use the admin console",
     "Add the user to postgres.admin_users or postgres.stats_users."},
    {"buffers_spent", "53200", Severity::fatal, warning, "out of buffer memory",
     "Read results as they come and send less at once, or raise server.buffer_memory_max."},
    {"too_many_statements", "54000", Severity::error, warning,
     "this client has too many prepared statements",
     "Close statements that are not needed, or raise postgres.max_client_statements and "
     "postgres.max_client_statement_bytes."},
    {"portal_stall_timeout", "25P03", Severity::error, quiet,
     "the transaction was rolled back because of portal_stall_timeout",
     "Read a cursor without long pauses and end its batch or transaction, or raise "
     "portal_stall_timeout."},
    {"slow_reader_timeout", "57014", Severity::fatal, quiet,
     "terminating connection due to slow_reader_timeout",
     "Read results as they come, or raise slow_reader_timeout."},
    {"too_many_channels", "54000", Severity::error, warning,
     "this client listens to too many channels",
     "UNLISTEN what is not needed, or raise postgres.max_client_channels."},
    {"listening_refused", "08006", Severity::error, warning,
     "the connection that listens for this database could not be made", "Try again later."},
    {"slow_listener", "53200", Severity::fatal, warning,
     "this client does not read its notifications",
     "Read notifications as they come, or raise postgres.listener_buffer_max."},
    {"pin_timeout", "25P03", Severity::fatal, quiet, "terminating connection due to pin_timeout",
     "Give up locks, temporary tables and the like sooner, or raise pin_timeout."},
    {"session_state_rejected", "0A000", Severity::error, quiet,
     "session state of this kind is rejected here",
     "Use what ends with its transaction (SET LOCAL, ON COMMIT DROP, pg_advisory_xact_lock), or "
     "say otherwise in session_state."},
    {"out_of_files", "53000", Severity::fatal, warning,
     "this pooler has no file descriptor left for a connection to the database server",
     "Try again later; raise the limit on open files of the pooler (ulimit -n, LimitNOFILE)."},
}};

}  // namespace

const RefusalRow& row_of(RefusalReason reason) noexcept {
    return rows[static_cast<std::size_t>(reason)];
}

void append_refusal(std::string& out, RefusalReason reason, std::string_view text,
                    std::string_view detail) {
    const RefusalRow& row = row_of(reason);
    pg::append_error(out, row.severity, row.sqlstate, text.empty() ? row.text : text, detail,
                     row.hint);
}

}  // namespace sluice::server
