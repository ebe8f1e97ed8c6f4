#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstdint>

namespace sluice::pg {

/// What the rows of a statement look like, as a number: those that PostgreSQL takes for the same
/// result ("cached plan must not change result type") have the same one. A client that was told
/// of one result decodes rows by it from then on, so it must not be given others.
struct ResultShape {
    std::uint64_t value = 0;  ///< 0: not known.

    [[nodiscard]] constexpr bool known() const noexcept { return value != 0; }
    constexpr bool operator==(const ResultShape&) const = default;
};

/// A statement without rows.
inline constexpr ResultShape no_rows{1};
/// Too many columns to be looked at in one piece.
inline constexpr ResultShape unseen_rows{2};

/// Of the body of a RowDescription: names, types and their modifiers of the columns. Which table
/// and which format they are of makes no other result.
[[nodiscard]] ResultShape shape_of(wire::Bytes row_description) noexcept;

}  // namespace sluice::pg
