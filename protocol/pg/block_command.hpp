#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::pg {

/// One statement that begins or ends a transaction block.
enum class BlockCommand : std::uint8_t {
    none,               ///< Anything else, or not known for certain to be one of these.
    begin,              ///< BEGIN, with modes or without.
    start_transaction,  ///< The same in the words of the standard.
    commit,             ///< COMMIT, END.
    rollback,           ///< ROLLBACK, ABORT.
};

/// What a text is, where PostgreSQL is certain to accept it as exactly that. The grammar is smaller
/// than PostgreSQL's: what has comments, what a standby refuses (SERIALIZABLE, READ WRITE), what
/// names a mode twice, and AND CHAIN are none.
/// Source: PostgreSQL 15 manual, "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK".
[[nodiscard]] BlockCommand block_command_of(std::string_view text) noexcept;

/// A text that is longer is none.
constexpr std::size_t block_command_bytes_max = 128;

/// What CommandComplete says of it.
[[nodiscard]] std::string_view tag_of(BlockCommand command) noexcept;

[[nodiscard]] constexpr bool begins_block(BlockCommand command) noexcept {
    return command == BlockCommand::begin || command == BlockCommand::start_transaction;
}

}  // namespace sluice::pg
