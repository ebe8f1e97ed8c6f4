#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

namespace {

bool take_users_file(const Found& found, Postgres& postgres) {
    std::string name;
    if (!take(found, name)) return false;
    postgres.users_file = name.empty() ? name : (found.reading.folder / name).string();
    return true;
}

bool take_socket_mode(const Found& found, Postgres& postgres) {
    const auto* text = std::get_if<std::string>(&found.value.content);
    const auto mode = text == nullptr ? std::nullopt : parse_file_mode(*text);
    if (!mode) return found.reject("wanted an octal mode in quotes, such as \"0770\"");
    postgres.unix_socket_mode = *mode;
    return true;
}

constexpr Range listen_backlog_range{1, 65'535};
constexpr Range keepalive_range{0, 32'767'000};  ///< tcp(7): MAX_TCP_KEEPIDLE, in seconds.
constexpr Range keepalive_count_range{0, 127};
constexpr Range startup_bytes_range{1'024, 16ULL << 20};
constexpr Range packet_bytes_range{1'024, 0x7fffffff};
constexpr Range buffer_bytes_range{4'096, 1ULL << 30};
constexpr Range delay_range{0, failed_login_delay_max.count()};
constexpr Range user_timeout_range{0, 0x7fffffff};  ///< tcp(7): an int of milliseconds.
constexpr Range memory_bytes_range{0, 1ULL << 40};

constexpr Key<Postgres> unix_socket_mode_key{
    "unix_socket_mode", {}, take_socket_mode, [](const Postgres& postgres) {
        return show_file_mode(postgres.unix_socket_mode);
    }};
constexpr Key<Postgres> users_file_key{
    "users_file", {}, take_users_file, [](const Postgres& postgres) {
        return postgres.users_file;
    }};

using P = Postgres;

constexpr std::array keys{
    key<P, &P::listen>("listen"),
    unix_socket_mode_key,
    key<P, &P::listen_backlog>("listen_backlog", listen_backlog_range),
    key<P, &P::auth>("auth"),
    key<P, &P::unix_peer_login>("unix_peer_login"),
    users_file_key,
    key<P, &P::admin_users>("admin_users"),
    key<P, &P::stats_users>("stats_users"),

    key<P, &P::pool_mode>("pool_mode"),
    key<P, &P::pool_size>("pool_size", pool_size_range),
    key<P, &P::min_pool_size>("min_pool_size", backend_count_range),
    key<P, &P::reserve_pool_size>("reserve_pool_size", backend_count_range),
    key<P, &P::reserve_pool_timeout>("reserve_pool_timeout"),
    key<P, &P::max_db_connections>("max_db_connections", backend_count_range),
    key<P, &P::max_user_connections>("max_user_connections", backend_count_range),
    key<P, &P::max_clients>("max_clients", client_count_range),
    key<P, &P::max_db_client_connections>("max_db_client_connections", client_count_range),
    key<P, &P::max_user_client_connections>("max_user_client_connections", client_count_range),
    key<P, &P::max_replication_connections>("max_replication_connections", backend_count_range),
    key<P, &P::max_waiters>("max_waiters", client_count_range),
    key<P, &P::max_connects>("max_connects", backend_count_range),

    key<P, &P::client_login_timeout>("client_login_timeout"),
    key<P, &P::wait_timeout>("wait_timeout"),
    key<P, &P::query_timeout>("query_timeout"),
    key<P, &P::idle_transaction_timeout>("idle_transaction_timeout"),
    key<P, &P::portal_stall_timeout>("portal_stall_timeout"),
    key<P, &P::transaction_timeout>("transaction_timeout"),
    key<P, &P::slow_reader_timeout>("slow_reader_timeout"),
    key<P, &P::client_idle_timeout>("client_idle_timeout"),
    key<P, &P::server_connect_timeout>("server_connect_timeout"),
    key<P, &P::server_login_retry>("server_login_retry"),
    key<P, &P::server_idle_timeout>("server_idle_timeout"),
    key<P, &P::server_lifetime>("server_lifetime"),
    key<P, &P::autodb_idle_timeout>("autodb_idle_timeout"),
    key<P, &P::server_check_delay>("server_check_delay"),
    key<P, &P::max_protocol_version>("max_protocol_version"),
    key<P, &P::server_check_query>("server_check_query"),
    key<P, &P::server_reset_query>("server_reset_query"),
    key<P, &P::server_reset_query_always>("server_reset_query_always"),
    key<P, &P::cancel_wait_timeout>("cancel_wait_timeout"),
    key<P, &P::max_cancels>("max_cancels", backend_count_range),
    key<P, &P::instance>("instance", {0, instance_max}),
    key<P, &P::peers>("peers"),

    key<P, &P::max_prepared_statements>("max_prepared_statements", statement_count_range),
    key<P, &P::auto_prepare>("auto_prepare"),
    key<P, &P::deferred_begin>("deferred_begin"),
    key<P, &P::probe>("probe"),
    key<P, &P::pin_timeout>("pin_timeout"),
    key<P, &P::max_client_statements>("max_client_statements", statement_count_range),
    key<P, &P::max_client_statement_bytes>("max_client_statement_bytes", memory_bytes_range),
    key<P, &P::statement_cache_size>("statement_cache_size", statement_count_range),
    key<P, &P::statement_cache_bytes>("statement_cache_bytes", memory_bytes_range),
    key<P, &P::max_client_channels>("max_client_channels", statement_count_range),
    key<P, &P::listener_buffer_max>("listener_buffer_max", memory_bytes_range),
    key<P, &P::notify_wait>("notify_wait"),
    key<P, &P::ignore_startup_parameters>("ignore_startup_parameters"),
    key<P, &P::application_name_add_host>("application_name_add_host"),
    key<P, &P::max_startup_bytes>("max_startup_bytes", startup_bytes_range),
    key<P, &P::max_packet_size>("max_packet_size", packet_bytes_range),
    key<P, &P::client_buffer_max>("client_buffer_max", buffer_bytes_range),
    key<P, &P::spool_bytes_max>("spool_bytes_max", spool_bytes_range),

    key<P, &P::failed_login_delay>("failed_login_delay", delay_range),
    key<P, &P::max_failed_logins>("max_failed_logins", client_count_range),
    key<P, &P::max_logins_per_second>("max_logins_per_second", client_count_range),

    key<P, &P::tcp_keepalive>("tcp_keepalive"),
    key<P, &P::tcp_keepidle>("tcp_keepidle", keepalive_range),
    key<P, &P::tcp_keepintvl>("tcp_keepintvl", keepalive_range),
    key<P, &P::tcp_keepcnt>("tcp_keepcnt", keepalive_count_range),
    key<P, &P::tcp_user_timeout>("tcp_user_timeout", user_timeout_range),
    key<P, &P::dns_max_ttl>("dns_max_ttl"),
};

}  // namespace

std::span<const Key<Postgres>> postgres_keys() {
    return keys;
}

void read_postgres(const Table& table, const Reading& reading, Draft& draft) {
    for (const auto& entry : table) {
        if (entry.key == "databases") {
            read_databases(entry, reading, draft);
        } else if (entry.key == "users") {
            read_users(entry, reading, draft);
        } else if (entry.key == "session_state") {
            read_session_state(entry, reading, draft.settings.postgres.session_state);
        } else if (!read_entry(entry, "postgres." + entry.key, postgres_keys(), reading,
                               draft.settings.postgres)) {
            reject_unknown(entry, "postgres", reading);
        }
    }
}

}  // namespace sluice::config
