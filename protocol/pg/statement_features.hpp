#pragma once

#include "protocol/wire/cursor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::pg {

/// What a statement text may leave behind in a session. A set of bits.
enum class Feature : std::uint16_t {
    none = 0,
    set = 1U << 0U,        ///< SET (not LOCAL, TRANSACTION or CONSTRAINTS), set_config(), its like.
    listen = 1U << 1U,     ///< LISTEN.
    temporary = 1U << 2U,  ///< CREATE TEMP, INTO TEMP, pg_temp.
    advisory_lock = 1U << 3U,  ///< pg_advisory_lock(), pg_try_advisory_lock(), shared or not.
    prepare = 1U << 4U,        ///< PREPARE, but not PREPARE TRANSACTION.
    with_hold = 1U << 5U,      ///< DECLARE ... WITH HOLD.
    code = 1U << 6U,           ///< DO, CALL, LOAD, what runs SQL from a string: cannot be seen.
    reset = 1U << 7U,          ///< RESET, DISCARD: undoes what the session started with.
    /// A call, or what looks like one, of a function that is not known to be harmless.
    unknown_function = 1U << 8U,
    /// EXECUTE; or a statement of DEALLOCATE, FETCH, MOVE, CLOSE, NOTIFY, UNLISTEN: it names
    /// what the session has.
    session_name = 1U << 9U,
    /// EXECUTE; a statement of DEALLOCATE; the view of prepared statements: what is meant are the
    /// names of the client's own.
    prepared_name = 1U << 10U,
    /// A statement of DROP, or pg_advisory_unlock(): it may end what was left behind.
    ending = 1U << 11U,
    set_local = 1U << 12U,  ///< SET LOCAL: until the end of its transaction.
    /// CREATE, or INTO that is not INSERT's: the tag of CREATE TABLE AS, and of SELECT INTO, does
    /// not tell that they make something.
    defines = 1U << 13U,
};

[[nodiscard]] constexpr Feature operator|(Feature a, Feature b) noexcept {
    return static_cast<Feature>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr Feature operator&(Feature a, Feature b) noexcept {
    return static_cast<Feature>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
[[nodiscard]] constexpr Feature operator~(Feature a) noexcept {
    return static_cast<Feature>(~static_cast<unsigned>(a) & 0xffffU);
}
[[nodiscard]] constexpr bool has(Feature features, Feature one) noexcept {
    return (static_cast<unsigned>(features) & static_cast<unsigned>(one)) != 0;
}

/// The words of SQL that decide something; zero is every other.
enum class SqlWord : std::uint8_t;

/// Reads SQL text as far as words, strings and comments go, and says which session features its
/// words name. It errs on the side of naming one too many: that costs a pin, never a leak.
///
/// What a function of the database does inside cannot be seen here, nor one that is called
/// without parentheses: by an operator, a cast, a trigger, a view, as `row.function`.
/// Text may come in any pieces; where a piece ends between a name and its parenthesis, the function
/// is taken for unknown. It ends at its zero byte; what follows is not looked at.
/// Strings are read as with standard_conforming_strings on, PostgreSQL's default since 9.1.
/// Source: PostgreSQL 15 manual, "Lexical Structure".
class StatementScanner {
  public:
    void feed(wire::Bytes text);
    [[nodiscard]] Feature features() const noexcept { return features_; }
    /// All that was fed is one text with its zero byte at the end.
    [[nodiscard]] bool is_one_text() const noexcept {
        return state_ == State::finished && !overrun_;
    }

  private:
    enum class State : std::uint8_t {
        between,  ///< Outside any word.
        word,
        plain_string,
        escape_string,
        escaped_byte,  ///< Behind a backslash in an escape string.
        quoted_name,
        dash,  ///< One '-' seen.
        line_comment,
        slash,  ///< One '/' seen.
        block_comment,
        comment_slash,  ///< '/' inside a block comment.
        comment_star,   ///< '*' inside a block comment.
        dollar_tag,     ///< Between the two '$' that open a dollar-quoted string.
        dollar_string,
        finished,
    };
    /// What the text just before makes of a quote, or of a parenthesis.
    enum class Prefix : std::uint8_t {
        none,
        unicode,        ///< The word U.
        unicode_and,    ///< U&: a quoted name may hold escapes.
        escape_string,  ///< An escape string and nothing but space: a quote continues it.
        name,           ///< A word.
        quoted_name,
    };

    [[nodiscard]] const char* skip_plain(const char* at, const char* end, const char*& name);
    [[nodiscard]] const char* take_word(const char* at, const char* end);
    void step(char byte);
    void step_between(char byte);
    void step_comment(char byte);
    void step_dollar(char byte);
    void parenthesis_opened(const char* begin, const char* name);
    void word_ended();
    [[nodiscard]] Feature telling_name(std::string_view text) const noexcept;
    void statement_word(SqlWord word);
    void plain_word();
    void add(Feature feature) noexcept { features_ = features_ | feature; }

    static constexpr std::size_t word_bytes_max = 24;
    static constexpr std::size_t tag_bytes_max = 64;

    std::array<char, word_bytes_max> word_;  ///< Lower-cased, cut at its size.
    std::array<char, tag_bytes_max> tag_;
    std::uint32_t comment_depth_ = 0;
    std::uint8_t word_bytes_ = 0;
    std::uint8_t tag_bytes_ = 0;
    std::uint8_t tag_matched_ = 0;  ///< Bytes of the closing "$tag" seen in a row.
    std::uint8_t word_index_ = 0;   ///< Words of this statement before the current one, to 3.
    State state_ = State::between;
    Prefix prefix_ = Prefix::none;
    SqlWord first_{};
    SqlWord previous_{};
    bool update_seen_ = false;  ///< In this statement.
    bool first_piece_ = true;
    bool overrun_ = false;  ///< Something stood behind the zero byte.
    Feature features_ = Feature::none;
};

}  // namespace sluice::pg
