#include "protocol/pg/name_agreement.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::pg {

namespace {

using Standing = ClientStatements::Standing;

/// Names on a backend where `max_prepared_statements` sets no limit.
constexpr std::size_t names_max = 10'000;
/// Under this name nothing is left that anybody relies on.
constexpr StatementId passing{};
/// The version of a name that stands for nothing.
constexpr StatementId nothing{};
/// What Parse says behind the name for a statement of an empty text.
constexpr std::string_view empty_parse_body{"\0\0\0", 3};

/// Whether reading the text leaves open which names it means.
bool means_any(const StatementFacts& facts) noexcept {
    return facts.opaque() || facts.has(EffectKind::session_read);
}

bool means_name(EffectKind kind) noexcept {
    return kind == EffectKind::execute || kind == EffectKind::prepare ||
           kind == EffectKind::deallocate;
}

}  // namespace

bool concerns_names(const StatementFacts& facts) noexcept {
    static constexpr std::array kinds{EffectKind::execute, EffectKind::prepare,
                                      EffectKind::deallocate, EffectKind::deallocate_all,
                                      EffectKind::discard_all};
    return means_any(facts) ||
           std::ranges::any_of(kinds, [&facts](EffectKind kind) { return facts.has(kind); });
}

bool shows_statements(const StatementFacts& facts) noexcept {
    return std::ranges::any_of(facts.effects, [](const Effect& effect) {
        return effect.kind == EffectKind::session_read &&
               std::string_view(effect.name).starts_with("pg_prepared_statement");
    });
}

bool NameAgreement::must_wait(const StatementFacts& facts) const {
    if (!concerns_names(facts)) return false;
    if (client_.names_under_way()) return true;
    if (shows_statements(facts) && client_.undecided(batch_)) return true;
    return std::ranges::any_of(facts.effects, [this](const Effect& effect) {
        return means_name(effect.kind) &&
               client_.find(effect.name, batch_).standing == Standing::undecided;
    });
}

bool NameAgreement::executes(const StatementFacts& facts) const {
    if (means_any(facts)) {
        const auto names = client_.names_by_sql();
        // In their order, which may not be that of the backend.
        if (shows_statements(facts)) return !names.empty();
        return std::ranges::any_of(names, [this](const auto& name) { return executes(name); });
    }
    return std::ranges::any_of(facts.effects, [this](const Effect& effect) {
        return effect.kind == EffectKind::execute && executes(effect.name);
    });
}

bool NameAgreement::executes(std::string_view name) const {
    const auto found = client_.find(name, batch_);
    return found.standing == Standing::held && found.by_sql() &&
           lease_.backend.names().version(name, batch_) != found.statement->id();
}

void NameAgreement::reach(const StatementFacts& facts) {
    for (const Effect& effect : facts.effects) {
        if (effect.kind == EffectKind::execute) reach(effect.name, Need::version);
    }
    for (const Effect& effect : facts.effects) {
        if (effect.kind == EffectKind::prepare || effect.kind == EffectKind::deallocate)
            reach(effect.name, Need::presence);
    }
    if (means_any(facts)) reach_all();
}

void NameAgreement::reach_all() {
    close_foreign();
    for (const std::string& name : client_.names_by_sql()) {
        if (client_.find(name, batch_).standing == Standing::held) reach(name, Need::version);
    }
}

/// The pool's own go, to be taught again when they are needed; portals bound to them stay.
void NameAgreement::show_all() {
    const BackendSession& backend = lease_.backend;
    if (backend.status() == TransactionStatus::failed && !backend.owes_ready()) return;
    close_foreign();
    std::uint64_t last = 0;
    bool in_order = true;
    for (const std::string& name : client_.names()) {
        const auto found = client_.find(name, batch_);
        if (found.standing != Standing::held) continue;
        const std::uint64_t made = lease_.backend.names().made(name);
        const auto is = lease_.backend.names().version(name, batch_);
        in_order = in_order && is == version_of(name, found) && made > last;
        last = made;
        if (!in_order && is != nothing) close(name);
        reach(name, Need::version);
    }
    for (const StatementId id : lease_.backend.statements().all()) {
        if (id != passing) close_ours(id);
    }
    close_ours(passing);
}

void NameAgreement::close_foreign() {
    for (const std::string& name : lease_.backend.names().all()) {
        const auto found = client_.find(name, batch_);
        if (found.standing == Standing::absent) {
            reach(name, Need::presence);
        } else if (found.standing == Standing::held) {
            const auto is = lease_.backend.names().version(name, batch_);
            if (is != version_of(name, found) && is != nothing) close(name);
        }
    }
}

void NameAgreement::reach(std::string_view name, Need need) {
    const auto found = client_.find(name, batch_);
    auto is = lease_.backend.names().version(name, batch_);
    if (const auto ours = StatementName::id_of(name)) {
        // It would take the place of a statement of the pool's, or find one there.
        lease_.backend.statements().distrust(*ours);
        is.reset();
    } else if (!is && client_.lost_track()) {
        return;  // It may well be its own.
    }
    if (found.standing != Standing::held) {
        if (is != nothing) close(name);
        return;
    }
    if (need == Need::presence) {
        if (is && *is) return;
        if (!is) close(name);
        put_placeholder(name);
        return;
    }
    const StatementId version = version_of(name, found);
    if (is == version) {
        lease_.backend.names().touch(name);
        return;
    }
    if (is != nothing) close(name);
    // A failed transaction lets nothing be made, and nothing be executed either.
    const BackendSession& backend = lease_.backend;
    if (backend.status() == TransactionStatus::failed && !backend.owes_ready()) return;
    make(name, found, version);
}

void NameAgreement::make(std::string_view name, const ClientStatements::Found& found,
                         StatementId version) {
    make_room();
    may_fail_ = true;
    ++lease_.desk.counters.parses_sent;
    if (found.by_sql()) {
        make_by_sql(name, found, version);
        return;
    }
    append_parse(lease_.desk.written, name, found.statement->body());
    OwedReply parse{Owed::parse, errors_to_};
    parse.twist = Twist::own_name;
    lease_.backend.names().begin(name, version, batch_);
    lease_.backend.sent(parse);
}

/// By a statement and a portal of our own, so that the client's unnamed ones stay.
void NameAgreement::make_by_sql(std::string_view name, const ClientStatements::Found& found,
                                StatementId version) {
    std::string& out = lease_.desk.written;
    const StatementName ours(passing);
    const auto sent = [this, &found](Owed what, Twist twist) {
        OwedReply owed{what, errors_to_};
        owed.twist = twist;
        owed.slot = found.slot;
        lease_.backend.sent(owed);
    };
    append_close(out, ours.text());
    sent(Owed::close, Twist::none);
    append_parse(out, ours.text(), found.statement->body());
    sent(Owed::parse, Twist::name_taken);
    append_bind(out, ours.text(), ours.text());
    sent(Owed::bind, Twist::none);
    append_execute(out, ours.text());
    lease_.backend.names().begin(name, version, batch_);
    sent(Owed::execute, Twist::own_name);
    append_close_portal(out, ours.text());
    sent(Owed::close, Twist::none);
}

void NameAgreement::put_placeholder(std::string_view name) {
    make_room();
    may_fail_ = true;  // Where a function has put something there.
    append_parse(lease_.desk.written, name, empty_parse_body);
    OwedReply parse{Owed::parse, errors_to_};
    parse.twist = Twist::own_name;
    lease_.backend.names().begin(name, BackendNames::placeholder, batch_);
    lease_.backend.sent(parse);
}

void NameAgreement::close(std::string_view name) {
    append_close(lease_.desk.written, name);
    OwedReply close{Owed::close, errors_to_};
    close.twist = Twist::own_name;
    lease_.backend.names().begin(name, {}, batch_);
    lease_.backend.sent(close);
}

void NameAgreement::close_ours(StatementId id) {
    append_close(lease_.desk.written, StatementName(id).text());
    OwedReply close{Owed::close, Audience::client_if_error};
    close.statement = id;
    lease_.backend.sent(close);
}

StatementId NameAgreement::version_of(std::string_view name,
                                      const ClientStatements::Found& found) const {
    return found.by_sql() ? found.statement->id()
                          : lease_.desk.catalog.own_version(*found.statement, name);
}

void NameAgreement::make_room() {
    const std::size_t limit = lease_.desk.policy.max_prepared_statements;
    while (const auto spent = lease_.backend.names().surplus(limit == 0 ? names_max : limit)) {
        close(*spent);
        ++lease_.desk.counters.evictions;
    }
}

void NameAgreement::refuse_beyond_limits() {
    const StatementName ours(passing);
    const auto parse = [this, &ours](Twist twist) {
        append_parse(lease_.desk.written, ours.text(), empty_parse_body);
        OwedReply owed{Owed::parse, Audience::client_if_error};
        owed.twist = twist;
        lease_.backend.sent(owed);
    };
    append_close(lease_.desk.written, ours.text());
    lease_.backend.sent({Owed::close, Audience::client_if_error});
    parse(Twist::name_taken);
    parse(Twist::beyond_limits);
    may_fail_ = true;
}

std::vector<NameEffect> name_effects(std::string_view text, const StatementFacts& facts,
                                     StatementCatalog& catalog, std::uint32_t planning) {
    std::vector<NameEffect> effects;
    for (const auto& statement : facts.statements) {
        for (std::uint32_t at = statement.effects_begin; at < statement.effects_end; ++at) {
            const Effect& effect = facts.effects[at];
            if (effect.kind == EffectKind::prepare) {
                std::string body(text.substr(statement.begin,
                                             statement.bytes == 0 ? text.npos : statement.bytes));
                body.append(empty_parse_body);
                effects.push_back({TagMeaning::prepared, effect.name,
                                   &catalog.take(body, planning, Maker::prepare)});
            } else if (effect.kind == EffectKind::deallocate) {
                effects.push_back({TagMeaning::deallocated, effect.name});
            } else if (effect.kind == EffectKind::deallocate_all ||
                       effect.kind == EffectKind::discard_all) {
                effects.push_back({TagMeaning::statements_discarded, {}});
            }
        }
    }
    return effects;
}

}  // namespace sluice::pg
