#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace sluice::config {

namespace {

/// A word of pgbouncer.ini and what stands for it here; a sentence where no key does.
struct Word {
    std::string_view theirs;
    std::string_view ours;
};

constexpr std::string_view tls = "TLS is not in this version";
constexpr std::string_view later = "it is not in this version";
constexpr std::string_view systemd = "leave that to systemd";
constexpr std::string_view not_needed = "it is not needed here";

constexpr std::array words{
    Word{"auth_dbname", later},
    Word{"auth_file", "`users_file` in [postgres]"},
    Word{"auth_hba_file", later},
    Word{"auth_query", later},
    Word{"auth_type", "`auth` in [postgres]"},
    Word{"auth_user", later},
    Word{"autodb_idle_timeout", not_needed},
    Word{"client_tls_ca_file", tls},
    Word{"client_tls_cert_file", tls},
    Word{"client_tls_key_file", tls},
    Word{"client_tls_sslmode", tls},
    Word{"connect_query", later},
    Word{"default_pool_size", "`pool_size`"},
    Word{"dns_nxdomain_ttl", not_needed},
    Word{"listen_addr", "`listen` in [postgres], with the port, as \"127.0.0.1:6432\""},
    Word{"listen_port", "the port in `listen` of [postgres], as \"127.0.0.1:6432\""},
    Word{"log_pooler_errors", not_needed},
    Word{"log_stats", "/metrics, by `listen` in [admin]"},
    Word{"logfile", systemd},
    Word{"max_client_conn", "`max_clients` in [postgres]"},
    Word{"max_prepared_statements", later},
    Word{"pidfile", systemd},
    Word{"pkt_buf", "`client_buffer_max` in [postgres]"},
    Word{"query_wait_timeout", "`wait_timeout`"},
    Word{"res_pool_size", "`reserve_pool_size`"},
    Word{"reserve_pool", "`reserve_pool_size`"},
    Word{"sbuf_loopcnt", not_needed},
    Word{"server_round_robin", later},
    Word{"server_tls_ca_file", tls},
    Word{"server_tls_sslmode", tls},
    Word{"so_reuseport", "always on; see `workers` in [server]"},
    Word{"stats_period", not_needed},
    Word{"suspend_timeout", later},
    Word{"syslog", systemd},
    Word{"tcp_defer_accept", not_needed},
    Word{"track_extra_parameters", later},
    Word{"unix_socket_dir", "\"unix:/folder\" in `listen` of [postgres]"},
    Word{"unix_socket_group", later},
    Word{"verbose", "`level` in [log]"},
};

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before;
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = above[j] + (a[i] == b[j] ? 0 : 1);
            row[j + 1] = std::min({changed, above[j + 1] + 1, row[j] + 1});
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
                row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
            }
        }
        before = above;
        above.swap(row);
    }
    return above.back();
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    // No key has half this many letters, and the distance takes time by the square.
    constexpr std::size_t letters_max = 64;
    if (word.size() > letters_max) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto candidate : known) {
        const auto distance = edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidate;
    }
    return best;
}

std::string translate_pgbouncer(std::string_view word) {
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&](const Word& entry) { return entry.theirs == word; });
    if (found == words.end()) return {};
    const bool is_sentence = found->ours == tls || found->ours == later || found->ours == systemd ||
                             found->ours == not_needed;
    return "PgBouncer's `" + std::string(word) + "`" + (is_sentence ? ": " : " is ") +
           std::string(found->ours) + (is_sentence ? "" : " here");
}

}  // namespace sluice::config
