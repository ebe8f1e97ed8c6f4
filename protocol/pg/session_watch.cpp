#include "protocol/pg/session_watch.hpp"

#include "protocol/pg/call_memo.hpp"
#include "protocol/pg/statement_reader.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace sluice::pg {

namespace {

constexpr std::array<std::string_view, pin_reason_count> pin_names{
    "sql_prepare",   "set",       "listen", "temporary_table",
    "advisory_lock", "with_hold", "code",   "function_call"};

constexpr std::array<std::pair<Feature, PinReason>, 7> pin_reasons{{
    {Feature::set, PinReason::set},
    {Feature::listen, PinReason::listen},
    {Feature::temporary, PinReason::temporary_table},
    {Feature::advisory_lock, PinReason::advisory_lock},
    {Feature::prepare, PinReason::sql_prepare},
    {Feature::with_hold, PinReason::with_hold},
    {Feature::code, PinReason::code},
}};

/// What the backend can say that it has.
constexpr Feature inventory = Feature::listen | Feature::temporary | Feature::advisory_lock |
                              Feature::prepare | Feature::with_hold;

constexpr std::uint16_t bit_of(PinReason reason) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(reason));
}

constexpr std::uint16_t pins_of(Feature features) noexcept {
    unsigned pins = 0;
    for (const auto& [feature, reason] : pin_reasons) {
        if (has(features, feature)) pins |= bit_of(reason);
    }
    return static_cast<std::uint16_t>(pins);
}

/// What may end what pins, in words.
bool may_end(Feature features) noexcept {
    return has(features, Feature::ending | Feature::session_name | Feature::reset | Feature::code |
                             Feature::unknown_function);
}

/// What a function of this name opens outlives every reset.
bool outlives_reset(const Effect& effect) noexcept {
    if (effect.kind == EffectKind::session_function) return effect.name != "setseed";
    return effect.kind == EffectKind::unknown_function &&
           effect.name.find("dblink_connect") != std::string::npos;
}

/// A setting that decides how the texts behind it are to be read.
bool governs_reading(const Effect& effect) noexcept {
    return effect.name == "standard_conforming_strings" || effect.name == "client_encoding";
}

bool of_role(const Effect& effect) noexcept {
    return effect.name == "role" || effect.name == "session_authorization";
}

}  // namespace

std::string_view name_of(PinReason reason) noexcept {
    return pin_names[static_cast<std::size_t>(reason)];
}

void SessionWatch::text_sent(Feature features, std::string_view text, Sent sent,
                             const Place& place) {
    const bool opens = place.opens && doubts_ == Feature::none;
    constant_ = false;
    const Feature found = doubts_of(features, text, place);
    if (odd_ && text.find('\\') != std::string_view::npos) odd_text_sent();
    if (found == Feature::none) {
        if (doubts_ != Feature::none) sole_ = Sole::no;
        return;
    }
    doubts_ = doubts_ | found;
    if (!opens) {
        sole_ = Sole::no;
        return;
    }
    errors_before_ = place.errors;
    sole_ = sent == Sent::as_query ? Sole::yes : Sole::bound;
    if (constant_) {
        notes().sole_text = text;
    } else if (notes_) {
        notes_->sole_text.clear();
    }
}

Feature SessionWatch::doubts_of(Feature features, std::string_view text, const Place& place) {
    const SessionPolicy& policy = place.policy;
    Feature doubts = Feature::none;
    if (has(features, Feature::set | Feature::reset)) doubts = judge_settings(text, place);
    if (has(features, Feature::set_local)) local_settings_ = true;
    if (may_end(features)) doubts = doubts | kept_ | asked_;
    // Executed by a name that SQL gave it: what it does was said when it was prepared.
    const bool hidden = has(features, Feature::session_name) && has(kept_, Feature::prepare);
    if (has(features, Feature::code) && policy.code == Treatment::warn) {
        lose(PinReason::code);
    } else if (has(features, Feature::code) || hidden) {
        doubts = doubts | Feature::code;
        if (policy.code == Treatment::pin || policy.probe == Probe::off) pin(PinReason::code);
        notes().uncontained = true;
        for (const std::string& name : read_function_body({}, text).placeholders)
            note_placeholder(name);
    }
    if (has(features, Feature::unknown_function)) judge_calls(text, place, doubts);
    const std::array<std::tuple<Feature, Treatment, PinReason>, 5> lasting{{
        {Feature::listen, policy.listen, PinReason::listen},
        {Feature::temporary, policy.temporary_table, PinReason::temporary_table},
        {Feature::advisory_lock, policy.advisory_lock, PinReason::advisory_lock},
        {Feature::with_hold, policy.with_hold, PinReason::with_hold},
        {Feature::prepare, policy.sql_prepare, PinReason::sql_prepare},
    }};
    for (const auto& [feature, treatment, reason] : lasting) {
        if (!has(features, feature)) continue;
        // Names of PREPARE and channels are followed elsewhere, but for those that code has made.
        if (treatment == Treatment::track) {
            doubts = doubts | (kept_ & feature);
        } else if (treatment == Treatment::warn) {
            lose(reason);
        } else {
            doubts = doubts | feature;
        }
    }
    return doubts;
}

/// The grammar knows better than the words what is a call, and of which function.
void SessionWatch::judge_calls(std::string_view text, const Place& place, Feature& doubts) {
    const KnownCalls* const known = place.calls.find(text, place.generation);
    if (known != nullptr && known->harmless) return;
    const StatementFacts& facts = place.reader.read(text);
    if (std::ranges::any_of(facts.effects, outlives_reset)) {
        pin(PinReason::code);
        spoils_backend_ = true;
    }
    const bool calls = facts.end != ReadingEnd::whole || facts.has(EffectKind::unknown_function);
    if (!calls || place.policy.probe != Probe::unknown) return;
    doubts = doubts | Feature::unknown_function;
    SessionNotes& noted = notes();
    const bool learns = known == nullptr && text.size() <= CallMemo::text_bytes_max;
    if (!learns && (known == nullptr || !known->compiled)) noted.uncontained = true;
    if (known != nullptr) {
        for (const std::string& name : known->placeholders)
            note_placeholder(name);
    } else {
        for (std::string& name : called_names(facts)) {
            const bool there = std::ranges::find(noted.functions, name) != noted.functions.end();
            if (!there && noted.functions.size() < SessionNotes::count_max)
                noted.functions.push_back(std::move(name));
        }
    }
    if (text.size() > CallMemo::text_bytes_max) return;
    if (noted.unknown_texts.size() < SessionNotes::count_max) {
        noted.unknown_texts.emplace_back(text);
    } else {
        noted.uncontained = true;
    }
}

void SessionWatch::note_placeholder(const std::string& name) {
    auto& names = notes().placeholders;
    if (std::ranges::find(names, name) != names.end()) return;
    if (names.size() < SessionNotes::count_max) {
        names.push_back(name);
    } else {
        names_unknown_ = true;
    }
}

/// SET, RESET and DISCARD in their many forms.
Feature SessionWatch::judge_settings(std::string_view text, const Place& place) {
    const StatementFacts& facts = place.reader.read(text);
    if (facts.end != ReadingEnd::whole) {
        // Wrong, most likely, and then nothing comes of it.
        names_unknown_ = true;
        return Feature::set;
    }
    constant_ = true;
    for (const SqlStatement& statement : facts.statements) {
        const bool alone_in_effect =
            statement.kind == StatementKind::setting || statement.kind == StatementKind::discard;
        constant_ = constant_ && alone_in_effect;
    }
    Feature doubts = Feature::none;
    for (const Effect& effect : facts.effects)
        judge_effect(effect, place.policy, doubts);
    return doubts;
}

void SessionWatch::judge_effect(const Effect& effect, const SessionPolicy& policy,
                                Feature& doubts) {
    if (effect.kind == EffectKind::reset_all || effect.kind == EffectKind::discard_all) {
        doubts = doubts | Feature::reset;
        return;
    }
    const bool sets = effect.kind == EffectKind::set;
    if (!sets && effect.kind != EffectKind::reset) {
        constant_ = constant_ && effect.kind == EffectKind::show;
        return;
    }
    if (sets && governs_reading(effect)) odd_ = true;
    if (effect.has(EffectNote::of_transaction)) {
        constant_ = false;
        local_settings_ = true;
        return;
    }
    const Treatment treatment = of_role(effect) ? policy.role : policy.set;
    if (treatment == Treatment::warn) {
        lose(PinReason::set);
        constant_ = false;
        return;
    }
    if (treatment == Treatment::pin) pin(PinReason::set);
    doubts = doubts | (sets ? Feature::set : Feature::reset);
    if (effect.has(EffectNote::name_unknown)) {
        names_unknown_ = true;
        constant_ = false;
        return;
    }
    if (effect.name.find('.') != std::string::npos) note_placeholder(effect.name);
}

void SessionWatch::large_text_sent(Feature features) noexcept {
    sole_ = Sole::no;
    if (has(features, Feature::set | Feature::reset)) pin(PinReason::set);
    const Feature found = features & (inventory | Feature::set | Feature::reset | Feature::code |
                                      Feature::unknown_function);
    doubts_ = doubts_ | found;
    if (has(features, Feature::set_local)) local_settings_ = true;
    if (has(features, Feature::code | Feature::unknown_function)) notes().uncontained = true;
    if (may_end(features)) doubts_ = doubts_ | kept_ | asked_;
}

void SessionWatch::odd_text_sent() noexcept {
    sole_ = Sole::no;
    doubts_ = doubts_ | Feature::code;
    pin(PinReason::set);
}

void SessionWatch::lose(PinReason reason) noexcept {
    wants_reset_ = true;
    if (!std::exchange(warned_, true)) warning_ = reason;
}

void SessionWatch::hidden_text_sent(bool large) noexcept {
    sole_ = Sole::no;
    if (large || has(kept_, Feature::prepare)) doubts_ = doubts_ | Feature::code;
}

void SessionWatch::own_text_sent(Feature features) noexcept {
    pins_ = static_cast<std::uint16_t>(pins_ | pins_of(features));
    if (has(features, Feature::reset)) wants_reset_ = true;
}

void SessionWatch::pin(PinReason reason) noexcept {
    pins_ = static_cast<std::uint16_t>(pins_ | bit_of(reason));
}

std::string_view SessionWatch::sole_text(std::uint32_t errors) const noexcept {
    if (sole_ != Sole::yes || errors != errors_before_ || !notes_) return {};
    return notes_->sole_text;
}

SessionDoubts SessionWatch::take_doubts(std::uint32_t errors) {
    const bool failed_alone = sole_ != Sole::no && errors != errors_before_;
    if (std::exchange(names_unknown_, false) && !failed_alone) pin(PinReason::set);
    sole_ = Sole::no;
    const bool everything = has(doubts_, Feature::code | Feature::unknown_function);
    asked_ = everything ? inventory : doubts_ & inventory;
    return {std::exchange(doubts_, Feature::none), std::move(notes_)};
}

void SessionWatch::keep_doubting(SessionDoubts doubts) {
    doubts_ = doubts_ | doubts.features;
    asked_ = Feature::none;
    unanswered_ = true;
    doubt_pins_ = true;
    sole_ = Sole::no;
    if (!doubts.notes) return;
    if (!notes_) {
        notes_ = std::move(doubts.notes);
        notes_->sole_text.clear();
        return;
    }
    notes_->uncontained = true;
    for (const std::string& name : doubts.notes->placeholders)
        note_placeholder(name);
}

void SessionWatch::ask_again(std::vector<std::string> placeholders) {
    doubts_ = doubts_ | Feature::set;
    sole_ = Sole::no;
    for (const std::string& name : placeholders)
        note_placeholder(name);
}

void SessionWatch::told(Feature asked, Feature kept) noexcept {
    const bool everything = has(asked, Feature::code | Feature::unknown_function);
    const Feature settled = everything ? inventory : asked & inventory;
    kept_ = (kept_ & ~settled) | (kept & settled);
    asked_ = Feature::none;
    unanswered_ = false;
    doubt_pins_ = false;
    // What was sent behind the question may have changed it again.
    if (doubts_ == Feature::none) odd_ = false;
}

void SessionWatch::lease_ended() noexcept {
    wants_reset_ = false;
    local_settings_ = false;
    asked_ = Feature::none;
    odd_ = false;
    doubt_pins_ = false;
    sole_ = Sole::no;
}

std::uint16_t SessionWatch::pins() const noexcept {
    const std::uint16_t unknown = doubt_pins_ ? bit_of(PinReason::code) : std::uint16_t{0};
    return static_cast<std::uint16_t>(pins_ | pins_of(kept_) | unknown);
}

SessionNotes& SessionWatch::notes() {
    if (!notes_) notes_ = std::make_unique<SessionNotes>();
    return *notes_;
}

}  // namespace sluice::pg
