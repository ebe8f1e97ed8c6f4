#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice::config {

/// Edits between two words: a letter more, less or other, or two neighbours exchanged.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word nearest to a misspelt one, or nothing when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

/// What to say of a word that PgBouncer has and this program spells otherwise or lacks:
/// "PgBouncer's `default_pool_size` is `pool_size` here". Nothing for other words.
[[nodiscard]] std::string translate_pgbouncer(std::string_view word);

}  // namespace sluice::config
