// SQL text as PostgreSQL's grammar reads it: what is said of a text lies within it, is said again
// the second time, and was at least suspected by the scanner that decides which texts are read.

#include "protocol/assert.hpp"
#include "protocol/pg/statement_features.hpp"

#include "server/sql/statement_memo.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using sluice::pg::Effect;
using sluice::pg::EffectKind;
using sluice::pg::EffectNote;
using sluice::pg::StatementFacts;

/// What the session may not be left with unless a text was read.
bool must_be_suspected(const Effect& effect) {
    switch (effect.kind) {
        case EffectKind::set:
        case EffectKind::reset:
            // "SET LOCAL = 1": settings of the server's are not called so.
            return !effect.has(EffectNote::of_transaction) && effect.name != "local" &&
                   effect.name != "transaction" && effect.name != "constraints";
        case EffectKind::declare_cursor: return effect.has(EffectNote::hold);
        case EffectKind::reset_all:
        case EffectKind::listen:
        case EffectKind::unlisten:
        case EffectKind::unlisten_all:
        case EffectKind::notify:
        case EffectKind::prepare:
        case EffectKind::execute:
        case EffectKind::deallocate:
        case EffectKind::deallocate_all:
        case EffectKind::discard_all:
        case EffectKind::discard_plans:
        case EffectKind::discard_sequences:
        case EffectKind::discard_temporary:
        case EffectKind::fetch:
        case EffectKind::close_cursor:
        case EffectKind::close_all_cursors:
        case EffectKind::create_temporary:
        case EffectKind::advisory_lock:
        case EffectKind::advisory_unlock:
        case EffectKind::advisory_unlock_all:
        case EffectKind::sequence_write:
        case EffectKind::sequence_read:
        case EffectKind::large_object:
        case EffectKind::export_snapshot:
        case EffectKind::session_function:
        case EffectKind::unknown_function:
        case EffectKind::code: return true;
        case EffectKind::begin:
        case EffectKind::commit:
        case EffectKind::rollback:
        case EffectKind::savepoint:
        case EffectKind::release_savepoint:
        case EffectKind::rollback_to:
        case EffectKind::prepare_transaction:
        case EffectKind::finish_prepared:
        case EffectKind::show:
        case EffectKind::drop:
        case EffectKind::copy_in:
        case EffectKind::copy_out:
        case EffectKind::definition:
        case EffectKind::session_read: return false;
    }
    return true;
}

bool lies_within(std::uint32_t begin, std::uint32_t bytes, std::string_view text) {
    return begin <= text.size() && bytes <= text.size() - begin;
}

void check(const StatementFacts& facts, std::string_view text) {
    std::uint32_t effects = 0;
    for (const sluice::pg::SqlStatement& statement : facts.statements) {
        SLUICE_ASSERT(lies_within(statement.begin, statement.bytes, text));
        SLUICE_ASSERT(statement.effects_begin == effects);
        SLUICE_ASSERT(statement.effects_end >= effects);
        effects = statement.effects_end;
    }
    SLUICE_ASSERT(effects == facts.effects.size());
    for (const Effect& effect : facts.effects) {
        SLUICE_ASSERT(lies_within(effect.begin, effect.bytes, text));
        SLUICE_ASSERT(facts.has(effect.kind));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace sluice;
    static sql::StatementMemo memo({.entries_max = 64, .bytes_max = 64 * 1024}, 1);
    const wire::Bytes all(reinterpret_cast<const std::byte*>(bytes), size);
    const std::string_view text = wire::as_text(all);

    const StatementFacts& first = memo.read(text);
    check(first, text);
    const std::size_t effects = first.effects.size();
    const StatementFacts& second = memo.read(text);
    SLUICE_ASSERT(second.end == first.end && second.effects.size() == effects);

    constexpr std::byte zero{0};
    pg::StatementScanner scanner;
    scanner.feed(all);
    scanner.feed({&zero, 1});
    if (scanner.features() != pg::Feature::none) return 0;
    for (const Effect& effect : second.effects)
        SLUICE_ASSERT(!must_be_suspected(effect));
    return 0;
}
