#include "protocol/pg/session_question.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::pg {

namespace {

constexpr std::string_view setting_row = "setting";
constexpr std::string_view privileged_row = "privileged";
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

/// A value in the encoding of the database, whatever that of the client: so it can be set again.
/// Nothing in place of one too long to be carried along.
void append_value(std::string& sql, std::string_view value) {
    sql.append("CASE WHEN pg_catalog.octet_length(")
        .append(value)
        .append(") OPERATOR(pg_catalog.<=) ")
        .append(std::to_string(setting_value_bytes_max))
        .append(" THEN pg_catalog.encode(pg_catalog.convert_to(")
        .append(value)
        .append(",pg_catalog.getdatabaseencoding()),'hex') END");
}

void append_settings_part(std::string& sql, std::string_view user) {
    // What a transaction sets for itself is over. Role and session_authorization are listed by no
    // view, and the latter is always set to something.
    sql.append(
        "SELECT CASE WHEN s.context OPERATOR(pg_catalog.=) 'superuser' "
        "AND pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'off' THEN '");
    sql.append(privileged_row).append("' ELSE '").append(setting_row).append("' END,s.name,");
    append_value(sql, "s.setting");
    sql.append(
        " FROM pg_catalog.pg_show_all_settings() s "
        "WHERE s.source OPERATOR(pg_catalog.=) 'session' "
        "AND s.name OPERATOR(pg_catalog.!~) '^transaction_'");
    begin_part(sql, setting_row);
    sql.append("'role',");
    append_value(sql, "pg_catalog.current_setting('role')");
    sql.append(" WHERE pg_catalog.current_setting('role') OPERATOR(pg_catalog.<>) 'none'");
    begin_part(sql, setting_row);
    sql.append("'session_authorization',");
    append_value(sql, "session_user::pg_catalog.text");
    sql.append(" WHERE session_user OPERATOR(pg_catalog.<>) ");
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

/// All of them in one: planned one by one they would cost the server some 0.1 ms each.
void append_placeholders_part(std::string& sql, std::span<const std::string_view> names) {
    if (names.empty()) return;
    begin_part(sql, placeholder_row);
    sql.append("p.name,");
    append_value(sql, "p.value");
    sql.append(
        " FROM (SELECT n,pg_catalog.concat(pg_catalog.current_setting(n,true)) "
        "FROM pg_catalog.unnest(ARRAY[");
    for (const std::string_view name : names) {
        append_literal(sql, name);
        sql.push_back(',');
    }
    sql.pop_back();
    sql.append("]::pg_catalog.text[]) n) p(name,value)");
}

/// A column; no value when it is null, and no column when the row is cut short.
struct Column {
    std::optional<std::string_view> value;
};

std::optional<Column> next_column(wire::Cursor& cursor) {
    const std::int32_t length = cursor.i32();
    if (length < 0) return Column{};
    const wire::Bytes value = cursor.take(static_cast<std::size_t>(length));
    if (cursor.failed()) return std::nullopt;
    return Column{wire::as_text(value)};
}

std::optional<unsigned> digit_of(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
    return std::nullopt;
}

/// The bytes of what append_value() asks for.
std::optional<std::string> value_of(const Column& column) {
    if (!column.value || column.value->size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(column.value->size() / 2);
    for (std::size_t at = 0; at < column.value->size(); at += 2) {
        const auto high = digit_of((*column.value)[at]);
        const auto low = digit_of((*column.value)[at + 1]);
        if (!high || !low) return std::nullopt;
        bytes.push_back(static_cast<char>(*high << 4U | *low));
    }
    return bytes;
}

constexpr std::string_view timeout_row = "timeout";
constexpr std::string_view timeout_name = "statement_timeout";

}  // namespace

const std::string_view without_timeout_sql =
    "SELECT 'timeout','statement_timeout',pg_catalog.encode(pg_catalog.convert_to("
    "pg_catalog.current_setting('statement_timeout'),pg_catalog.getdatabaseencoding()),'hex');"
    "SET LOCAL statement_timeout=0;";

void append_session_question(std::string& sql, Feature doubts, std::string_view user,
                             std::span<const std::string_view> placeholders,
                             std::span<const std::string> functions) {
    std::string question;
    const bool everything = has(doubts, Feature::code) || has(doubts, Feature::unknown_function);
    if (everything || has(doubts, Feature::set) || has(doubts, Feature::reset)) {
        append_settings_part(question, user);
    }
    append_placeholders_part(question, placeholders);
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
    const auto column = next_column(cursor);
    if (!kind || !name || !column || !cursor.finished()) return false;
    if (kind->value == kept_row) return kept_received(name->value, column->value);
    if (kind->value == function_row && name->value && column->value) {
        return function_received(*name->value, *column->value);
    }
    const auto value = value_of(*column);
    if (!value || !name->value) return false;
    if (kind->value == placeholder_row) {
        return value->empty() || answer_.settings.set(*name->value, *value);
    }
    if (kind->value == timeout_row) {
        timeout_told_ = true;
        return *name->value == timeout_name && answer_.settings.set(*name->value, *value);
    }
    if (timeout_told_ && *name->value == timeout_name) return true;
    if (kind->value == privileged_row) {
        answer_.privileged = true;
    } else if (kind->value != setting_row) {
        return false;
    }
    return answer_.settings.set(*name->value, *value);
}

bool SessionAnswerReader::function_received(std::string_view name, std::string_view value) {
    const std::string_view language = value.substr(0, value.find(' '));
    const std::string_view source = value.substr(std::min(language.size() + 1, value.size()));
    answer_.functions.push_back(
        {std::string(name), is_compiled(language), read_function_body(language, source)});
    return answer_.functions.size() <= functions_max;
}

bool SessionAnswerReader::kept_received(std::optional<std::string_view> name,
                                        std::optional<std::string_view> value) {
    for (const Inventory& inventory : inventories) {
        if (inventory.name != name) continue;
        const bool of_names = inventory.feature == Feature::prepare && followed_ != nullptr;
        if (of_names && value && followed_->knows(*value)) return true;
        answer_.kept = answer_.kept | inventory.feature;
        return true;
    }
    return false;
}

}  // namespace sluice::pg
