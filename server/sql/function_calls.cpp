#include "server/sql/function_calls.hpp"

#include "protocol/pg/sql_names.hpp"

#include "server/sql/constant.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::sql {
namespace {

using pg::EffectKind;
using pg::EffectNote;

enum class Match : std::uint8_t { whole, beginning };

struct Row {
    std::string_view name;
    Match match;
    EffectKind kind;
};

// The first row that matches holds. What is here is not in pg/harmless_function_list.hpp.
constexpr std::array<Row, 27> rows{{
    {"set_config", Match::whole, EffectKind::set},
    {"pg_notify", Match::whole, EffectKind::notify},
    {"pg_advisory_unlock_all", Match::whole, EffectKind::advisory_unlock_all},
    {"pg_advisory_unlock", Match::beginning, EffectKind::advisory_unlock},
    {"pg_advisory_", Match::beginning, EffectKind::advisory_lock},
    {"pg_try_advisory_", Match::beginning, EffectKind::advisory_lock},
    {"nextval", Match::whole, EffectKind::sequence_write},
    {"setval", Match::whole, EffectKind::sequence_write},
    {"currval", Match::whole, EffectKind::sequence_read},
    {"lastval", Match::whole, EffectKind::sequence_read},
    {"lo_", Match::beginning, EffectKind::large_object},
    {"loread", Match::whole, EffectKind::large_object},
    {"lowrite", Match::whole, EffectKind::large_object},
    {"pg_export_snapshot", Match::whole, EffectKind::export_snapshot},
    {"pg_listening_channels", Match::whole, EffectKind::session_read},
    {"pg_prepared_statement", Match::whole, EffectKind::session_read},
    {"pg_cursor", Match::whole, EffectKind::session_read},
    {"cursor_to_xml", Match::beginning, EffectKind::session_read},
    {"setseed", Match::whole, EffectKind::session_function},
    {"pg_backup_", Match::beginning, EffectKind::session_function},
    {"pg_replication_origin_", Match::beginning, EffectKind::session_function},
    {"pg_create_", Match::beginning, EffectKind::session_function},
    {"pg_copy_", Match::beginning, EffectKind::session_function},
    {"query_to_xml", Match::beginning, EffectKind::code},
    {"table_to_xml", Match::beginning, EffectKind::code},
    {"ts_stat", Match::whole, EffectKind::code},
    {"ts_rewrite", Match::whole, EffectKind::code},
}};

std::optional<EffectKind> effect_of(std::string_view name) noexcept {
    for (const Row& row : rows) {
        if (row.match == Match::whole ? name == row.name : name.starts_with(row.name))
            return row.kind;
    }
    return std::nullopt;
}

/// An argument by its place, or by its name where it is written with one.
std::optional<Constant> argument(const Node& call, std::size_t place, std::string_view name,
                                 const FactWriter& facts) {
    const NodeList& arguments = list(call, "args");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const Node* const named = as(arguments[i], "NamedArgExpr");
        if (named == nullptr && i == place) return constant_of(arguments[i], facts.sql());
        if (named == nullptr || text(*named, "name") != name) continue;
        const boost::json::value* const value = named->if_contains("arg");
        if (value != nullptr) return constant_of(*value, facts.sql());
    }
    return std::nullopt;
}

/// A constant of no meaning to us when it is null.
void take(std::optional<Constant> from, std::string& into, EffectNote unknown, pg::Effect& effect) {
    if (from) into = std::move(from->text);
    if (!from) effect.notes = effect.notes | unknown;
}

void read_set_config(const Node& call, FactWriter& facts) {
    auto name = argument(call, 0, "setting_name", facts);
    auto value = argument(call, 1, "new_value", facts);
    const auto local = argument(call, 2, "is_local", facts);
    // A value that is null means the default.
    const bool is_default = value && value->is_null;
    pg::Effect& effect = facts.add(is_default ? EffectKind::reset : EffectKind::set);
    take(std::move(name), effect.name, EffectNote::name_unknown, effect);
    effect.name = lower_case(effect.name);
    if (!is_default) take(std::move(value), effect.value, EffectNote::value_unknown, effect);
    // What is not known to be local may outlive the transaction.
    if (local && boolean_of(*local).value_or(false))
        effect.notes = effect.notes | EffectNote::of_transaction;
}

void read_notify(const Node& call, FactWriter& facts) {
    auto channel = argument(call, 0, {}, facts);
    auto payload = argument(call, 1, {}, facts);
    pg::Effect& effect = facts.add(EffectKind::notify);
    take(std::move(channel), effect.name, EffectNote::name_unknown, effect);
    take(std::move(payload), effect.value, EffectNote::value_unknown, effect);
}

void read_advisory(EffectKind kind, const Node& call, std::string_view name, FactWriter& facts) {
    std::string key;
    bool known = true;
    const std::size_t count = list(call, "args").size();
    for (std::size_t i = 0; i < count; ++i) {
        const auto part = argument(call, i, {}, facts);
        known = known && part && !part->is_null;
        if (part && i > 0) key += ',';
        if (part) key += part->text;
    }
    pg::Effect& effect = facts.add(kind, std::string(name), known ? std::move(key) : std::string());
    if (!known) effect.notes = effect.notes | EffectNote::value_unknown;
    if (name.find("_xact_") != std::string_view::npos)
        effect.notes = effect.notes | EffectNote::of_transaction;
    if (name.ends_with("_shared")) effect.notes = effect.notes | EffectNote::shared;
    if (name.starts_with("pg_try_")) effect.notes = effect.notes | EffectNote::attempt;
}

void read_sequence(EffectKind kind, const Node& call, std::string_view name, FactWriter& facts) {
    auto sequence = argument(call, 0, {}, facts);
    pg::Effect& effect = facts.add(kind, std::string(name));
    if (list(call, "args").empty()) return;
    take(std::move(sequence), effect.value, EffectNote::value_unknown, effect);
}

}  // namespace

void read_call(const Node& call, FactWriter& facts) {
    std::string name = dotted(list(call, "funcname"));
    constexpr std::string_view own_schema = "pg_catalog.";
    if (name.starts_with(own_schema)) name.erase(0, own_schema.size());
    if (pg::is_harmless_function(name)) return;
    const std::optional<EffectKind> kind = effect_of(name);
    if (!kind) {
        facts.add_once(EffectKind::unknown_function, std::move(name));
    } else if (*kind == EffectKind::set) {
        read_set_config(call, facts);
    } else if (*kind == EffectKind::notify) {
        read_notify(call, facts);
    } else if (*kind == EffectKind::advisory_lock || *kind == EffectKind::advisory_unlock) {
        read_advisory(*kind, call, name, facts);
    } else if (*kind == EffectKind::sequence_write || *kind == EffectKind::sequence_read) {
        read_sequence(*kind, call, name, facts);
    } else if (*kind == EffectKind::advisory_unlock_all) {
        facts.add(*kind);
    } else {
        facts.add_once(*kind, std::move(name));
    }
}

}  // namespace sluice::sql
