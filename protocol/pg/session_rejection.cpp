#include "protocol/pg/session_rejection.hpp"

#include "protocol/pg/statement_reader.hpp"

#include <array>

namespace sluice::pg {

namespace {

bool rejects(Treatment treatment) noexcept {
    return treatment == Treatment::reject;
}

std::optional<PinReason> by_words(Feature features, const SessionPolicy& policy) {
    struct Row {
        Feature feature;
        Treatment treatment;
        PinReason reason;
    };
    const std::array<Row, 7> rows{{
        {Feature::set, policy.set, PinReason::set},
        {Feature::listen, policy.listen, PinReason::listen},
        {Feature::temporary, policy.temporary_table, PinReason::temporary_table},
        {Feature::advisory_lock, policy.advisory_lock, PinReason::advisory_lock},
        {Feature::with_hold, policy.with_hold, PinReason::with_hold},
        {Feature::prepare, policy.sql_prepare, PinReason::sql_prepare},
        {Feature::code, policy.code, PinReason::code},
    }};
    for (const Row& row : rows) {
        if (has(features, row.feature) && rejects(row.treatment)) return row.reason;
    }
    return std::nullopt;
}

std::optional<PinReason> by_effect(const Effect& effect, const SessionPolicy& policy) {
    if (effect.has(EffectNote::of_transaction)) return std::nullopt;
    const auto if_rejected = [](Treatment treatment, PinReason reason) {
        return rejects(treatment) ? std::optional(reason) : std::nullopt;
    };
    if (effect.kind == EffectKind::set) {
        const bool role = effect.name == "role" || effect.name == "session_authorization";
        return if_rejected(role ? policy.role : policy.set, PinReason::set);
    }
    if (effect.kind == EffectKind::listen) return if_rejected(policy.listen, PinReason::listen);
    if (effect.kind == EffectKind::create_temporary) {
        return if_rejected(policy.temporary_table, PinReason::temporary_table);
    }
    if (effect.kind == EffectKind::advisory_lock) {
        return if_rejected(policy.advisory_lock, PinReason::advisory_lock);
    }
    if (effect.kind == EffectKind::declare_cursor && effect.has(EffectNote::hold)) {
        return if_rejected(policy.with_hold, PinReason::with_hold);
    }
    if (effect.kind == EffectKind::prepare) {
        return if_rejected(policy.sql_prepare, PinReason::sql_prepare);
    }
    if (effect.kind == EffectKind::code) return if_rejected(policy.code, PinReason::code);
    return std::nullopt;
}

}  // namespace

std::optional<PinReason> rejection_of(Feature features, std::string_view text,
                                      StatementReader& reader, const SessionPolicy& policy) {
    if (!policy.rejects()) return std::nullopt;
    const StatementFacts& facts = reader.read(text);
    if (facts.end != ReadingEnd::whole) return by_words(features, policy);
    for (const Effect& effect : facts.effects) {
        if (const auto reason = by_effect(effect, policy)) return reason;
    }
    return std::nullopt;
}

std::optional<PinReason> rejection_of(std::string_view text, StatementReader& reader,
                                      const SessionPolicy& policy) {
    if (!policy.rejects()) return std::nullopt;
    StatementScanner scanner;
    scanner.feed(wire::as_bytes(text));
    scanner.feed(wire::as_bytes(std::string_view("\0", 1)));
    if (scanner.features() == Feature::none) return std::nullopt;
    return rejection_of(scanner.features(), text, reader, policy);
}

}  // namespace sluice::pg
