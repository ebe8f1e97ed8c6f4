#pragma once

#include "server/sql/fact_writer.hpp"
#include "server/sql/tree.hpp"

namespace sluice::sql {

/// Enters what a FuncCall node does, its arguments aside. Nothing, where it is a function of
/// PostgreSQL's own that leaves nothing in a session.
///
/// A name without a schema is taken for PostgreSQL's own when there is one: pg_catalog comes first
/// in every search path that does not say otherwise.
void read_call(const Node& call, FactWriter& facts);

}  // namespace sluice::sql
