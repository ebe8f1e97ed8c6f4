#pragma once

#include "server/sql/fact_writer.hpp"
#include "server/sql/tree.hpp"

#include <string_view>

namespace sluice::sql {

/// What sort of statement a node is at the top of a tree.
[[nodiscard]] pg::StatementKind kind_of(std::string_view type) noexcept;

/// Enters what a statement itself does to the session; what its expressions do, and what it
/// creates, is read from the tree below it.
void read_session_statement(std::string_view type, const Node& node, FactWriter& facts);

/// SET and RESET, which only at the top of a tree are about this session: ALTER ROLE and CREATE
/// FUNCTION have them inside.
void read_setting(const Node& node, FactWriter& facts);

}  // namespace sluice::sql
