#pragma once

#include "protocol/pg/statement_facts.hpp"

#include <array>
#include <string>
#include <string_view>

namespace sluice::sql {

// Facts as one line, for tables: kind{effect name=value +note @text}; kind{...}

inline constexpr std::array<std::string_view, pg::statement_kind_count> kind_names{
    "select",  "insert",       "update",   "delete", "merge",   "copy", "explain",    "transaction",
    "setting", "notification", "prepared", "cursor", "discard", "code", "definition", "other"};

inline constexpr std::array<std::string_view, pg::effect_kind_count> effect_names{
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "release",
    "rollback_to",
    "prepare_transaction",
    "finish_prepared",
    "set",
    "reset",
    "reset_all",
    "show",
    "listen",
    "unlisten",
    "unlisten_all",
    "notify",
    "prepare",
    "execute",
    "deallocate",
    "deallocate_all",
    "discard_all",
    "discard_plans",
    "discard_sequences",
    "discard_temporary",
    "declare",
    "fetch",
    "close",
    "close_all",
    "temporary",
    "drop",
    "lock",
    "unlock",
    "unlock_all",
    "copy_in",
    "copy_out",
    "definition",
    "sequence_write",
    "sequence_read",
    "large_object",
    "export_snapshot",
    "session_read",
    "session_function",
    "unknown",
    "code"};

inline std::string text_of(const pg::Effect& effect, std::string_view sql) {
    using pg::EffectNote;
    std::string line(effect_names.at(static_cast<std::size_t>(effect.kind)));
    if (!effect.name.empty()) line += ' ' + effect.name;
    if (effect.has(EffectNote::name_unknown)) line += " ?";
    if (!effect.value.empty()) line += '=' + effect.value;
    if (effect.has(EffectNote::value_unknown)) line += "=?";
    if (effect.has(EffectNote::of_transaction)) line += " +transaction";
    if (effect.has(EffectNote::chain)) line += " +chain";
    if (effect.has(EffectNote::hold)) line += " +hold";
    if (effect.has(EffectNote::shared)) line += " +shared";
    if (effect.has(EffectNote::attempt)) line += " +attempt";
    if (effect.bytes != 0) line.append(" @").append(sql.substr(effect.begin, effect.bytes));
    return line;
}

inline std::string text_of(const pg::StatementFacts& facts, std::string_view sql) {
    constexpr std::array<std::string_view, 5> ends{"", "not parsed", "too long", "too deep",
                                                   "zero byte"};
    std::string line(ends.at(static_cast<std::size_t>(facts.end)));
    for (const pg::SqlStatement& statement : facts.statements) {
        if (!line.empty()) line += "; ";
        line += kind_names.at(static_cast<std::size_t>(statement.kind));
        line += '{';
        for (std::size_t i = statement.effects_begin; i < statement.effects_end; ++i) {
            if (i != statement.effects_begin) line += ", ";
            line += text_of(facts.effects.at(i), sql);
        }
        line += '}';
    }
    return line;
}

}  // namespace sluice::sql
