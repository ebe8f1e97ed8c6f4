#include "protocol/pg/block_end.hpp"

#include "protocol/pg/statement_words.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// Without the comment that it begins with, which may hold others.
/// Source: PostgreSQL 15 manual, "Comments".
std::string_view behind_comment(std::string_view text) noexcept {
    std::size_t depth = 0;
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
        const std::string_view pair = text.substr(at, 2);
        if (pair == "/*") {
            ++depth;
            ++at;
        } else if (pair == "*/") {
            ++at;
            if (--depth == 0) return text.substr(at + 1);
        }
    }
    return {};
}

std::string_view behind_blanks(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\n\r\f\v";
    while (!text.empty()) {
        if (blanks.find(text[0]) != std::string_view::npos) {
            text.remove_prefix(1);
        } else if (text.starts_with("--")) {
            text.remove_prefix(std::min(text.find('\n'), text.size()));
        } else if (text.starts_with("/*")) {
            text = behind_comment(text);
        } else {
            break;
        }
    }
    return text;
}

/// Without regard to case.
bool begins_with_word(std::string_view text, std::string_view lower) noexcept {
    if (text.size() < lower.size()) return false;
    const auto same = [](char a, char b) { return word_byte(a) == b; };
    if (!std::ranges::equal(text.substr(0, lower.size()), lower, same)) return false;
    return text.size() == lower.size() || word_byte(text[lower.size()]) == 0;
}

/// Takes a word off the front; false where another stands.
bool take_word(std::string_view& text, std::string_view lower) noexcept {
    const std::string_view rest = behind_blanks(text);
    if (!begins_with_word(rest, lower)) return false;
    text = rest.substr(lower.size());
    return true;
}

}  // namespace

BlockEnd block_end_of(std::string_view text) noexcept {
    if (take_word(text, "commit")) {
        return take_word(text, "prepared") ? BlockEnd::none : BlockEnd::commit;
    }
    if (take_word(text, "end")) return BlockEnd::commit;
    if (take_word(text, "prepare")) {
        return take_word(text, "transaction") ? BlockEnd::commit : BlockEnd::none;
    }
    if (take_word(text, "abort")) return BlockEnd::rollback;
    if (!take_word(text, "rollback")) return BlockEnd::none;
    if (!take_word(text, "work")) take_word(text, "transaction");
    const bool elsewhere = take_word(text, "to") || take_word(text, "prepared");
    return elsewhere ? BlockEnd::none : BlockEnd::rollback;
}

bool begins_like_block(std::string_view text) noexcept {
    return take_word(text, "begin") || take_word(text, "start");
}

bool mentions_block_begin(std::string_view text) noexcept {
    if (begins_like_block(text)) return true;
    const std::size_t semicolon = text.find(';');
    if (semicolon == std::string_view::npos) return false;
    const std::string_view rest = text.substr(semicolon);
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (word_byte(rest[at]) == 0 || word_byte(rest[at - 1]) != 0) continue;
        if (begins_with_word(rest.substr(at), "begin") ||
            begins_with_word(rest.substr(at), "start")) {
            return true;
        }
    }
    return false;
}

}  // namespace sluice::pg
