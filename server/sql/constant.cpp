#include "server/sql/constant.hpp"

#include <algorithm>
#include <cstddef>

namespace sluice::sql {
namespace {

constexpr bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

/// Zero and negative numbers are not in the tree: they are read where they stand in the text.
std::optional<std::string> integer_at(std::string_view sql, std::int64_t location) {
    if (location < 0 || static_cast<std::size_t>(location) >= sql.size()) return std::nullopt;
    std::string_view rest = sql.substr(static_cast<std::size_t>(location));
    std::string digits;
    if (rest.front() == '-') {
        digits = "-";
        rest.remove_prefix(1);
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n\r\f\v"), rest.size()));
    }
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
    if (end == rest.begin()) return std::nullopt;
    return digits.append(rest.begin(), end);
}

}  // namespace

std::optional<Constant> constant_of(const boost::json::value& value, std::string_view sql) {
    // Casts may be nested as deep as the tree is.
    const boost::json::value* at = &value;
    while (const Node* const cast = as(*at, "TypeCast")) {
        at = cast->if_contains("arg");
        if (at == nullptr) return std::nullopt;
    }
    const Node* const node = as(*at, "A_Const");
    if (node == nullptr) return std::nullopt;
    if (flag(*node, "isnull")) return Constant{.is_null = true, .text = {}};
    if (const Node* const string = child(*node, "sval"))
        return Constant{.text = std::string(text(*string, "sval"))};
    if (const Node* const integer = child(*node, "ival")) {
        if (const std::int64_t known = number(*integer, "ival"); known > 0)
            return Constant{.text = std::to_string(known)};
        auto digits = integer_at(sql, number(*node, "location"));
        if (!digits) return std::nullopt;
        return Constant{.text = std::move(*digits)};
    }
    if (const Node* const real = child(*node, "fval"))
        return Constant{.text = std::string(text(*real, "fval"))};
    if (const Node* const boolean = child(*node, "boolval"))
        return Constant{.text = flag(*boolean, "boolval") ? "true" : "false"};
    return std::nullopt;
}

std::optional<bool> boolean_of(const Constant& constant) {
    const std::string word = lower_case(constant.text);
    for (const std::string_view yes : {"true", "t", "yes", "y", "on", "1"}) {
        if (word == yes) return true;
    }
    for (const std::string_view no : {"false", "f", "no", "n", "off", "0"}) {
        if (word == no) return false;
    }
    return std::nullopt;
}

std::string dotted(const NodeList& names) {
    std::string joined;
    for (const boost::json::value& name : names) {
        const Node* const string = as(name, "String");
        if (string == nullptr) continue;
        if (!joined.empty()) joined += '.';
        joined += text(*string, "sval");
    }
    return joined;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& byte : lower) {
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    }
    return lower;
}

}  // namespace sluice::sql
