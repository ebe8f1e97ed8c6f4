#include "protocol/pg/session_question.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sluice::pg {

namespace {

constexpr std::string_view setting_row = "setting";
constexpr std::string_view placeholder_row = "placeholder";
constexpr std::string_view kept_row = "kept";
constexpr std::string_view function_row = "function";

/// Overloaded ones included; with more the answer is not believed, and all stays in doubt.
constexpr std::size_t functions_max = 1024;

/// Of a feature: its name in the answer, and what is there when the session holds some of it.
struct Inventory {
    Feature feature;
    std::string_view name;
    std::string_view rows;
    std::string_view each = {};  ///< What to tell of each; empty: whether there is any will do.
};

constexpr std::array<Inventory, 5> inventories{{
    {Feature::advisory_lock, "advisory_lock",
     "pg_catalog.pg_lock_status() l WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' "
     "AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()"},
    // Objects of every kind depend on their schema; PostgreSQL itself empties it by that list.
    {Feature::temporary, "temporary",
     "pg_catalog.pg_depend d "
     "WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass "
     "AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"},
    {Feature::listen, "listen", "pg_catalog.pg_listening_channels()"},
    {Feature::with_hold, "with_hold", "pg_catalog.pg_cursor() c WHERE c.is_holdable"},
    {Feature::prepare, "prepare", "pg_catalog.pg_prepared_statement() p WHERE p.from_sql",
     "p.name"},
}};

/// A part of the answer: one SELECT of three columns, joined to those before it.
void begin_part(std::string& sql, std::string_view kind) {
    sql.append(sql.empty() || sql.ends_with(' ') ? "SELECT '" : " UNION ALL SELECT '");
    sql.append(kind).append("',");
}

void append_settings_part(std::string& sql, std::string_view user) {
    // What a transaction sets for itself is over. Role and session_authorization are listed by no
    // view, and the latter is always set to something.
    begin_part(sql, setting_row);
    sql.append(
        "s.name,s.setting FROM pg_catalog.pg_show_all_settings() s "
        "WHERE s.source OPERATOR(pg_catalog.=) 'session' "
        "AND s.name OPERATOR(pg_catalog.!~) '^transaction_'");
    begin_part(sql, setting_row);
    sql.append(
        "'role',pg_catalog.current_setting('role') "
        "WHERE pg_catalog.current_setting('role') OPERATOR(pg_catalog.<>) 'none'");
    begin_part(sql, setting_row);
    sql.append("'session_authorization',session_user WHERE session_user OPERATOR(pg_catalog.<>) ");
    append_literal(sql, user);
}

/// Language, a blank, source; of one that is too long no source.
void append_functions_part(std::string& sql, std::span<const std::string> functions) {
    begin_part(sql, function_row);
    sql.append(
        "p.proname::pg_catalog.text,l.lanname::pg_catalog.text OPERATOR(pg_catalog.||) ' ' "
        "OPERATOR(pg_catalog.||) CASE WHEN pg_catalog.length(p.prosrc) OPERATOR(pg_catalog.>) "
        "65536 THEN '' ELSE p.prosrc END FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l "
        "ON l.oid OPERATOR(pg_catalog.=) p.prolang WHERE p.proname OPERATOR(pg_catalog.=) "
        "ANY (ARRAY[");
    for (const std::string& name : functions) {
        if (&name != functions.data()) sql += ',';
        append_literal(sql, name);
    }
    sql.append("]::pg_catalog.name[])");
}

std::optional<std::string_view> next_column(wire::Cursor& cursor) {
    const std::int32_t length = cursor.i32();
    if (length < 0) return std::string_view();
    const wire::Bytes value = cursor.take(static_cast<std::size_t>(length));
    if (cursor.failed()) return std::nullopt;
    return wire::as_text(value);
}

}  // namespace

void append_session_question(std::string& sql, Feature doubts, std::string_view user,
                             std::span<const std::string_view> placeholders,
                             std::span<const std::string> functions) {
    std::string question;
    const bool everything = has(doubts, Feature::code) || has(doubts, Feature::unknown_function);
    if (everything || has(doubts, Feature::set) || has(doubts, Feature::reset)) {
        append_settings_part(question, user);
    }
    for (const std::string_view name : placeholders) {
        begin_part(question, placeholder_row);
        append_literal(question, name);
        question.append(",pg_catalog.current_setting(");
        append_literal(question, name);
        question.append(",true)");
    }
    if (!functions.empty()) append_functions_part(question, functions);
    for (const Inventory& inventory : inventories) {
        if (!everything && !has(doubts, inventory.feature)) continue;
        begin_part(question, kept_row);
        question.append("'").append(inventory.name).append("',");
        if (inventory.each.empty()) {
            question.append("'' WHERE EXISTS (SELECT FROM ").append(inventory.rows).append(")");
        } else {
            question.append(inventory.each).append(" FROM ").append(inventory.rows);
        }
    }
    sql += question;
}

bool SessionAnswerReader::row_received(wire::Bytes body) {
    wire::Cursor cursor(body);
    if (cursor.u16() != 3) return false;
    const auto kind = next_column(cursor);
    const auto name = next_column(cursor);
    const auto value = next_column(cursor);
    if (!kind || !name || !value || !cursor.finished()) return false;
    if (*kind == setting_row) return answer_.settings.set(*name, *value);
    if (*kind == placeholder_row) {
        return value->empty() || answer_.settings.set(*name, *value);
    }
    if (*kind == function_row) {
        const std::string_view language = value->substr(0, value->find(' '));
        const std::string_view source = value->substr(std::min(language.size() + 1, value->size()));
        answer_.functions.push_back(
            {std::string(*name), is_compiled(language), read_function_body(language, source)});
        return answer_.functions.size() <= functions_max;
    }
    if (*kind != kept_row) return false;
    for (const Inventory& inventory : inventories) {
        if (inventory.name != *name) continue;
        const bool of_names = inventory.feature == Feature::prepare && followed_ != nullptr;
        if (of_names && followed_->knows(*value)) return true;
        answer_.kept = answer_.kept | inventory.feature;
        return true;
    }
    return false;
}

}  // namespace sluice::pg
