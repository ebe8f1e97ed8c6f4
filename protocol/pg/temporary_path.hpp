#pragma once

#include <string_view>

namespace sluice::pg {

// Who has the schema of temporary objects in his search_path makes them without saying so: CREATE
// TABLE makes a table in the first schema of the path that is there, and that may be this one.
// Source: PostgreSQL 15 manual, "Client Connection Defaults", search_path.

/// Whether a value of search_path names that schema, by its alias or as it is called.
[[nodiscard]] bool names_temporary_schema(std::string_view search_path) noexcept;

}  // namespace sluice::pg
