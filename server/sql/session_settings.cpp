#include "server/sql/constant.hpp"
#include "server/sql/session_statements.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::sql {
namespace {

using pg::EffectKind;
using pg::EffectNote;

/// Settings whose value is a list of names, each put in quotes where it needs them.
/// Source: PostgreSQL 15, guc.c, GUC_LIST_QUOTE.
constexpr std::array<std::string_view, 6> name_lists{
    "local_preload_libraries",  "search_path",      "session_preload_libraries",
    "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"};

std::string in_quotes_where_needed(std::string_view name) {
    const auto plain = [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
    };
    const bool digit_first = !name.empty() && name.front() >= '0' && name.front() <= '9';
    if (!name.empty() && !digit_first && std::all_of(name.begin(), name.end(), plain))
        return std::string(name);
    std::string quoted = "\"";
    for (const char byte : name)
        quoted.append(byte == '"' ? 2 : 1, byte);
    return quoted + '"';
}

/// One argument of SET; none where it is no plain constant, as an interval for TIME ZONE.
std::optional<std::string> value_of(const boost::json::value& argument, std::string_view sql) {
    if (as(argument, "A_Const") == nullptr) return std::nullopt;
    auto constant = constant_of(argument, sql);
    if (!constant || constant->is_null) return std::nullopt;
    return std::move(constant->text);
}

void read_values(const Node& node, EffectNote notes, FactWriter& facts) {
    std::string name = lower_case(text(node, "name"));
    const bool names = std::find(name_lists.begin(), name_lists.end(), name) != name_lists.end();
    pg::Effect& effect = facts.add(EffectKind::set, std::move(name));
    effect.notes = notes;
    std::string joined;
    for (const boost::json::value& argument : list(node, "args")) {
        const auto value = value_of(argument, facts.sql());
        if (!value) {
            effect.notes = effect.notes | EffectNote::value_unknown;
            return;
        }
        if (&argument != list(node, "args").begin()) joined += ", ";
        joined += names ? in_quotes_where_needed(*value) : *value;
    }
    effect.value = std::move(joined);
}

/// SET TRANSACTION and SET SESSION CHARACTERISTICS set several settings at once.
void read_transaction_modes(const Node& node, FactWriter& facts) {
    const bool session = text(node, "name") == "SESSION CHARACTERISTICS";
    for (const boost::json::value& argument : list(node, "args")) {
        const Node* const mode = as(argument, "DefElem");
        if (mode == nullptr) continue;  // TRANSACTION SNAPSHOT, which ends with the transaction.
        std::string name(text(*mode, "defname"));
        if (session) name.insert(0, "default_");
        pg::Effect& effect = facts.add(EffectKind::set, std::move(name));
        if (!session) effect.notes = EffectNote::of_transaction;
        const boost::json::value* const value = mode->if_contains("arg");
        auto constant =
            value == nullptr ? std::optional<Constant>() : constant_of(*value, facts.sql());
        if (constant && effect.name.ends_with("_isolation")) {
            effect.value = std::move(constant->text);
        } else {
            // Zero is not in the tree, and in the text there is a word.
            const Node* const literal = value == nullptr ? nullptr : as(*value, "A_Const");
            const Node* const integer = literal == nullptr ? nullptr : child(*literal, "ival");
            effect.value = integer != nullptr && number(*integer, "ival") == 1 ? "on" : "off";
        }
    }
}

}  // namespace

void read_setting(const Node& node, FactWriter& facts) {
    const std::string_view kind = text(node, "kind");
    const EffectNote notes = flag(node, "is_local") ? EffectNote::of_transaction : EffectNote::none;
    if (kind == "VAR_SET_VALUE") {
        read_values(node, notes, facts);
    } else if (kind == "VAR_SET_MULTI") {
        read_transaction_modes(node, facts);
    } else if (kind == "VAR_RESET_ALL") {
        facts.add(EffectKind::reset_all);
    } else {
        facts.add(EffectKind::reset, lower_case(text(node, "name"))).notes = notes;
    }
}

}  // namespace sluice::sql
