#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::pg {

/// Whether the first statement of a text ends the transaction block that it comes into.
enum class BlockEnd : std::uint8_t {
    none,      ///< It does not, or it is no statement.
    commit,    ///< COMMIT, END, PREPARE TRANSACTION.
    rollback,  ///< ROLLBACK, ABORT; not ROLLBACK TO, nor ROLLBACK PREPARED.
};

/// Looks at the first words behind blanks and comments. A text that breaks off before they are
/// whole is none.
[[nodiscard]] BlockEnd block_end_of(std::string_view text) noexcept;

/// The first word is one with which a transaction block is begun.
[[nodiscard]] bool begins_like_block(std::string_view text) noexcept;
/// The same, or such a word stands somewhere behind a semicolon: whoever reads SQL is to say what
/// it means there. Whole texts only. Linear, whatever the text.
[[nodiscard]] bool mentions_block_begin(std::string_view text) noexcept;

/// Bytes of a text that are enough for an answer, unless it begins with comments that are longer.
constexpr std::size_t block_end_bytes_telling = 256;

}  // namespace sluice::pg
