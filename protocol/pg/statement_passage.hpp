#pragma once

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/client_statements.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/statement_catalog.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/pg/statement_reader.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg {

/// Whether unnamed statements are bound to prepared ones. See docs/settings.md.
enum class AutoPrepare : std::uint8_t { off, on, always };

struct StatementPolicy {
    std::uint32_t max_prepared_statements = 200;  ///< On one backend. 0: no limit.
    std::uint32_t max_client_statements = 2'000;  ///< Names of one client. 0: no limit.
    std::uint64_t max_client_statement_bytes = 4ULL * 1024 * 1024;  ///< Of those. 0: no limit.
    AutoPrepare auto_prepare = AutoPrepare::on;
};

/// Only ever growing.
struct StatementCounters {
    std::uint64_t parses = 0;       ///< From clients.
    std::uint64_t parses_sent = 0;  ///< To backends, on behalf of clients or in their own words.
    std::uint64_t binds = 0;        ///< From clients.
    std::uint64_t evictions = 0;    ///< From backends, for want of room.
};

/// What one pool shard keeps for its clients' statements, and room to write frames in.
/// Confined to: its worker.
struct StatementDesk {
    StatementDesk(StatementReader& who_reads, StatementIds ids, StatementCatalog::Limits limits,
                  StatementPolicy with)
        : reader(who_reads), catalog(ids, limits), policy(with) {}

    StatementReader& reader;  ///< Of the worker. Asked for those texts only whose words tell.
    StatementCatalog catalog;
    const StatementPolicy policy;
    StatementCounters counters;
    std::uint64_t generation = 0;  ///< Of the schema: grows with each change that is noticed.
    std::string written;           ///< Of the last passage.
};

/// The backend of a lease, for a client whose statements bear names of ours there.
struct StatementLease {
    BackendSession& backend;
    StatementDesk& desk;
    std::uint32_t planning;      ///< Of the client's settings; see StatementCatalog::take().
    std::uint32_t own_planning;  ///< For a client that may have changed them unseen.
};

/// How one frame that names a statement goes from a client to a backend that knows the statement
/// by another name, or does not know it yet, or is not asked at all.
///
/// What PostgreSQL would answer is what the client is answered: where it depends on what happens to
/// requests before this one, PostgreSQL itself is made to say it.
class StatementPassage {
  public:
    struct Plan {
        enum class Kind : std::uint8_t {
            passes,      ///< The frame goes on, behind what was written, without its first bytes.
            more_bytes,  ///< It cannot be judged yet.
            waits,       ///< It depends on an answer that has not come.
            name_too_long,
        };
        Kind kind = Kind::passes;
        OwedReply owed;
        /// Bytes of the frame's beginning in whose place `desk.written` ends; all of it where the
        /// client is answered here.
        std::size_t replaced = 0;
    };

    /// `frame` is what is in hand of it, the header at least.
    StatementPassage(const StatementLease& lease, ClientStatements& client, wire::Bytes frame,
                     std::uint32_t planning);

    [[nodiscard]] Plan parse();
    [[nodiscard]] Plan bind() { return use(Owed::bind); }
    [[nodiscard]] Plan describe() { return use(Owed::describe); }
    [[nodiscard]] Plan close();
    /// Where the name ends in the frame, zero byte included; 0 where there is none.
    [[nodiscard]] std::size_t name_end() const noexcept { return named_.name_end; }

  private:
    [[nodiscard]] Plan use(Owed owed);
    [[nodiscard]] Plan use_unnamed(Owed owed);
    [[nodiscard]] Plan parse_unnamed();
    [[nodiscard]] Plan parse_to_fail(Twist twist, std::uint32_t slot);
    [[nodiscard]] Plan parse_as(Statement& statement, OwedReply owed);
    [[nodiscard]] Plan renamed(std::string_view name, OwedReply owed);
    [[nodiscard]] Plan answered_here(OwedReply owed) const;
    [[nodiscard]] Plan as_it_is(Owed owed) const;
    [[nodiscard]] wire::Bytes parse_body() const;
    void send_parse(const Statement& statement, std::uint32_t slot);
    void send_close(StatementId id);
    void make_room();

    const StatementLease& lease_;
    ClientStatements& client_;
    wire::Bytes frame_;
    std::size_t frame_bytes_;
    NamedFrame named_;  ///< Before `search_`, which fills it in.
    NameSearch search_;
    std::uint32_t batch_;
    std::uint32_t planning_;
};

}  // namespace sluice::pg
