#pragma once

#include "protocol/pg/client_statements.hpp"
#include "protocol/pg/statement_facts.hpp"
#include "protocol/pg/statement_lease.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// Brings what a backend has under the client's own names into agreement with what the client
/// holds, in front of a request that SQL makes depend on it: EXECUTE, PREPARE, DEALLOCATE, and the
/// protocol's messages for a statement that PREPARE made.
///
/// Behind an agreement PostgreSQL itself says what is there and what is not. A version of another
/// client, or one that nobody can tell, is closed, which always succeeds; one that is missing is
/// made again by the client's own text, of which an error answers the client's request.
///
/// What it sends is appended to `desk.written` and counted as sent.
class NameAgreement {
  public:
    /// What of a name the request needs.
    enum class Need : std::uint8_t {
        presence,  ///< That something is there if the client holds it: it is taken away, or
                   ///< objected to.
        version,   ///< The very statement.
    };

    /// `errors_to`: client_if_error where the request follows at once, nobody where it waits for
    /// what became of the agreement.
    NameAgreement(const StatementLease& lease, const ClientStatements& client,
                  Audience errors_to = Audience::client_if_error) noexcept
        : lease_(lease), client_(client), batch_(lease.backend.batch()), errors_to_(errors_to) {}

    /// An answer must come before this text can be judged.
    [[nodiscard]] bool must_wait(const StatementFacts& facts) const;
    /// reach() would execute something.
    [[nodiscard]] bool executes(const StatementFacts& facts) const;
    void reach(const StatementFacts& facts);
    void reach(std::string_view name, Need need);
    /// For what may name anything.
    void reach_all();
    /// For what shows all statements of the session: those of the client are there under its own
    /// names, in the order in which it made them, and nothing else.
    void show_all();
    /// For what may name anything and cannot be answered by an error of ours: what is another
    /// client's is not there, but not all that is the client's is.
    void close_foreign();
    /// Puts a request in front that fails, because the client has more statements than it may.
    void refuse_beyond_limits();
    /// Something that can fail was put in front.
    [[nodiscard]] bool may_fail() const noexcept { return may_fail_; }

  private:
    [[nodiscard]] StatementId version_of(std::string_view name,
                                         const ClientStatements::Found& found) const;
    [[nodiscard]] bool executes(std::string_view name) const;
    void close(std::string_view name);
    void close_ours(StatementId id);
    void put_placeholder(std::string_view name);
    void make(std::string_view name, const ClientStatements::Found& found, StatementId version);
    void make_by_sql(std::string_view name, const ClientStatements::Found& found,
                     StatementId version);
    void make_room();

    const StatementLease& lease_;
    const ClientStatements& client_;
    std::uint32_t batch_;
    Audience errors_to_;
    bool may_fail_ = false;
};

/// Whether the text changes names of statements, or what it does depends on what they stand for.
[[nodiscard]] bool concerns_names(const StatementFacts& facts) noexcept;

/// Whether the text reads the list of the session's statements.
[[nodiscard]] bool shows_statements(const StatementFacts& facts) noexcept;

/// What the statements of a text will do to names, in the order of the text; each PREPARE's
/// statement is held for the caller.
[[nodiscard]] std::vector<NameEffect> name_effects(std::string_view text,
                                                   const StatementFacts& facts,
                                                   StatementCatalog& catalog,
                                                   std::uint32_t planning);

}  // namespace sluice::pg
