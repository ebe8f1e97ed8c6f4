#pragma once

#include "protocol/pg/statement_facts.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::sql {

/// PostgreSQL's own grammar, asked what a SQL text does to its session.
///
/// It is the grammar of PostgreSQL 15; what it does not know (a newer statement, a mistake) is not
/// read at all, and its facts say so.
///
/// Confined to: one thread at a time; libpg_query keeps its state with the thread that calls.
class StatementParser {
  public:
    /// Longer texts are not read. Nothing but this bounds how deep libpg_query recurses (at most
    /// once for two bytes of text: 1 MiB of stack for the worst text) and how long it holds up a
    /// worker (12 ms for the worst text).
    static constexpr std::size_t text_bytes_max = 16 * 1024;
    /// Of nested JSON; a text of people is hardly ever beyond 100.
    static constexpr std::size_t depth_max = 2'000;

    [[nodiscard]] pg::StatementFacts parse(std::string_view text);

  private:
    /// Where the tree of a common text fits, so that it needs no allocation.
    alignas(std::max_align_t) std::array<unsigned char, 32 * 1024> tree_memory_;
    std::string text_;  ///< With the zero byte at its end that the grammar needs.
};

}  // namespace sluice::sql
