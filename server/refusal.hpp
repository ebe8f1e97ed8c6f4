#pragma once

#include "protocol/pg/error_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::server {

/// Every way in which this program turns a client away or ends it, one row each: what the client
/// is told, how loud the log is, and the label under which it is counted.
enum class RefusalReason : std::uint8_t {
    too_many_clients,
    too_many_user_clients,
    too_many_database_clients,
    too_many_logins,
    login_failed,
    login_blocked,
    login_timeout,
    database_unknown,
    too_many_replications,
    startup_parameter_invalid,
    startup_invalid,
    protocol_violation,
    queue_full,
    wait_timeout,
    backend_rejected,
    backend_lost,
    backend_violation,
    cancelled_waiting,
    query_timeout,
    idle_transaction_timeout,
    transaction_timeout,
    client_idle_timeout,
    transaction_in_statement_mode,
    shutdown,
    console_forbidden,
    buffers_spent,
    too_many_statements,
    portal_stall_timeout,
    slow_reader_timeout,
    too_many_channels,
    listening_refused,
    slow_listener,
    pin_timeout,
    session_state_rejected,
    out_of_files,
};
constexpr std::size_t refusal_reason_count = 35;

enum class Loudness : std::uint8_t { quiet, warning };

struct RefusalRow {
    std::string_view label;     ///< Metric label `reason`; stable.
    std::string_view sqlstate;  ///< Five characters.
    pg::Severity severity;      ///< fatal: the client is closed behind it.
    Loudness loudness;
    std::string_view text;  ///< The message, unless the place of the refusal has a better one.
    std::string_view hint;
};

[[nodiscard]] const RefusalRow& row_of(RefusalReason reason) noexcept;

/// An ErrorResponse for this reason. Empty `text` means the row's own.
void append_refusal(std::string& out, RefusalReason reason, std::string_view text = {},
                    std::string_view detail = {});

}  // namespace sluice::server
