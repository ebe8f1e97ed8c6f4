#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::sql {

/// Where things stand in "PREPARE name (types) AS statement".
struct PreparedText {
    std::string types;        ///< What stands between the parentheses, if any.
    std::uint32_t begin = 0;  ///< Of the statement, from the beginning of the text given.
};

/// `sql` begins with a PREPARE statement that the grammar has accepted, or with what may stand
/// before one. The tree does not tell where the statement inside begins, the scanner does.
[[nodiscard]] std::optional<PreparedText> find_prepared(std::string_view sql);

}  // namespace sluice::sql
