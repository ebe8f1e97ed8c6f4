#pragma once

#include "protocol/pg/statement_facts.hpp"

#include <string>
#include <string_view>

namespace sluice::sql {

/// Enters effects into the facts of one text, which it borrows together with the text.
class FactWriter {
  public:
    FactWriter(pg::StatementFacts& facts, std::string_view sql) : facts_(facts), sql_(sql) {}

    [[nodiscard]] std::string_view sql() const noexcept { return sql_; }

    void statement_begun(pg::StatementKind kind, std::uint32_t begin, std::uint32_t bytes);
    void statement_ended();

    /// The effect is there until the next one is added.
    pg::Effect& add(pg::EffectKind kind, std::string name = {}, std::string value = {});
    /// A function or a definition: once a statement is enough for those. Of a statement with very
    /// many effects not every name is kept.
    void add_once(pg::EffectKind kind, std::string name = {});

    /// Where the statement being read stands.
    [[nodiscard]] const pg::SqlStatement& statement() const noexcept {
        return facts_.statements.back();
    }

  private:
    pg::StatementFacts& facts_;
    std::string_view sql_;
};

}  // namespace sluice::sql
