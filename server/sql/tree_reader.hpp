#pragma once

#include "server/sql/fact_writer.hpp"
#include "server/sql/tree.hpp"

#include <string_view>
#include <vector>

namespace sluice::sql {

/// Reads the facts from a parse tree. The tree may be deep: it is walked without recursion.
class TreeReader {
  public:
    explicit TreeReader(FactWriter& facts) : facts_(facts) {}

    /// `tree` is what libpg_query makes of the text that the writer has.
    void read(const Node& tree);

  private:
    /// A field and what it holds.
    struct Place {
        std::string_view field;
        const boost::json::value* value;
    };

    void read_statement(const Node& statement);
    void walk(std::string_view field, const boost::json::value& value);
    /// Whether what lies below a node belongs to what the statement does.
    [[nodiscard]] bool enter(std::string_view field, const Node& node);
    void relation_created(const Node* relation, std::string_view on_commit);
    void name_created(const Node& node);

    FactWriter& facts_;
    std::vector<Place> pending_;
};

}  // namespace sluice::sql
