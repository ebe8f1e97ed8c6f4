#pragma once

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/call_memo.hpp"
#include "protocol/pg/session_policy.hpp"
#include "protocol/pg/startup_settings.hpp"
#include "protocol/pg/statement_catalog.hpp"
#include "protocol/pg/statement_reader.hpp"

#include <cstdint>
#include <string>

namespace sluice::pg {

/// Whether unnamed statements are bound to prepared ones. See docs/settings.md.
enum class AutoPrepare : std::uint8_t { off, on, always };

struct StatementPolicy {
    std::uint32_t max_prepared_statements = 200;  ///< On one backend. 0: no limit.
    std::uint32_t max_client_statements = 2'000;  ///< Names of one client. 0: no limit.
    std::uint64_t max_client_statement_bytes = 4ULL * 1024 * 1024;  ///< Of those. 0: no limit.
    AutoPrepare auto_prepare = AutoPrepare::on;
    SessionPolicy session = {};
    /// LISTEN is not the backend's; see ClientChannels.
    [[nodiscard]] bool follows_channels() const noexcept {
        return session.listen == Treatment::track;
    }
};

/// Only ever growing.
struct StatementCounters {
    std::uint64_t parses = 0;       ///< From clients.
    std::uint64_t parses_sent = 0;  ///< To backends, on behalf of clients or in their own words.
    std::uint64_t binds = 0;        ///< From clients.
    std::uint64_t evictions = 0;    ///< From backends, for want of room.
    std::uint64_t batches_sent_again = 0;  ///< For a plan that was out of date.
};

/// What one pool shard keeps for its clients' statements, and room to write frames in.
/// Confined to: its worker.
struct StatementDesk {
    StatementDesk(StatementReader& who_reads, StatementIds ids, StatementCatalog::Limits limits,
                  StatementPolicy with)
        : reader(who_reads), catalog(ids, limits), policy(with) {}

    StatementReader& reader;  ///< Of the worker. Asked for those texts only whose words tell.
    StatementCatalog catalog;
    CallMemo calls;
    const StatementPolicy policy;
    StatementCounters counters;
    SchemaGeneration generation;
    std::string written;  ///< Of the last passage.
    bool heard = false;   ///< Somebody listens to some channel.
};

/// The backend of a lease, for a client whose statements bear names of ours there.
struct StatementLease {
    BackendSession& backend;
    StatementDesk& desk;
    std::uint32_t planning;      ///< Of the client's settings; see StatementCatalog::take().
    std::uint32_t own_planning;  ///< For a client that may have changed them unseen.
    /// What the client started with, to which its RESET goes back; null: nothing.
    const StartupSettings* start = nullptr;
    /// Under the client's settings a backslash in a text may mean what is not seen here.
    bool odd_texts = false;
    /// Under them a CREATE or INTO without a schema may make something temporary.
    bool temporary_path = false;
};

}  // namespace sluice::pg
