#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string_view>

// PostgreSQL's parse tree as libpg_query writes it: {"SelectStmt": {"targetList": [...]}}. A field
// that is null, false, zero or empty is left out, and so is a negative number.

namespace sluice::sql {

using Node = boost::json::object;
using NodeList = boost::json::array;

[[nodiscard]] inline const Node* child(const Node& node, std::string_view field) noexcept {
    const auto* const value = node.if_contains(field);
    return value == nullptr ? nullptr : value->if_object();
}
[[nodiscard]] inline const NodeList& list(const Node& node, std::string_view field) noexcept {
    static const NodeList empty;
    const auto* const value = node.if_contains(field);
    const auto* const items = value == nullptr ? nullptr : value->if_array();
    return items == nullptr ? empty : *items;
}
/// Empty where the field is missing.
[[nodiscard]] inline std::string_view text(const Node& node, std::string_view field) noexcept {
    const auto* const value = node.if_contains(field);
    const auto* const string = value == nullptr ? nullptr : value->if_string();
    return string == nullptr ? std::string_view{}
                             : std::string_view(string->data(), string->size());
}
[[nodiscard]] inline std::int64_t number(const Node& node, std::string_view field) noexcept {
    const auto* const value = node.if_contains(field);
    const auto* const integer = value == nullptr ? nullptr : value->if_int64();
    return integer == nullptr ? 0 : *integer;
}
[[nodiscard]] inline bool flag(const Node& node, std::string_view field) noexcept {
    const auto* const value = node.if_contains(field);
    return value != nullptr && value->is_bool() && value->get_bool();
}

/// What {"Type": {...}} holds, when it is of that type.
[[nodiscard]] inline const Node* as(const boost::json::value& value,
                                    std::string_view type) noexcept {
    const Node* const node = value.if_object();
    return node == nullptr ? nullptr : child(*node, type);
}

}  // namespace sluice::sql
