#pragma once

#include "protocol/wire/cursor.hpp"

#include <optional>
#include <string>

namespace sluice::pg {

/// Whether a frame may be a Query or Parse of what database_wanted() looks for, by its first
/// bytes: for the way of every query.
[[nodiscard]] bool may_want_database(wire::Bytes frame) noexcept;

/// The database that must have no sessions for this text to succeed: that of DROP DATABASE, of
/// ALTER DATABASE ... RENAME, and the template of CREATE DATABASE. PostgreSQL waits five seconds
/// for them to end, so whoever keeps some without need ends them in that time.
///
/// Only the text's first statement is looked at, for none of these may stand among others. One
/// that is missed is refused by PostgreSQL, as it would be without this.
/// Source: PostgreSQL 15 manual, "DROP DATABASE", "CREATE DATABASE", "Lexical Structure".
[[nodiscard]] std::optional<std::string> database_wanted(wire::Bytes frame);

}  // namespace sluice::pg
