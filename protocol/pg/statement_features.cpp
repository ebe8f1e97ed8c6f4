#include "protocol/pg/statement_features.hpp"

#include "protocol/pg/sql_call.hpp"
#include "protocol/pg/statement_words.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::pg {

void StatementScanner::feed(wire::Bytes text) {
    if (text.empty()) return;
    if (state_ == State::finished) {
        overrun_ = true;
        return;
    }
    const char* at = wire::as_text(text).data();
    const char* end = at + text.size();
    const void* const zero = std::memchr(at, 0, text.size());
    if (zero != nullptr) end = static_cast<const char*>(zero);
    const char* const begin = at;
    const char* name = nullptr;
    while (true) {
        if (state_ == State::between) at = skip_plain(at, end, name);
        if (at == end) break;
        if (state_ == State::word ||
            (state_ == State::between && text_byte(*at) == TextByte::word)) {
            name = state_ == State::between ? at : nullptr;
            at = take_word(at, end);
        } else if ((state_ == State::dash && *at != '-') ||
                   (state_ == State::slash && *at != '*')) {
            state_ = State::between;  // It was an operator.
            prefix_ = Prefix::none;
        } else if (state_ == State::between && *at == '(') {
            parenthesis_opened(begin, name);
            ++at;
        } else {
            if (state_ == State::between && *at == '"') name = at;
            step(*at++);
        }
    }
    first_piece_ = false;
    if (zero != nullptr) {
        if (state_ == State::word) word_ended();
        state_ = State::finished;
        overrun_ = zero != &text.back();
    }
}

/// Reads over what tells nothing, as most of a text: blanks, operators, and words that are whole in
/// hand and by their shape none of those that are looked for. `name` is where the last of them
/// begins.
const char* StatementScanner::skip_plain(const char* at, const char* end, const char*& name) {
    while (at != end) {
        switch (text_byte(*at)) {
            case TextByte::blank: ++at; break;
            case TextByte::operator_:
                prefix_ = Prefix::none;
                ++at;
                break;
            case TextByte::word: {
                const char* const begin = at;
                do {
                    ++at;
                } while (at != end && word_byte(*at) != 0);
                if (at == end || may_tell(begin, static_cast<std::size_t>(at - begin))) {
                    return begin;
                }
                name = begin;
                prefix_ = Prefix::name;
                plain_word();
                break;
            }
            case TextByte::special: return at;
        }
    }
    return at;
}

/// Reads on in a word, or begins one.
const char* StatementScanner::take_word(const char* at, const char* end) {
    const char* const begin = at;
    while (at != end && word_byte(*at) != 0)
        ++at;
    const auto length = static_cast<std::size_t>(at - begin);
    if (state_ == State::between) word_bytes_ = 0;
    const std::size_t copied = std::min<std::size_t>(length, word_bytes_max - word_bytes_);
    for (std::size_t i = 0; i < copied; ++i)
        word_[word_bytes_ + i] = word_byte(begin[i]);
    word_bytes_ = static_cast<std::uint8_t>(word_bytes_ + copied);
    state_ = State::word;
    if (at != end) {
        const bool escapes = *at == '\'' && word_bytes_ == 1 && word_[0] == 'e';
        word_ended();
        state_ = escapes ? State::escape_string : State::between;
        if (escapes) ++at;
    }
    return at;
}

void StatementScanner::step(char byte) {
    switch (state_) {
        case State::word: return;  // Taken as a whole by take_word().
        case State::between: step_between(byte); return;
        case State::plain_string:
            if (byte == '\'') state_ = State::between;
            return;
        case State::escape_string:
            if (byte == '\\') state_ = State::escaped_byte;
            if (byte == '\'') {
                state_ = State::between;
                prefix_ = Prefix::escape_string;
            }
            return;
        case State::escaped_byte: state_ = State::escape_string; return;
        case State::quoted_name:
            if (byte == '"') {
                word_ended();
                state_ = State::between;
            } else if (word_bytes_ < word_bytes_max) {
                word_[word_bytes_++] = byte;
            }
            return;
        case State::dash: state_ = State::line_comment; return;
        case State::slash:
            state_ = State::block_comment;
            comment_depth_ = 1;
            return;
        case State::line_comment:
        case State::block_comment:
        case State::comment_slash:
        case State::comment_star: step_comment(byte); return;
        case State::dollar_tag:
        case State::dollar_string: step_dollar(byte); return;
        case State::finished: return;
    }
}

void StatementScanner::step_between(char byte) {
    if (byte >= '\t' && byte <= '\r') return;  // As the blank, which does not come here.
    const Prefix prefix = std::exchange(prefix_, Prefix::none);
    switch (byte) {
        case '\'':
            // A string goes on behind a line break, with the escapes it began with.
            state_ = prefix == Prefix::escape_string ? State::escape_string : State::plain_string;
            return;
        case '-':
            state_ = State::dash;
            prefix_ = prefix;
            return;
        case '/':
            state_ = State::slash;
            if (prefix != Prefix::escape_string) prefix_ = prefix;
            return;
        case '&':
            if (prefix == Prefix::unicode) prefix_ = Prefix::unicode_and;
            return;
        case '.':
            // "SET LOCAL x" ends with the transaction, "SET local.x" does not.
            if (word_index_ == 2 && first_ == SqlWord::set) add(Feature::set);
            return;
        case ';':
            word_index_ = 0;
            previous_ = SqlWord::other;
            update_seen_ = false;
            return;
        case '"':
            if (prefix == Prefix::unicode_and) add(Feature::code);  // Any name, in escapes.
            word_bytes_ = 0;
            state_ = State::quoted_name;
            return;
        case '$':
            tag_bytes_ = 0;
            tag_[tag_bytes_++] = '$';
            state_ = State::dollar_tag;
            return;
        default: return;
    }
}

void StatementScanner::step_comment(char byte) {
    if (state_ == State::line_comment) {
        if (byte == '\n' || byte == '\r') state_ = State::between;
        return;
    }
    if (state_ == State::comment_slash && byte == '*') {
        ++comment_depth_;  // Block comments nest. Two bytes each: no frame can overflow it.
        state_ = State::block_comment;
    } else if (state_ == State::comment_star && byte == '/') {
        --comment_depth_;
        state_ = comment_depth_ == 0 ? State::between : State::block_comment;
    } else if (byte == '*') {
        state_ = State::comment_star;
    } else if (byte == '/') {
        state_ = State::comment_slash;
    } else {
        state_ = State::block_comment;
    }
}

void StatementScanner::step_dollar(char byte) {
    if (state_ == State::dollar_tag) {
        const bool digit = byte >= '0' && byte <= '9';
        if (byte == '$') {
            tag_matched_ = 0;
            state_ = State::dollar_string;
        } else if (word_byte(byte) == 0 || (digit && tag_bytes_ == 1)) {
            state_ = State::between;  // A parameter such as $1, or a stray '$'.
            if (!digit) step_between(byte);
        } else if (tag_bytes_ < tag_bytes_max) {
            tag_[tag_bytes_++] = byte;
        } else {
            add(Feature::code);  // The end of so long a tag's string will not be recognised.
        }
        return;
    }
    // The closing tag is "$tag$"; a tag holds no '$', so a mismatch restarts at most at its first.
    if (tag_matched_ == tag_bytes_ && byte == '$') {
        state_ = State::between;
    } else if (tag_matched_ < tag_bytes_ && byte == tag_[tag_matched_]) {
        ++tag_matched_;
    } else {
        tag_matched_ = byte == '$' ? 1 : 0;
    }
}

/// A name and its parenthesis may have comments between them; `begin` is where the bytes in hand
/// begin, `name` where the name does, null where that is not in hand.
void StatementScanner::parenthesis_opened(const char* begin, const char* name) {
    const Prefix prefix = std::exchange(prefix_, Prefix::none);
    if (prefix < Prefix::name && prefix != Prefix::unicode) return;
    if (has(features_, Feature::unknown_function)) return;
    const bool quoted = prefix == Prefix::quoted_name;
    if (name == nullptr || may_call_unknown({begin, first_piece_}, name, quoted))
        add(Feature::unknown_function);
}

void StatementScanner::word_ended() {
    const std::string_view text(word_.data(), word_bytes_);
    const bool quoted = state_ == State::quoted_name;
    prefix_ = quoted ? Prefix::quoted_name : text == "u" ? Prefix::unicode : Prefix::name;
    add(telling_name(text));
    statement_word(quoted ? SqlWord::other : find_word(text));
}

Feature StatementScanner::telling_name(std::string_view text) const noexcept {
    if (text.size() < telling_bytes_min) return Feature::none;
    for (const auto& [name, feature] : telling_names) {
        if (text[0] != name[0] || text[3] != name[3] || !text.starts_with(name)) continue;
        if (name == "pg_settings" && !update_seen_) continue;
        return feature;
    }
    return Feature::none;
}

void StatementScanner::plain_word() {
    previous_ = SqlWord::other;
    if (word_index_ > 0 && (first_ == SqlWord::set || first_ == SqlWord::prepare)) {
        statement_word(SqlWord::other);
        return;
    }
    if (word_index_ == 0) first_ = SqlWord::other;
    if (word_index_ < 3) ++word_index_;
}

void StatementScanner::statement_word(SqlWord word) {
    if (word_index_ == 0) {
        first_ = word;
        if (word == SqlWord::listen) add(Feature::listen);
        if (word == SqlWord::do_ || word == SqlWord::call || word == SqlWord::load)
            add(Feature::code);
        if (word == SqlWord::reset || word == SqlWord::discard) add(Feature::reset);
        if (word == SqlWord::naming || word == SqlWord::deallocate) add(Feature::session_name);
        if (word == SqlWord::deallocate) add(Feature::prepared_name);
        if (word == SqlWord::drop) add(Feature::ending);
    } else if (word_index_ == 1) {
        const bool of_transaction =
            word == SqlWord::local || word == SqlWord::transaction || word == SqlWord::constraints;
        if (first_ == SqlWord::set && !of_transaction) add(Feature::set);
        if (first_ == SqlWord::set && word == SqlWord::local) add(Feature::set_local);
        if (first_ == SqlWord::prepare && word != SqlWord::transaction) add(Feature::prepare);
    } else if (first_ == SqlWord::prepare) {
        add(Feature::prepare);  // "PREPARE transaction AS ...": behind the command stands a string.
    }
    if (word == SqlWord::temporary) {
        if (previous_ == SqlWord::create || previous_ == SqlWord::into ||
            previous_ == SqlWord::local || previous_ == SqlWord::global ||
            previous_ == SqlWord::replace) {
            add(Feature::temporary);
        }
    }
    if (word == SqlWord::hold && previous_ == SqlWord::with && first_ == SqlWord::declare) {
        add(Feature::with_hold);
    }
    if (word == SqlWord::update) update_seen_ = true;
    if (word == SqlWord::create) add(Feature::defines);
    if (word == SqlWord::execute) add(Feature::session_name | Feature::prepared_name);
    // "INSERT INTO temp" names a table.
    const bool names_table =
        word == SqlWord::into && (previous_ == SqlWord::insert || previous_ == SqlWord::merge);
    if (word == SqlWord::into && !names_table) add(Feature::defines);
    previous_ = names_table ? SqlWord::other : word;
    if (word_index_ < 3) ++word_index_;
}

}  // namespace sluice::pg
