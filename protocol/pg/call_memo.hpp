#pragma once

#include "protocol/pg/function_body.hpp"
#include "protocol/pg/statement_facts.hpp"
#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::pg {

/// One function that a text may call, as the server has it.
struct CalledFunction {
    std::string name;  ///< Without its schema: all of that name count.
    bool compiled = false;
    FunctionBody body;
};

/// The functions of a text that the grammar does not know, each once.
[[nodiscard]] std::vector<std::string> called_names(const StatementFacts& facts);

/// What is known of a text that calls what is not known from the grammar.
struct KnownCalls {
    /// After it no question is asked.
    bool harmless = false;
    /// It calls compiled functions, about which only experience tells.
    bool compiled = false;
    std::uint32_t found_nothing = 0;  ///< So many questions in a row.
    std::vector<std::string> placeholders;
};

/// What texts are known to call, by their functions' sources. A definition that changes makes all
/// of it forgotten.
///
/// That a question found nothing says nothing of the next time, when arguments, rows or the session
/// may be others. Only for functions written in C is there nothing better to go by.
///
/// Confined to: its worker.
class CallMemo {
  public:
    /// So many times nothing must have been found behind compiled functions.
    static constexpr std::uint32_t questions_enough = 3;
    static constexpr std::size_t entries_max = 4096;
    /// Longer texts hardly come again.
    static constexpr std::size_t text_bytes_max = 1024;

    /// Null: it must be learnt.
    [[nodiscard]] const KnownCalls* find(std::string_view text, SchemaGeneration generation);
    /// `names` are called in it, `functions` are those that the server has. Nothing is learnt where
    /// one is missing. Returns what is known then, or null.
    const KnownCalls* learn(std::string_view text, SchemaGeneration generation,
                            std::span<const std::string> names,
                            std::span<const CalledFunction> functions);
    /// What the question after this text has found.
    void asked(std::string_view text, bool found_nothing);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    void keep_to(SchemaGeneration generation);

    std::unordered_map<std::string, KnownCalls, Hash, std::equal_to<>> known_;
    SchemaGeneration generation_;
};

}  // namespace sluice::pg
