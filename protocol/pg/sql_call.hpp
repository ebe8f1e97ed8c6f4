#pragma once

namespace sluice::pg {

/// The bytes of a SQL text before a place in it, as far as they are in hand.
struct TextBefore {
    const char* begin;
    bool from_the_start;  ///< Nothing stands before `begin`.
};

/// Whether a parenthesis behind a name may open the call of a function that is not known to be
/// harmless. The name begins at `name`, a quoted one with its quote; it is whole, and something
/// other than it follows.
///
/// Where INTO, AS or :: stands before the name, it is a table, an alias or a type. A comment may
/// end in such a word, so what stands before one is never trusted.
[[nodiscard]] bool may_call_unknown(TextBefore text, const char* name, bool quoted) noexcept;

}  // namespace sluice::pg
