#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::pg {

/// What the tag of a CommandComplete says beyond that the command is complete.
enum class TagMeaning : std::uint8_t {
    nothing,
    schema_changed,        ///< What a text means may be another now.
    result_changed,        ///< The same, and so may the columns of the result of a prepared one.
    statements_discarded,  ///< DISCARD ALL, DEALLOCATE ALL: no named statement is left.
    block_begun,           ///< BEGIN, START TRANSACTION.
    cursor_declared,
    cursor_closed,  ///< One, or all.
    prepared,       ///< PREPARE.
    deallocated,    ///< DEALLOCATE of one.
};

/// Bytes of a tag without which `may_mean_something` cannot tell.
constexpr std::size_t tag_bytes_telling = 3;

/// A quick look at the first bytes: false for nearly all that is worth its speed.
[[nodiscard]] constexpr bool may_mean_something(std::string_view first_bytes) noexcept {
    if (first_bytes.size() < tag_bytes_telling) return false;
    switch (first_bytes[0]) {
        case 'A': return first_bytes[1] == 'L';                           // ALTER
        case 'C': return first_bytes[1] == 'R' || first_bytes[1] == 'L';  // CREATE, CLOSE
        case 'D':
            return first_bytes[1] == 'R' || first_bytes[2] == 'S' ||  // DROP, DISCARD
                   first_bytes[2] == 'A' || first_bytes[2] == 'C';    // DEALLOCATE, DECLARE
        case 'I': return first_bytes[1] == 'M';                       // IMPORT
        case 'P': return first_bytes[1] == 'R';                       // PREPARE
        default: return false;
    }
}

/// Likewise, of tags that mean something only where no ReadyForQuery follows by itself.
[[nodiscard]] constexpr bool may_begin_block(std::string_view first_bytes) noexcept {
    return first_bytes.starts_with("BEG") || first_bytes.starts_with("STA");
}

/// `tag` is the whole tag.
[[nodiscard]] constexpr TagMeaning meaning_of(std::string_view tag) noexcept {
    if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") return TagMeaning::statements_discarded;
    if (tag == "PREPARE") return TagMeaning::prepared;
    if (tag == "DEALLOCATE") return TagMeaning::deallocated;
    // Not DROP, though a table of another form may follow: who uses temporary tables drops them all
    // the time, and the server itself refuses what has become wrong.
    for (const std::string_view verb :
         {"ALTER ", "CREATE VIEW", "CREATE FUNCTION", "CREATE RULE"}) {
        if (tag.starts_with(verb)) return TagMeaning::result_changed;
    }
    for (const std::string_view verb : {"CREATE ", "DROP ", "IMPORT "}) {
        if (tag.starts_with(verb)) return TagMeaning::schema_changed;
    }
    if (tag == "DECLARE CURSOR") return TagMeaning::cursor_declared;
    if (tag.starts_with("CLOSE CURSOR")) return TagMeaning::cursor_closed;
    if (tag == "BEGIN" || tag == "START TRANSACTION") return TagMeaning::block_begun;
    return TagMeaning::nothing;
}

}  // namespace sluice::pg
