#pragma once

#include "server/sql/tree.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::sql {

struct Constant {
    bool is_null = false;
    std::string text;
};

/// The value of a node that is one in the text already, cast or not; nothing for every other.
/// `sql` is the text that was parsed.
[[nodiscard]] std::optional<Constant> constant_of(const boost::json::value& value,
                                                  std::string_view sql);

/// What PostgreSQL makes of a constant that is cast to boolean; nothing where it is no boolean.
[[nodiscard]] std::optional<bool> boolean_of(const Constant& constant);

/// Names with a dot between, from a list of String nodes.
[[nodiscard]] std::string dotted(const NodeList& names);

[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace sluice::sql
