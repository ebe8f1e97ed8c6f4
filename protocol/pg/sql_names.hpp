#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::pg {

/// What is known of a word that may be the name of a function.
enum class SqlName : std::uint8_t {
    unknown,           ///< It may be anybody's function.
    keyword,           ///< Behind it, a parenthesis opens no call.
    harmless_function  ///< PostgreSQL's own, and it leaves nothing behind in a session.
};

/// Looks up a word as it stands in SQL text, in any case.
///
/// Keywords are those that cannot name a function, and some that could but stand before a
/// parenthesis in ordinary statements: BY, CONFLICT, CUBE, ILIKE, JOIN, LIKE, ROLLUP, SETS. A
/// function of such a name goes unnoticed.
[[nodiscard]] SqlName find_sql_name(std::string_view word) noexcept;

/// The same for a name that has been read: lower-cased, or quoted and to be taken as it is.
[[nodiscard]] bool is_harmless_function(std::string_view name) noexcept;

}  // namespace sluice::pg
