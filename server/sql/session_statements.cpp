#include "server/sql/session_statements.hpp"

#include "server/sql/constant.hpp"
#include "server/sql/prepared_text.hpp"

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
using pg::StatementKind;

constexpr std::array<std::pair<std::string_view, StatementKind>, 30> kinds{{
    {"SelectStmt", StatementKind::select},
    {"InsertStmt", StatementKind::insert},
    {"UpdateStmt", StatementKind::update},
    {"DeleteStmt", StatementKind::delete_},
    {"MergeStmt", StatementKind::merge},
    {"CopyStmt", StatementKind::copy},
    {"ExplainStmt", StatementKind::explain},
    {"TransactionStmt", StatementKind::transaction},
    {"VariableSetStmt", StatementKind::setting},
    {"VariableShowStmt", StatementKind::setting},
    {"ListenStmt", StatementKind::notification},
    {"UnlistenStmt", StatementKind::notification},
    {"NotifyStmt", StatementKind::notification},
    {"PrepareStmt", StatementKind::prepared},
    {"ExecuteStmt", StatementKind::prepared},
    {"DeallocateStmt", StatementKind::prepared},
    {"DeclareCursorStmt", StatementKind::cursor},
    {"FetchStmt", StatementKind::cursor},
    {"ClosePortalStmt", StatementKind::cursor},
    {"DiscardStmt", StatementKind::discard},
    {"DoStmt", StatementKind::code},
    {"CallStmt", StatementKind::code},
    {"LoadStmt", StatementKind::code},
    {"LockStmt", StatementKind::other},
    {"VacuumStmt", StatementKind::other},
    {"TruncateStmt", StatementKind::other},
    {"CheckPointStmt", StatementKind::other},
    {"ReindexStmt", StatementKind::other},
    {"ConstraintsSetStmt", StatementKind::other},
    {"AlterSystemStmt", StatementKind::other},
}};

using Words = std::pair<std::string_view, EffectKind>;

constexpr std::array<Words, 10> transaction_effects{{
    {"TRANS_STMT_BEGIN", EffectKind::begin},
    {"TRANS_STMT_START", EffectKind::begin},
    {"TRANS_STMT_COMMIT", EffectKind::commit},
    {"TRANS_STMT_ROLLBACK", EffectKind::rollback},
    {"TRANS_STMT_SAVEPOINT", EffectKind::savepoint},
    {"TRANS_STMT_RELEASE", EffectKind::release_savepoint},
    {"TRANS_STMT_ROLLBACK_TO", EffectKind::rollback_to},
    {"TRANS_STMT_PREPARE", EffectKind::prepare_transaction},
    {"TRANS_STMT_COMMIT_PREPARED", EffectKind::finish_prepared},
    {"TRANS_STMT_ROLLBACK_PREPARED", EffectKind::finish_prepared},
}};

constexpr std::array<Words, 4> discard_effects{{
    {"DISCARD_ALL", EffectKind::discard_all},
    {"DISCARD_PLANS", EffectKind::discard_plans},
    {"DISCARD_SEQUENCES", EffectKind::discard_sequences},
    {"DISCARD_TEMP", EffectKind::discard_temporary},
}};

template <std::size_t count>
std::optional<EffectKind> find(const std::array<Words, count>& table, std::string_view word) {
    for (const auto& [known, effect] : table) {
        if (known == word) return effect;
    }
    return std::nullopt;
}

void read_transaction(const Node& node, FactWriter& facts) {
    const auto kind = find(transaction_effects, text(node, "kind"));
    if (!kind) return;
    const std::string_view savepoint = text(node, "savepoint_name");
    pg::Effect& effect =
        facts.add(*kind, std::string(savepoint.empty() ? text(node, "gid") : savepoint));
    if (flag(node, "chain")) effect.notes = EffectNote::chain;
}

void read_prepare(const Node& node, FactWriter& facts) {
    const pg::SqlStatement& statement = facts.statement();
    const std::string_view rest = facts.sql().substr(statement.begin);
    auto prepared = find_prepared(rest);
    pg::Effect& effect = facts.add(EffectKind::prepare, std::string(text(node, "name")));
    if (!prepared) return;
    const auto whole =
        statement.bytes == 0 ? static_cast<std::uint32_t>(rest.size()) : statement.bytes;
    if (prepared->begin > whole) return;
    effect.begin = statement.begin + prepared->begin;
    effect.bytes = whole - prepared->begin;
    effect.value = std::move(prepared->types);
}

void read_declare(const Node& node, FactWriter& facts) {
    constexpr std::int64_t hold = 0x20;  // Source: PostgreSQL 15, parsenodes.h, CURSOR_OPT_HOLD.
    pg::Effect& effect =
        facts.add(EffectKind::declare_cursor, std::string(text(node, "portalname")));
    if ((number(node, "options") & hold) != 0) effect.notes = EffectNote::hold;
}

/// One or, without a name, all.
void read_named(std::string_view name, EffectKind one, EffectKind all, FactWriter& facts) {
    facts.add(name.empty() ? all : one, std::string(name));
}

void read_copy(const Node& node, FactWriter& facts) {
    if (!text(node, "filename").empty() || flag(node, "is_program")) return;
    facts.add(flag(node, "is_from") ? EffectKind::copy_in : EffectKind::copy_out);
}

std::string dropped_name(const boost::json::value& object) {
    if (const Node* const names = as(object, "List")) return dotted(list(*names, "items"));
    if (const Node* const type = as(object, "TypeName")) return dotted(list(*type, "names"));
    if (const Node* const function = as(object, "ObjectWithArgs"))
        return dotted(list(*function, "objname"));
    if (const Node* const name = as(object, "String")) return std::string(text(*name, "sval"));
    return {};
}

void read_definition(std::string_view type, const Node& node, FactWriter& facts) {
    facts.add_once(EffectKind::definition);
    if (type != "DropStmt") return;
    for (const boost::json::value& object : list(node, "objects"))
        facts.add(EffectKind::drop, dropped_name(object));
}

void read_code(std::string_view type, const Node& node, FactWriter& facts) {
    if (type == "DoStmt") facts.add(EffectKind::code, "do");
    if (type == "LoadStmt")
        facts.add(EffectKind::code, "load", std::string(text(node, "filename")));
    const Node* const call = type == "CallStmt" ? child(node, "funccall") : nullptr;
    if (call != nullptr) facts.add(EffectKind::code, dotted(list(*call, "funcname")));
}

void read_cursor(std::string_view type, const Node& node, FactWriter& facts) {
    const std::string_view name = text(node, "portalname");
    if (type == "DeclareCursorStmt") read_declare(node, facts);
    if (type == "FetchStmt") facts.add(EffectKind::fetch, std::string(name));
    if (type == "ClosePortalStmt")
        read_named(name, EffectKind::close_cursor, EffectKind::close_all_cursors, facts);
}

void read_notification(std::string_view type, const Node& node, FactWriter& facts) {
    const std::string_view channel = text(node, "conditionname");
    if (type == "ListenStmt") facts.add(EffectKind::listen, std::string(channel));
    if (type == "UnlistenStmt")
        read_named(channel, EffectKind::unlisten, EffectKind::unlisten_all, facts);
    if (type == "NotifyStmt")
        facts.add(EffectKind::notify, std::string(channel), std::string(text(node, "payload")));
}

}  // namespace

StatementKind kind_of(std::string_view type) noexcept {
    for (const auto& [known, kind] : kinds) {
        if (known == type) return kind;
    }
    return StatementKind::definition;
}

void read_session_statement(std::string_view type, const Node& node, FactWriter& facts) {
    switch (facts.statement().kind) {
        case StatementKind::transaction: read_transaction(node, facts); return;
        case StatementKind::setting:
            if (type == "VariableSetStmt") read_setting(node, facts);
            if (type == "VariableShowStmt")
                facts.add(EffectKind::show, lower_case(text(node, "name")));
            return;
        case StatementKind::notification: read_notification(type, node, facts); return;
        case StatementKind::prepared:
            // EXECUTE is read where the tree is: it may stand in EXPLAIN.
            if (type == "PrepareStmt") read_prepare(node, facts);
            if (type == "DeallocateStmt")
                read_named(text(node, "name"), EffectKind::deallocate, EffectKind::deallocate_all,
                           facts);
            return;
        case StatementKind::cursor: read_cursor(type, node, facts); return;
        case StatementKind::discard:
            if (const auto kind = find(discard_effects, text(node, "target"))) facts.add(*kind);
            return;
        case StatementKind::code: read_code(type, node, facts); return;
        case StatementKind::copy: read_copy(node, facts); return;
        case StatementKind::definition: read_definition(type, node, facts); return;
        case StatementKind::select:
        case StatementKind::insert:
        case StatementKind::update:
        case StatementKind::delete_:
        case StatementKind::merge:
        case StatementKind::explain:
        case StatementKind::other: return;
    }
}

}  // namespace sluice::sql
