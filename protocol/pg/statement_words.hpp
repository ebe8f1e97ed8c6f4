#pragma once

#include "protocol/pg/statement_features.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

// The words that StatementScanner knows. In a header of their own, for the hot path inlines them.

namespace sluice::pg {

enum class SqlWord : std::uint8_t {
    other,
    call,
    constraints,
    create,
    deallocate,
    declare,
    discard,
    do_,
    drop,
    execute,
    global,
    hold,
    insert,
    into,
    listen,
    load,
    local,
    merge,
    naming,  ///< FETCH, MOVE, CLOSE, NOTIFY, UNLISTEN.
    prepare,
    replace,
    reset,
    set,
    temporary,
    transaction,
    update,
    with,
};

/// 0 for a byte that cannot be in a word, else its lower case. Bytes above ASCII belong to words.
inline constexpr std::array<char, 256> word_bytes = [] {
    std::array<char, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        const char byte = static_cast<char>(i);
        const bool in_word = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                             byte == '_' || byte == '$' || i >= 0x80;
        if (byte >= 'A' && byte <= 'Z') {
            table[i] = static_cast<char>(byte - 'A' + 'a');
        } else if (in_word) {
            table[i] = byte;
        }
    }
    return table;
}();

constexpr char word_byte(char byte) noexcept {
    return word_bytes[static_cast<unsigned char>(byte)];
}

/// What a byte that stands outside of words, strings and comments comes to.
enum class TextByte : std::uint8_t {
    special,   ///< It may begin or mean something: to be looked at.
    blank,     ///< Between what stands before and behind it, nothing changes.
    word,      ///< It begins a word or a number.
    operator_  ///< It is one, or a part of one, and nothing else.
};

inline constexpr std::array<TextByte, 256> text_bytes = [] {
    std::array<TextByte, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        if (word_bytes[i] != 0 && i != '$') table[i] = TextByte::word;
    }
    for (const char blank : std::string_view(" \t\n\v\f\r"))
        table[static_cast<unsigned char>(blank)] = TextByte::blank;
    for (const char byte : std::string_view("=<>+*,)[]%!|^#~?@:"))
        table[static_cast<unsigned char>(byte)] = TextByte::operator_;
    return table;
}();

constexpr TextByte text_byte(char byte) noexcept {
    return text_bytes[static_cast<unsigned char>(byte)];
}

inline constexpr std::array<std::pair<std::string_view, SqlWord>, 31> keywords{{
    {"call", SqlWord::call},
    {"close", SqlWord::naming},
    {"constraints", SqlWord::constraints},
    {"create", SqlWord::create},
    {"deallocate", SqlWord::deallocate},
    {"declare", SqlWord::declare},
    {"discard", SqlWord::discard},
    {"do", SqlWord::do_},
    {"drop", SqlWord::drop},
    {"execute", SqlWord::execute},
    {"fetch", SqlWord::naming},
    {"global", SqlWord::global},
    {"hold", SqlWord::hold},
    {"insert", SqlWord::insert},
    {"into", SqlWord::into},
    {"listen", SqlWord::listen},
    {"load", SqlWord::load},
    {"local", SqlWord::local},
    {"merge", SqlWord::merge},
    {"move", SqlWord::naming},
    {"notify", SqlWord::naming},
    {"prepare", SqlWord::prepare},
    {"replace", SqlWord::replace},
    {"reset", SqlWord::reset},
    {"set", SqlWord::set},
    {"temp", SqlWord::temporary},
    {"temporary", SqlWord::temporary},
    {"transaction", SqlWord::transaction},
    {"unlisten", SqlWord::naming},
    {"update", SqlWord::update},
    {"with", SqlWord::with},
}};

/// Names whose mere presence tells, each with all names that begin alike; `pg_settings` only
/// in an UPDATE, which its rule turns into set_config().
inline constexpr std::array<std::pair<std::string_view, Feature>, 11> telling_names{{
    {"pg_settings", Feature::set},
    {"set_config", Feature::set},
    {"pg_temp", Feature::temporary},
    {"pg_advisory_lock", Feature::advisory_lock},
    {"pg_try_advisory_lock", Feature::advisory_lock},
    {"pg_prepared_statement", Feature::prepared_name},
    {"pg_advisory_unlock", Feature::ending},
    {"dblink_connect", Feature::code},
    {"pg_replication_origin_se", Feature::code},
    {"query_to_xml", Feature::code},
    {"ts_stat", Feature::code},
}};
inline constexpr std::size_t telling_bytes_min = 7;
inline constexpr std::size_t keyword_bytes_max = 11;

/// What a word that begins with a letter must look like to be worth a comparison, which most are
/// not: its second and third byte (by their lower five bits, the same for both cases) and its
/// length (the highest bit: all that are longer).
struct Shape {
    unsigned seconds = 0;
    unsigned thirds = 0;
    unsigned lengths = 0;
};
inline constexpr std::size_t longest_bit = 31;

constexpr unsigned letter_bit(char letter) noexcept {
    return 1U << (static_cast<unsigned char>(letter) & 31U);
}

inline constexpr std::array<Shape, 256> telling_shapes = [] {
    std::array<Shape, 256> table{};
    const auto allow = [&table](std::string_view name, unsigned lengths) {
        Shape& shape = table[static_cast<unsigned char>(name[0])];
        shape.lengths |= lengths;
        if (name.size() > 1) shape.seconds |= letter_bit(name[1]);
        if (name.size() > 2) shape.thirds |= letter_bit(name[2]);
    };
    for (const auto& [name, word] : keywords)
        allow(name, 1U << name.size());
    for (const auto& [name, feature] : telling_names)
        allow(name, ~0U << name.size());
    for (const std::string_view prefix : {"e", "u"})
        allow(prefix, 1U << 1U);  // E'...', U&"..."
    for (unsigned char lower = 'a'; lower <= 'z'; ++lower)
        table[lower - 'a' + 'A'] = table[lower];
    return table;
}();

inline bool may_tell(const char* word, std::size_t length) noexcept {
    const Shape& shape = telling_shapes[static_cast<unsigned char>(word[0])];
    return ((shape.lengths >> std::min(length, longest_bit)) & 1U) != 0 &&
           (length < 2 || (shape.seconds & letter_bit(word[1])) != 0) &&
           (length < 3 || (shape.thirds & letter_bit(word[2])) != 0);
}

inline SqlWord find_word(std::string_view text) noexcept {
    if (text.size() > keyword_bytes_max) return SqlWord::other;
    for (const auto& [name, word] : keywords) {
        if (name.size() == text.size() && name[0] == text[0] && name == text) return word;
    }
    return SqlWord::other;
}

}  // namespace sluice::pg
