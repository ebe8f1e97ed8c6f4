#pragma once

#include "protocol/pg/client_statements.hpp"
#include "protocol/pg/name_agreement.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/pg/statement_lease.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::pg {

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
            asks,        ///< Likewise; what was written asks for it.
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
    /// The statement that Bind or Describe uses, where it is known; null for one of PREPARE's.
    [[nodiscard]] Statement* used() const noexcept { return used_; }
    /// Likewise, also where PREPARE made it.
    [[nodiscard]] const Statement* watched() const noexcept { return watched_; }
    /// The statement that Parse has given the client; null where it fails, or is not kept.
    [[nodiscard]] const Statement* parsed() const noexcept { return parsed_; }

  private:
    [[nodiscard]] Plan use(Owed owed);
    [[nodiscard]] bool fails_for_certain(const Statement& statement) const;
    [[nodiscard]] Plan bind_as_told(const ClientStatements::Found& found);
    [[nodiscard]] Plan bind_outdated(std::uint32_t slot);
    [[nodiscard]] bool unnamed_as_told(const ClientStatements::Found& found) const;
    [[nodiscard]] Plan use_backends_unnamed(const ClientStatements::Found& found, Owed owed);
    void note_result(const ClientStatements::Found& found, OwedReply& reply);
    [[nodiscard]] bool describes_behind() const;
    [[nodiscard]] std::string_view portal() const;
    [[nodiscard]] Plan bind_to_fail(const Statement& statement, std::uint32_t slot);
    [[nodiscard]] Plan use_by_sql(const ClientStatements::Found& found, Owed owed);
    [[nodiscard]] bool names_agree(const Statement& statement);
    [[nodiscard]] Statement& take(wire::Bytes body);
    [[nodiscard]] Plan use_unnamed(Owed owed);
    [[nodiscard]] Plan parse_unnamed();
    [[nodiscard]] Plan parse_to_fail(Twist twist, std::uint32_t slot);
    [[nodiscard]] std::optional<std::uint32_t> rejection() const;
    [[nodiscard]] bool is_current(StatementId id) const noexcept;
    [[nodiscard]] Plan parse_as(Statement& statement, OwedReply owed);
    [[nodiscard]] Plan renamed(std::string_view name, OwedReply owed);
    [[nodiscard]] Plan answered_here(OwedReply owed) const;
    [[nodiscard]] Plan as_it_is(Owed owed) const;
    [[nodiscard]] wire::Bytes parse_body() const;
    void rely_on(const Statement& statement);
    void send_parse(const Statement& statement, std::uint32_t slot);
    void send_close(StatementId id);
    void make_room();

    const StatementLease& lease_;
    ClientStatements& client_;
    wire::Bytes frame_;
    wire::Bytes behind_;  ///< The frame, as far as it is in hand.
    std::size_t frame_bytes_;
    NamedFrame named_;  ///< Before `search_`, which fills it in.
    NameSearch search_;
    std::uint32_t batch_;
    std::uint32_t planning_;
    Statement* used_ = nullptr;
    const Statement* watched_ = nullptr;
    const Statement* parsed_ = nullptr;
};

}  // namespace sluice::pg
