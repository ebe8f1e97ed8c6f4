#pragma once

#include "protocol/pg/statement_facts.hpp"

#include <string_view>

namespace sluice::pg {

/// Who understands SQL text. The grammar is PostgreSQL's and lies above this layer.
///
/// Confined to: one worker.
class StatementReader {
  public:
    StatementReader() = default;
    StatementReader(const StatementReader&) = delete;
    StatementReader& operator=(const StatementReader&) = delete;
    virtual ~StatementReader() = default;

    /// What a text, without the zero byte at its end, does. Valid until the next call.
    [[nodiscard]] virtual const StatementFacts& read(std::string_view text) = 0;
};

}  // namespace sluice::pg
