#pragma once

#include "config/settings.hpp"

#include "server/admin/table_writer.hpp"
#include "server/snapshot.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::server {

/// What the console knows besides a snapshot.
struct ConsoleFacts {
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    std::string version;
    std::chrono::seconds uptime{0};
    Pairs settings;  ///< As config::dump() gives them: no secret among them.
    Pairs defaults;  ///< The same of the settings nobody has touched; may be empty.
    const config::Postgres* postgres = nullptr;  ///< For what is configured; may be nullptr.
};

/// One SHOW command. Columns are PgBouncer 1.23's in its order, for the tools that read them;
/// what is ours alone stands behind them.
struct Show {
    std::string_view word;  ///< In lower case.
    std::string_view meaning;
    SnapshotDetail detail;
    std::span<const Column> columns;
    void (*rows)(TableWriter&, const Snapshot&, const ConsoleFacts&);
};

extern const Show show_clients;
extern const Show show_config;
extern const Show show_databases;
extern const Show show_help;
extern const Show show_lists;
extern const Show show_pools;
extern const Show show_servers;
extern const Show show_stats;
extern const Show show_version;

/// All of them, sorted by word.
[[nodiscard]] std::span<const Show* const> shows() noexcept;

}  // namespace sluice::server
