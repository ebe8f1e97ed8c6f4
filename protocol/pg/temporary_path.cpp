#include "protocol/pg/temporary_path.hpp"

#include "protocol/pg/statement_words.hpp"

#include <algorithm>
#include <cstddef>

namespace sluice::pg {

namespace {

/// Without regard to case. Not of std::ranges, whose subrange clang 14 cannot read.
bool holds(std::string_view text, std::string_view lower) noexcept {
    const auto same = [](char a, char b) { return word_byte(a) == b; };
    return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

/// Takes a word and the blanks behind it off the front, if it stands there.
bool take(std::string_view& text, std::string_view lower) noexcept {
    if (!holds(text.substr(0, lower.size()), lower)) return false;
    const std::size_t next = text.find_first_not_of(" \t\n\r\f", lower.size());
    if (next == lower.size()) return false;
    text.remove_prefix(std::min(next, text.size()));
    return true;
}

}  // namespace

bool names_temporary_schema(std::string_view search_path) noexcept {
    return holds(search_path, "pg_temp");
}

bool may_create(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f"), text.size()));
    if (take(text, "insert")) take(text, "into");
    return holds(text, "create") || holds(text, "into");
}

}  // namespace sluice::pg
