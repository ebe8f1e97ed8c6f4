#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// What sort of statement one is.
enum class StatementKind : std::uint8_t {
    select,
    insert,
    update,
    delete_,
    merge,
    copy,
    explain,
    transaction,  ///< BEGIN to ROLLBACK PREPARED: an effect says which.
    setting,      ///< SET, RESET, SHOW.
    notification,
    prepared,  ///< PREPARE, EXECUTE, DEALLOCATE.
    cursor,    ///< DECLARE, FETCH, MOVE, CLOSE.
    discard,
    code,        ///< DO, CALL, LOAD.
    definition,  ///< CREATE, ALTER, DROP, GRANT and all that is nothing else here.
    other,       ///< VACUUM, LOCK, TRUNCATE and their like: nothing of it stays in a session.
};
inline constexpr std::size_t statement_kind_count =
    static_cast<std::size_t>(StatementKind::other) + 1;

/// What a statement does to the session, or asks of it. `name` and `value` of Effect in brackets.
enum class EffectKind : std::uint8_t {
    begin,
    commit,               ///< COMMIT or END; chain.
    rollback,             ///< ROLLBACK or ABORT; chain.
    savepoint,            ///< [its name]
    release_savepoint,    ///< [its name]
    rollback_to,          ///< [its name]
    prepare_transaction,  ///< [its identifier]
    finish_prepared,      ///< COMMIT PREPARED, ROLLBACK PREPARED. [its identifier]
    set,                  ///< SET, set_config(), UPDATE pg_settings. [setting, value]
    reset,                ///< RESET, SET ... TO DEFAULT. [setting]
    reset_all,
    show,      ///< SHOW. [setting, or all]
    listen,    ///< [channel]
    unlisten,  ///< [channel]
    unlisten_all,
    notify,      ///< NOTIFY, pg_notify(). [channel, payload]
    prepare,     ///< [name, its parameter types as written]; begin and bytes: the statement.
    execute,     ///< EXECUTE, in EXPLAIN and CREATE TABLE AS too. [name]
    deallocate,  ///< [name]
    deallocate_all,
    discard_all,
    discard_plans,
    discard_sequences,
    discard_temporary,
    declare_cursor,  ///< [name]; hold.
    fetch,           ///< FETCH, MOVE. [cursor]
    close_cursor,    ///< [cursor]
    close_all_cursors,
    create_temporary,  ///< A table, view, sequence, function, type. [its name]
    drop,              ///< One for each object. [its name]
    advisory_lock,     ///< [function, key or "key,key"]; shared, attempt.
    advisory_unlock,   ///< [function, key or "key,key"]; shared.
    advisory_unlock_all,
    copy_in,           ///< COPY FROM STDIN.
    copy_out,          ///< COPY TO STDOUT.
    definition,        ///< Cached plans and result types may be others after it.
    sequence_write,    ///< nextval(), setval(). [function, sequence]
    sequence_read,     ///< currval(), lastval(): of this session. [function, sequence]
    large_object,      ///< Its descriptors end with the transaction. [function]
    export_snapshot,   ///< It ends with the transaction.
    session_read,      ///< Shows what is in the session: cursors, statements. [of what]
    session_function,  ///< Leaves what no question finds: setseed(), pg_backup_start(). [it]
    unknown_function,  ///< [its name, with its schema when written]
    code,              ///< DO, CALL, LOAD, a function that runs SQL given as text. [what]
};
inline constexpr std::size_t effect_kind_count = static_cast<std::size_t>(EffectKind::code) + 1;

/// What else is known of an effect. A set of bits.
enum class EffectNote : std::uint8_t {
    none = 0,
    of_transaction = 1U << 0U,  ///< SET LOCAL, ON COMMIT DROP, a lock of the transaction.
    name_unknown = 1U << 1U,    ///< It is no constant.
    value_unknown = 1U << 2U,
    chain = 1U << 3U,
    hold = 1U << 4U,
    shared = 1U << 5U,
    attempt = 1U << 6U,  ///< pg_try_...: it may not have got the lock.
};
[[nodiscard]] constexpr EffectNote operator|(EffectNote a, EffectNote b) noexcept {
    return static_cast<EffectNote>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

struct Effect {
    EffectKind kind{};
    EffectNote notes = EffectNote::none;
    /// Where in the text a prepared statement stands; zero bytes for every other effect.
    std::uint32_t begin = 0;
    std::uint32_t bytes = 0;
    /// As PostgreSQL's grammar reads it; settings in lower case, under the name that the server
    /// gives them (SET NAMES: client_encoding). Schema and name with a dot between.
    std::string name;
    /// Settings as the server joins a list: for search_path and its like, each in quotes where
    /// that is needed.
    std::string value;

    [[nodiscard]] bool has(EffectNote note) const noexcept {
        return (static_cast<unsigned>(notes) & static_cast<unsigned>(note)) != 0;
    }
};

struct SqlStatement {
    StatementKind kind{};
    /// Where it stands in the text, blanks and comments before it included.
    std::uint32_t begin = 0;
    std::uint32_t bytes = 0;  ///< Zero: to the end of the text.
    /// Its effects: these places in StatementFacts::effects.
    std::uint32_t effects_begin = 0;
    std::uint32_t effects_end = 0;
};

/// How far a text could be read.
enum class ReadingEnd : std::uint8_t {
    whole,
    not_parsed,  ///< Wrong, or of a grammar newer than ours.
    too_long,
    too_deep,
    zero_byte,  ///< Text that holds one cannot be sent, so nobody asks for it in earnest.
};

/// What a SQL text says it does to the session, statement by statement, in the order of the text.
///
/// What is stored only (the body of a function or view, a rule) is no effect, nor is a PREPAREd
/// statement: its text is to be read when it is executed. EXPLAIN counts as if it ran. Functions
/// called without parentheses (operators, casts, triggers, views, `row.function`) are not seen.
/// Strings are read as with standard_conforming_strings on, and bytes as of an encoding in which
/// ASCII bytes are ASCII characters; under another setting or encoding nothing here holds.
struct StatementFacts {
    ReadingEnd end = ReadingEnd::whole;
    std::uint64_t kinds = 0;  ///< A bit for each EffectKind that is among the effects.
    std::vector<SqlStatement> statements;
    std::vector<Effect> effects;

    [[nodiscard]] bool has(EffectKind kind) const noexcept {
        return ((kinds >> static_cast<unsigned>(kind)) & 1U) != 0;
    }
    /// Whether it may do what is not said here.
    [[nodiscard]] bool opaque() const noexcept {
        return end != ReadingEnd::whole || has(EffectKind::code) ||
               has(EffectKind::unknown_function);
    }
    /// Whether the text is one statement without effects.
    [[nodiscard]] bool is_plain() const noexcept {
        return end == ReadingEnd::whole && effects.empty() && statements.size() == 1;
    }
    /// What it occupies, strings included.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
};
static_assert(effect_kind_count <= 64);

/// The facts of every text that is one statement of this kind without effects.
[[nodiscard]] const StatementFacts& plain_facts(StatementKind kind);
/// The facts of every text that could not be read for this reason; with `whole`, of an empty text.
[[nodiscard]] const StatementFacts& unread_facts(ReadingEnd end);

}  // namespace sluice::pg
