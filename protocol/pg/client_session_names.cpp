// What a client's texts do to the names of its statements, where backends are shared.

#include "protocol/pg/client_session.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// An Execute that is larger has a name that no portal of interest has.
constexpr std::uint32_t execute_bytes_max = 4096;

constexpr std::string_view sync_frame{"S\0\0\0\4", 5};
constexpr std::string_view flush_frame{"H\0\0\0\4", 5};
constexpr Feature naming = Feature::prepare | Feature::prepared_name | Feature::reset;

}  // namespace

ClientSession::Step ClientSession::waiting_step() noexcept {
    Step step;
    step.kind = StepKind::wait;
    waiting_ = true;
    return step;
}

ClientSession::Step ClientSession::shared_query_step(FrameHeader header, wire::Bytes available,
                                                     Feature features,
                                                     const StatementLease& lease) {
    const bool whole = !scanner_;
    const bool names = has(features, naming);
    // What cannot be read may name anything.
    const bool any = !whole || has(features, Feature::code);
    if (!statements_ && (names || (any && !lease.backend.names().empty()))) {
        statements_ = std::make_unique<ClientStatements>(lease.desk.catalog);
    }
    if (!statements_) return forward_step(header, available, {Owed::query});
    NameAgreement agreement(lease, *statements_);
    std::vector<NameEffect> effects;
    bool all_may_go = !whole;
    lease.desk.written.clear();
    if (names && whole) {
        const std::string_view body =
            wire::as_text(available.subspan(frame_header_bytes, header.body_bytes));
        const std::string_view text = body.substr(0, body.find('\0'));
        const StatementFacts& facts = lease.desk.reader.read(text);
        all_may_go = facts.opaque();
        if (concerns_names(facts)) {
            if (lease.backend.owes_ready() || agreement.must_wait(facts)) return waiting_step();
            lease.backend.serve_statements_of(statements_.get());
            if (auto apart = prepare_apart(agreement, facts, lease)) return *std::move(apart);
            effects = agree(agreement, facts, text, lease);
        }
    } else if (any) {
        if (statements_->names_under_way()) return waiting_step();
        lease.backend.serve_statements_of(statements_.get());
        agreement.close_foreign();
    }
    statements_->set_unkept(ClientStatements::Unkept::none);
    lease.backend.serve_statements_of(statements_.get());
    OwedReply owed{Owed::query};
    const std::uint32_t batch = lease.backend.batch();
    if (!effects.empty()) {
        owed.changes_client = true;
        owed.twist = Twist::names;
        const bool extended = restarts(Restart::When::at_once);
        statements_->begin_names(std::move(effects), extended ? Owed::execute : Owed::query, batch);
    } else if (all_may_go || statements_->has_unnamed()) {
        // What the text leaves is known when it has been answered.
        owed.changes_client = true;
        using Changed = ClientStatements::Names;
        statements_->begin_query(all_may_go ? Changed::may_go : Changed::stay, batch);
    }
    Step step = forward_step(header, available, owed);
    step.inject = lease.desk.written;
    if (agreement.may_fail()) {
        // If that fails, the Query is read over up to a Sync, which nobody else would send.
        step.behind = sync_frame;
        step.behind_owed = {Owed::sync, Audience::nobody};
        step.behind_owed.twist = Twist::stands_in;
    }
    return step;
}

/// What has to be executed first goes in a batch of its own, for behind an Execute of the same
/// batch PostgreSQL 18 takes a Query for one of its pipeline and does not commit it. It is tried
/// once: if it fails it goes in front all the same, where its error is the answer.
std::optional<ClientSession::Step> ClientSession::prepare_apart(const NameAgreement& agreement,
                                                                const StatementFacts& facts,
                                                                const StatementLease& lease) {
    if (statements_->prepared_apart()) {
        if (lease.backend.busy()) return waiting_step();
        statements_->set_prepared_apart(false);
        return std::nullopt;
    }
    if (!lease.backend.outside_block() || !agreement.executes(facts)) return std::nullopt;
    NameAgreement apart(lease, *statements_, Audience::nobody);
    apart.reach(facts);
    if (shows_statements(facts)) apart.show_all();
    lease.desk.written.append(sync_frame);
    statements_->set_prepared_apart(true);
    Step step;
    step.kind = StepKind::forward;
    step.inject = lease.desk.written;
    step.injected_owed = {Owed::sync, Audience::nobody};
    return step;
}

/// Puts in front what the text relies on; returns what it will change.
std::vector<NameEffect> ClientSession::agree(NameAgreement& agreement, const StatementFacts& facts,
                                             std::string_view text, const StatementLease& lease) {
    const std::uint32_t batch = lease.backend.batch();
    std::vector<const Statement*> executed;
    for (const Effect& effect : facts.effects) {
        if (effect.kind != EffectKind::execute) continue;
        const auto found = statements_->find(effect.name, batch);
        if (found.statement == nullptr) continue;
        executed.push_back(found.statement);
        const bool nested = !found.by_sql() && found.statement->concerns_names();
        if (nested) statements_->lose_track();
    }
    std::vector<NameEffect> effects =
        name_effects(text, facts, lease.desk.catalog, planning_of(lease));
    if (beyond_limits(effects, lease)) {
        for (const NameEffect& effect : effects) {
            if (effect.statement != nullptr) lease.desk.catalog.release(*effect.statement);
        }
        agreement.refuse_beyond_limits();
        return {};
    }
    agreement.reach(facts);
    if (shows_statements(facts)) agreement.show_all();
    // What is executed counts as if it stood here. The facts are void behind this.
    for (const Statement* const statement : executed)
        watch_statement(*statement, SessionWatch::Sent::as_query, lease);
    return effects;
}

bool ClientSession::beyond_limits(const std::vector<NameEffect>& effects,
                                  const StatementLease& lease) const {
    std::size_t count = statements_->count();
    std::size_t bytes = statements_->bytes();
    bool more = false;
    for (const NameEffect& effect : effects) {
        const auto held = statements_->find(effect.name, lease.backend.batch());
        if (effect.by == TagMeaning::statements_discarded) {
            count = 0;
            bytes = 0;
        } else if (effect.statement == nullptr && held.statement != nullptr) {
            count -= std::min<std::size_t>(count, 1);
            bytes -= std::min(bytes, held.statement->bytes());
        } else if (effect.statement != nullptr && held.statement == nullptr) {
            more = true;
            ++count;
            bytes += effect.statement->bytes();
        }
    }
    const StatementPolicy& policy = lease.desk.policy;
    const auto beyond = [](std::uint64_t is, std::uint64_t max) { return max != 0 && is > max; };
    return more && (beyond(count, policy.max_client_statements) ||
                    beyond(bytes, policy.max_client_statement_bytes));
}

/// Which portal runs which text, where the text concerns names.
void ClientSession::note_portal(wire::Bytes bind, Statement* statement,
                                const StatementLease& lease) {
    const bool concerns = statement != nullptr && statement->concerns_names();
    if ((!concerns && !statements_->has_portals()) || lease.backend.skipping()) return;
    const std::string_view names = wire::as_text(bind.subspan(frame_header_bytes));
    statements_->bound(names.substr(0, names.find('\0')), statement);
}

ClientSession::Step ClientSession::names_execute_step(FrameHeader header, wire::Bytes available,
                                                      const StatementLease& lease) {
    const bool plain = !statements_ || !statements_->has_portals() || lease.backend.skipping() ||
                       header.body_bytes > execute_bytes_max;
    if (plain) return forward_step(header, available, {Owed::execute});
    if (available.size() < frame_header_bytes + std::size_t{header.body_bytes}) return {};
    const std::string_view body =
        wire::as_text(available.subspan(frame_header_bytes, header.body_bytes));
    const Statement* const statement = statements_->statement_of(body.substr(0, body.find('\0')));
    if (statement == nullptr) return forward_step(header, available, {Owed::execute});
    const StatementFacts& facts = lease.desk.reader.read(statement->text());
    NameAgreement agreement(lease, *statements_);
    if (agreement.must_wait(facts)) return waiting_step();
    lease.desk.written.clear();
    lease.backend.serve_statements_of(statements_.get());
    std::vector<NameEffect> effects = agree(agreement, facts, statement->text(), lease);
    OwedReply owed{Owed::execute};
    const bool changes = !effects.empty();
    if (changes) {
        owed.changes_client = true;
        owed.twist = Twist::names;
        statements_->begin_names(std::move(effects), Owed::execute, lease.backend.batch());
    }
    Step step = forward_step(header, available, owed);
    step.inject = lease.desk.written;
    // What follows waits for the answer, so the backend is asked for it.
    if (changes) step.behind = flush_frame;
    return step;
}

}  // namespace sluice::pg
