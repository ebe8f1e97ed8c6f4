#include "config/assignment.hpp"

#include "config/toml_document.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace sluice::config {

namespace {

/// The parts of a dotted key. Quotes keep the dots of a name together.
std::optional<std::vector<std::string>> split_key(const std::string& key) {
    constexpr std::size_t parts_max = 8;
    std::vector<std::string> parts(1);
    char quote = 0;
    for (const char c : key) {
        if (quote != 0) {
            if (c == quote) {
                quote = 0;
            } else {
                parts.back() += c;
            }
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '.') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    if (quote != 0 || parts.size() > parts_max) return std::nullopt;
    for (const auto& part : parts) {
        if (part.empty()) return std::nullopt;
    }
    return parts;
}

}  // namespace

Document parse_assignment(const Assignment& assignment) {
    const Place place{"--set", 0, 0};
    Document document;
    const auto parts = split_key(assignment.key);
    if (!parts) {
        document.problems.push_back(error_at(
            place, "wanted a key such as postgres.pool_size, found `" + assignment.key + "`"));
        return document;
    }
    Value value =
        parse_toml_value(assignment.value, place).value_or(Value{assignment.value, place, {}});
    value.as_written = assignment.value;
    for (auto part = parts->rbegin(); part != parts->rend(); ++part) {
        Table table;
        table.push_back({*part, place, std::move(value)});
        value = Value{std::move(table), place, {}};
    }
    document.root = std::move(std::get<Table>(value.content));
    return document;
}

}  // namespace sluice::config
