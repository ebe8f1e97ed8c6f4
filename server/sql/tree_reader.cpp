#include "server/sql/tree_reader.hpp"

#include "server/sql/constant.hpp"
#include "server/sql/function_calls.hpp"
#include "server/sql/session_statements.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace sluice::sql {
namespace {

using pg::EffectKind;
using pg::EffectNote;

/// Nodes whose insides are kept and not run, or run later as another statement.
constexpr std::array<std::string_view, 7> kept{
    "AlterPolicyStmt",  "CreateEventTrigStmt", "CreateFunctionStmt",
    "CreatePolicyStmt", "CreateTrigStmt",      "PrepareStmt",
    "RuleStmt"};

/// Fields with the name of what is created that is no relation.
constexpr std::array<std::string_view, 5> created_names{"funcname", "defnames", "typeName",
                                                        "domainname", "opclassname"};

constexpr std::string_view temporary_schema = "pg_temp";

template <class Words>
bool contains(const Words& words, std::string_view word) noexcept {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

void TreeReader::read(const Node& tree) {
    for (const boost::json::value& statement : list(tree, "stmts")) {
        if (const Node* const node = statement.if_object()) read_statement(*node);
    }
}

void TreeReader::read_statement(const Node& statement) {
    const Node* const holder = child(statement, "stmt");
    if (holder == nullptr || holder->empty()) return;
    const auto& [key, value] = *holder->begin();
    const Node* const node = value.if_object();
    if (node == nullptr) return;
    const std::string_view type(key.data(), key.size());
    facts_.statement_begun(kind_of(type),
                           static_cast<std::uint32_t>(number(statement, "stmt_location")),
                           static_cast<std::uint32_t>(number(statement, "stmt_len")));
    read_session_statement(type, *node, facts_);
    walk(type, value);
    facts_.statement_ended();
}

void TreeReader::walk(std::string_view field, const boost::json::value& value) {
    pending_.assign(1, {field, &value});
    while (!pending_.empty()) {
        const Place place = pending_.back();
        pending_.pop_back();
        const std::size_t below = pending_.size();
        if (const NodeList* const items = place.value->if_array()) {
            for (const boost::json::value& item : *items)
                pending_.push_back({{}, &item});
        } else if (const Node* const node = place.value->if_object()) {
            if (!enter(place.field, *node)) continue;
            for (const auto& [name, inner] : *node) {
                if (inner.is_structured()) pending_.push_back({{name.data(), name.size()}, &inner});
            }
        }
        // The last is taken first, and effects have the order of the text.
        std::reverse(pending_.begin() + static_cast<std::ptrdiff_t>(below), pending_.end());
    }
}

bool TreeReader::enter(std::string_view field, const Node& node) {
    // A node's type, or the name of a field that can hold but one type.
    if (field == "FuncCall") {
        read_call(node, facts_);
    } else if (field == "ExecuteStmt") {
        facts_.add(EffectKind::execute, std::string(text(node, "name")));
    } else if (field == "into" || field == "intoClause") {
        facts_.add_once(EffectKind::definition);
        relation_created(child(node, "rel"), text(node, "onCommit"));
    } else if (field == "CreateStmt") {
        relation_created(child(node, "relation"), text(node, "oncommit"));
    } else if (field == "CreateSeqStmt") {
        relation_created(child(node, "sequence"), {});
    } else if (field == "ViewStmt") {
        relation_created(child(node, "view"), {});
        return false;
    } else if (field == "UpdateStmt") {
        // Its rule turns it into set_config().
        const Node* const relation = child(node, "relation");
        if (relation != nullptr && text(*relation, "relname") == "pg_settings") {
            facts_.add(EffectKind::set).notes =
                EffectNote::name_unknown | EffectNote::value_unknown;
        }
    } else if (field == "RangeVar") {
        const std::string_view name = text(node, "relname");
        if (name == "pg_cursors" || name == "pg_prepared_statements")
            facts_.add_once(EffectKind::session_read, std::string(name));
    } else if (field.starts_with("Create") || field == "DefineStmt") {
        name_created(node);
    } else if (field == "CompositeTypeStmt") {
        relation_created(child(node, "typevar"), {});
    }
    return !contains(kept, field);
}

void TreeReader::relation_created(const Node* relation, std::string_view on_commit) {
    if (relation == nullptr) return;
    const std::string_view schema = text(*relation, "schemaname");
    if (text(*relation, "relpersistence") != "t" && !schema.starts_with(temporary_schema)) return;
    std::string name(schema);
    if (!name.empty()) name += '.';
    name += text(*relation, "relname");
    pg::Effect& effect = facts_.add(EffectKind::create_temporary, std::move(name));
    if (on_commit == "ONCOMMIT_DROP") effect.notes = EffectNote::of_transaction;
}

void TreeReader::name_created(const Node& node) {
    for (const std::string_view field : created_names) {
        std::string name = dotted(list(node, field));
        if (name.starts_with(temporary_schema) && name.find('.') != std::string::npos)
            facts_.add(EffectKind::create_temporary, std::move(name));
    }
}

}  // namespace sluice::sql
