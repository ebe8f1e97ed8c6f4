#include "protocol/pg/sql_call.hpp"

#include "protocol/pg/sql_names.hpp"
#include "protocol/pg/statement_words.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::pg {
namespace {

constexpr bool is_line_end(char byte) noexcept {
    return byte == '\n' || byte == '\r';
}
constexpr bool is_space(char byte) noexcept {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

constexpr bool same_word(std::string_view word, std::string_view lower) noexcept {
    if (word.size() != lower.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word_byte(word[i]) != lower[i]) return false;
    }
    return true;
}

std::string_view word_at(const char* begin) noexcept {
    const char* end = begin;
    while (word_byte(*end) != 0)
        ++end;
    return {begin, static_cast<std::size_t>(end - begin)};
}

std::string_view word_before(TextBefore text, const char* end) noexcept {
    const char* begin = end;
    while (begin != text.begin && word_byte(begin[-1]) != 0)
        --begin;
    return {begin, static_cast<std::size_t>(end - begin)};
}

/// The place behind what stands before the blanks that end at `at`; null where that is the end of
/// a line that may hold a comment.
const char* before_blanks(TextBefore text, const char* at) noexcept {
    bool other_line = false;
    while (at != text.begin && is_space(at[-1])) {
        --at;
        other_line = other_line || is_line_end(*at);
    }
    if (!other_line) return at;
    const char* back = at;
    for (; back != text.begin && !is_line_end(back[-1]); --back) {
        if (back[-1] == '-' && back - text.begin > 1 && back[-2] == '-') return nullptr;
    }
    return back != text.begin || text.from_the_start ? at : nullptr;
}

/// The place where the name begins that ends at `at`; null where it does not look like one.
const char* before_name(TextBefore text, const char* at) noexcept {
    if (at == text.begin) return nullptr;
    if (at[-1] != '"') {
        const std::string_view word = word_before(text, at);
        return word.empty() ? nullptr : word.data();
    }
    --at;
    while (at != text.begin && at[-1] != '"')
        --at;
    // A doubled quote is part of a longer name.
    return at - text.begin < 2 || at[-2] == '"' || at[-2] == '&' ? nullptr : at - 1;
}

bool is_table_alias_or_type(TextBefore text, const char* name) noexcept {
    const char* at = before_blanks(text, name);
    while (at != nullptr && at != text.begin && at[-1] == '.') {
        at = before_blanks(text, at - 1);
        if (at != nullptr) at = before_name(text, at);
        if (at != nullptr) at = before_blanks(text, at);
    }
    if (at == nullptr || at - text.begin < 2) return false;
    if (at[-1] == ':' && at[-2] == ':') return true;
    const std::string_view word = word_before(text, at);
    // At the beginning of what is in hand it may be the end of another word.
    return word.data() != text.begin && (same_word(word, "into") || same_word(word, "as"));
}

/// FILTER and OVER may name functions, but stand behind an aggregate's arguments.
bool follows_a_call(TextBefore text, const char* name) noexcept {
    const std::string_view word = word_at(name);
    if (!same_word(word, "filter") && !same_word(word, "over")) return false;
    const char* const at = before_blanks(text, name);
    return at != nullptr && at != text.begin && at[-1] == ')';
}

/// A dot before a name says that it may be of any schema; behind a comment it would not be seen.
bool may_be_qualified(TextBefore text, const char* name) noexcept {
    const char* const at = before_blanks(text, name);
    if (at == nullptr) return true;
    if (at == text.begin) return !text.from_the_start;
    if (at[-1] == '/') return at - text.begin < 2 || at[-2] == '*';
    return at[-1] == '.';
}

/// Only right before the dot can the schema's name be no comment.
bool is_of_pg_catalog(TextBefore text, const char* name) noexcept {
    if (name == text.begin || name[-1] != '.') return false;
    const std::string_view schema = word_before(text, name - 1);
    return schema.data() != text.begin && same_word(schema, "pg_catalog");
}

}  // namespace

bool may_call_unknown(TextBefore text, const char* name, bool quoted) noexcept {
    const SqlName found = quoted ? SqlName::unknown : find_sql_name(word_at(name));
    const bool known = (found != SqlName::unknown && !may_be_qualified(text, name)) ||
                       (found == SqlName::harmless_function && is_of_pg_catalog(text, name)) ||
                       (found == SqlName::unknown && !quoted && follows_a_call(text, name));
    return !known && !is_table_alias_or_type(text, name);
}

}  // namespace sluice::pg
