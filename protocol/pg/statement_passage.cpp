#include "protocol/pg/statement_passage.hpp"

#include "protocol/pg/frame.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

using Kind = StatementPassage::Plan::Kind;
using Presence = BackendStatements::Presence;
using Standing = ClientStatements::Standing;

/// Longer unnamed statements pass in pieces and are not remembered: bulk that does not come again.
constexpr std::size_t unnamed_bytes_max = 64U * 1024U;

/// Of a name that no statement has.
constexpr StatementId nobodys{};

}  // namespace

StatementPassage::StatementPassage(const StatementLease& lease, ClientStatements& client,
                                   wire::Bytes frame, std::uint32_t planning)
    : lease_(lease),
      client_(client),
      frame_(frame),
      frame_bytes_(frame_header_bytes + std::size_t{read_frame_header(frame).body_bytes}),
      search_(find_name(frame, named_)),
      batch_(lease.backend.batch()),
      planning_(planning) {
    behind_ = frame_.subspan(std::min(frame_.size(), frame_bytes_));
    frame_ = frame_.first(std::min(frame_.size(), frame_bytes_));
    lease_.desk.written.clear();
    lease_.backend.serve_statements_of(&client_);
    lease_.backend.statements().set_generation(lease_.desk.generation);
}

StatementPassage::Plan StatementPassage::parse() {
    if (search_ == NameSearch::more_bytes) return {Kind::more_bytes, {}, 0};
    if (search_ == NameSearch::too_long) return {Kind::name_too_long, {}, 0};
    // The backend reads over it, or says what is wrong with it.
    if (search_ == NameSearch::absent || lease_.backend.skipping()) return as_it_is(Owed::parse);
    if (named_.name.empty()) return parse_unnamed();

    const auto found = client_.find(named_.name, batch_);
    if (found.standing == Standing::undecided) return {Kind::waits, {}, 0};
    if (found.standing == Standing::held) return parse_to_fail(Twist::name_taken, found.slot);
    const StatementPolicy& policy = lease_.desk.policy;
    const auto beyond = [](std::uint64_t is, std::uint64_t max) { return max != 0 && is > max; };
    if (beyond(client_.count() + 1, policy.max_client_statements) ||
        beyond(client_.bytes() + frame_bytes_ + sizeof(Statement),
               policy.max_client_statement_bytes)) {
        return parse_to_fail(Twist::beyond_limits, 0);
    }
    if (frame_.size() < frame_bytes_) return {Kind::more_bytes, {}, 0};
    if (!is_parse_body(parse_body())) return as_it_is(Owed::parse);

    if (const auto reason = rejection()) return parse_to_fail(Twist::rejected, *reason);
    Statement& statement = take(parse_body());
    if (!names_agree(statement)) {
        lease_.desk.catalog.release(statement);
        return {Kind::waits, {}, 0};
    }
    ++lease_.desk.counters.parses;
    OwedReply owed{Owed::parse};
    owed.changes_client = true;
    owed.slot = client_.begin_parse(named_.name, statement, batch_, lease_.desk.generation);
    parsed_ = &statement;
    return parse_as(statement, owed);
}

/// What EXECUTE in it means is another thing for each client, and known to the server when it is
/// parsed; what 'now' means, another thing each time. Such a text is not shared.
Statement& StatementPassage::take(wire::Bytes body) {
    StatementCatalog& catalog = lease_.desk.catalog;
    Statement& statement = catalog.take(wire::as_text(body), planning_);
    const bool shared = !statement.concerns_names() && !statement.names_moment();
    if (shared || planning_ == lease_.own_planning) return statement;
    Statement& own = catalog.take(wire::as_text(body), lease_.own_planning);
    catalog.release(statement);
    return own;
}

/// False: an answer must come first.
bool StatementPassage::names_agree(const Statement& statement) {
    if (!statement.concerns_names()) return true;
    const StatementFacts& facts = lease_.desk.reader.read(statement.text());
    NameAgreement agreement(lease_, client_);
    if (agreement.must_wait(facts)) return false;
    agreement.reach(facts);
    return true;
}

/// The backend's means what its text means now, as far as is known.
bool StatementPassage::is_current(StatementId id) const noexcept {
    return lease_.backend.statements().generation(id) == lease_.desk.generation &&
           !lease_.backend.redefines();
}

/// The statement under its name of ours, whether the backend has it or not.
StatementPassage::Plan StatementPassage::parse_as(Statement& statement, OwedReply owed) {
    BackendStatements& statements = lease_.backend.statements();
    const Presence presence = statements.presence(statement.id(), batch_);
    // What definitions, or the client's own settings, make of the text may be another than it was.
    const bool shared =
        (planning_ != lease_.own_planning || named_.name.empty()) && !statement.names_moment();
    const bool fits = shared && is_current(statement.id());
    if (presence == Presence::present && fits && lease_.backend.predictable()) {
        statements.touch(statement.id());
        return answered_here(owed);
    }
    if (presence == Presence::absent) {
        make_room();
    } else {
        send_close(statement.id());
    }
    owed.statement = statement.id();
    ++lease_.desk.counters.parses_sent;
    return renamed(StatementName(statement.id()).text(), owed);
}

StatementPassage::Plan StatementPassage::parse_unnamed() {
    // DEALLOCATE ALL takes away what an unnamed statement may be bound to.
    if (client_.names_under_way()) return {Kind::waits, {}, 0};
    BackendSession& backend = lease_.backend;
    OwedReply owed{Owed::parse};
    owed.twist = Twist::unnamed;
    ++lease_.desk.counters.parses;
    if (frame_bytes_ > unnamed_bytes_max) {
        owed.twist = Twist::none;
        client_.set_unkept(ClientStatements::Unkept::unbound);
        owed.changes_client = client_.has_unnamed();
        if (owed.changes_client) client_.begin_close(ClientStatements::unnamed_slot, batch_);
        ++lease_.desk.counters.parses_sent;
        return {Kind::passes, owed, 0};
    }
    if (frame_.size() < frame_bytes_) {
        --lease_.desk.counters.parses;
        return {Kind::more_bytes, {}, 0};
    }
    if (!is_parse_body(parse_body())) {
        client_.set_unkept(ClientStatements::Unkept::none);
        return as_it_is(Owed::parse);
    }
    Statement& statement = take(parse_body());
    if (!names_agree(statement)) {
        --lease_.desk.counters.parses;
        lease_.desk.catalog.release(statement);
        return {Kind::waits, {}, 0};
    }
    client_.set_unkept(ClientStatements::Unkept::none);
    owed.slot = client_.begin_parse({}, statement, batch_, lease_.desk.generation);
    owed.changes_client = true;
    if (const auto reason = rejection()) {
        --lease_.desk.counters.parses;
        Plan plan = parse_to_fail(Twist::rejected, *reason);
        plan.owed.changes_client = true;
        return plan;
    }
    parsed_ = &statement;
    const AutoPrepare policy = lease_.desk.policy.auto_prepare;
    const bool prepares =
        statement.sightings() > 1 && !statement.concerns_names() && !statement.names_moment() &&
        backend.predictable() &&
        (policy == AutoPrepare::always || (policy == AutoPrepare::on && backend.outside_block()));
    client_.set_unnamed_prepared(prepares);
    if (!prepares) {
        owed.statement = statement.id();
        ++lease_.desk.counters.parses_sent;
        return {Kind::passes, owed, 0};
    }
    owed.twist = Twist::none;
    return parse_as(statement, owed);
}

StatementPassage::Plan StatementPassage::use(Owed owed) {
    if (search_ == NameSearch::more_bytes) return {Kind::more_bytes, {}, 0};
    if (search_ == NameSearch::too_long) return {Kind::name_too_long, {}, 0};
    if (owed == Owed::bind) {
        ++lease_.desk.counters.binds;
        // The portal that was bound last, of whichever statement, is described next.
        client_.last_bound().statement = {};
    }
    if (search_ == NameSearch::absent || lease_.backend.skipping()) return as_it_is(owed);
    if (named_.name.empty()) return use_unnamed(owed);

    const auto found = client_.find(named_.name, batch_);
    if (found.standing == Standing::undecided) return {Kind::waits, {}, 0};
    if (found.standing == Standing::absent) {
        // PostgreSQL itself says that there is none; unless it is one of ours.
        if (!named_.name.starts_with(statement_name_prefix)) {
            NameAgreement(lease_, client_).reach(named_.name, NameAgreement::Need::presence);
            return as_it_is(owed);
        }
        std::string other(named_.name);
        other[0] = 'S';
        return renamed(other, OwedReply{owed});
    }
    watched_ = found.statement;
    if (found.by_sql()) return use_by_sql(found, owed);
    if (!names_agree(*found.statement)) return {Kind::waits, {}, 0};
    used_ = found.statement;
    if (owed == Owed::bind && found.told.known() && !describes_behind()) {
        return bind_as_told(found);
    }
    const StatementId id = found.statement->id();
    BackendStatements& statements = lease_.backend.statements();
    const Presence presence = statements.presence(id, batch_);
    // One from before the client's own Parse may be of another table. Outside of a block it is
    // parsed anew rather than refused, should its result be another now.
    const SchemaGeneration generation = statements.generation(id);
    const bool fits =
        generation >= found.generation &&
        (generation.same_results(lease_.desk.generation) || !lease_.backend.outside_block());
    if (presence == Presence::present && fits) {
        statements.touch(id);
        if (owed == Owed::bind) rely_on(*found.statement);
    } else if (owed == Owed::bind && fails_for_certain(*found.statement)) {
        return bind_to_fail(*found.statement, found.slot);
    } else {
        if (presence == Presence::absent) {
            make_room();
        } else {
            send_close(id);
        }
        send_parse(*found.statement, found.slot);
    }
    OwedReply reply{owed};
    reply.slot = found.slot;
    reply.statement = id;
    note_result(found, reply);
    return renamed(StatementName(id).text(), reply);
}

/// PREPARE made it, under the client's own name.
StatementPassage::Plan StatementPassage::use_by_sql(const ClientStatements::Found& found,
                                                    Owed owed) {
    const auto there = lease_.backend.names().version(named_.name, batch_);
    if (owed == Owed::bind && there != found.statement->id() &&
        fails_for_certain(*found.statement)) {
        return bind_to_fail(*found.statement, found.slot);
    }
    NameAgreement(lease_, client_).reach(named_.name, NameAgreement::Need::version);
    Plan plan = as_it_is(owed);
    plan.owed.slot = found.slot;
    return plan;
}

StatementPassage::Plan StatementPassage::use_unnamed(Owed owed) {
    if (client_.names_under_way()) return {Kind::waits, {}, 0};
    StatementDesk& desk = lease_.desk;
    BackendStatements& statements = lease_.backend.statements();
    if (client_.unkept() != ClientStatements::Unkept::none) {
        if (owed == Owed::bind) client_.set_unkept(ClientStatements::Unkept::bound);
        return as_it_is(owed);
    }
    const auto found = client_.find({}, batch_);
    if (found.standing == Standing::undecided) return {Kind::waits, {}, 0};
    if (found.standing == Standing::absent) {
        // What is left there may be another client's.
        if (!statements.unnamed_is({}, batch_)) {
            append_close(desk.written, {});
            OwedReply close{Owed::close, Audience::client_if_error};
            close.twist = Twist::unnamed;
            lease_.backend.sent(close);
        }
        return as_it_is(owed);
    }
    if (!names_agree(*found.statement)) return {Kind::waits, {}, 0};
    watched_ = found.statement;
    used_ = found.statement;
    const StatementId id = found.statement->id();
    // Names and moments may mean something else on each backend, told or not.
    const bool plain = !found.statement->concerns_names() && !found.statement->names_moment();
    if (owed == Owed::bind && plain && found.told.known() && !describes_behind() &&
        !unnamed_as_told(found)) {
        return bind_as_told(found);
    }
    if (!client_.unnamed_prepared() && statements.unnamed_is(id, batch_)) {
        return use_backends_unnamed(found, owed);
    }
    if (desk.policy.auto_prepare != AutoPrepare::off && !found.statement->names_moment() &&
        statements.presence(id, batch_) == Presence::present && is_current(id)) {
        statements.touch(id);
        if (owed == Owed::bind) rely_on(*found.statement);
        OwedReply reply{owed};
        reply.statement = id;
        if (owed == Owed::describe) note_result(found, reply);
        return renamed(StatementName(id).text(), reply);
    }
    if (statements.unnamed_is(id, batch_)) return use_backends_unnamed(found, owed);
    if (owed == Owed::bind && fails_for_certain(*found.statement)) {
        return bind_to_fail(*found.statement, ClientStatements::unnamed_slot);
    }
    append_parse(desk.written, {}, found.statement->body());
    OwedReply parse{Owed::parse, Audience::client_if_error};
    parse.twist = Twist::unnamed;
    parse.statement = id;
    lease_.backend.sent(parse);
    ++desk.counters.parses_sent;
    return use_backends_unnamed(found, owed);
}

/// What is written from here on is that Bind.
void StatementPassage::rely_on(const Statement& statement) {
    if (lease_.desk.written.empty()) lease_.backend.rely_on(statement);
}

StatementPassage::Plan StatementPassage::close() {
    if (search_ == NameSearch::more_bytes) return {Kind::more_bytes, {}, 0};
    if (search_ == NameSearch::too_long) return {Kind::name_too_long, {}, 0};
    const bool sound = search_ == NameSearch::found && named_.name_end == frame_bytes_;
    if (!sound || lease_.backend.skipping()) {
        return as_it_is(Owed::close);
    }
    const auto found = client_.find(named_.name, batch_);
    if (found.standing == Standing::undecided) return {Kind::waits, {}, 0};
    OwedReply owed{Owed::close};
    owed.changes_client = found.standing == Standing::held;
    owed.slot = found.slot;
    if (owed.changes_client) client_.begin_close(found.slot, batch_);
    if (named_.name.empty()) {
        client_.set_unkept(ClientStatements::Unkept::none);
        owed.twist = Twist::unnamed;
        return {Kind::passes, owed, 0};
    }
    const bool like_ours = named_.name.starts_with(statement_name_prefix);
    if (found.by_sql() || (!owed.changes_client && !like_ours)) {
        // Whosever statement is there under the client's own name, it goes. None is no error.
        const auto there = lease_.backend.names().version(named_.name, batch_);
        if (!owed.changes_client && there == StatementId{}) return as_it_is(Owed::close);
        owed.twist = Twist::own_name;
        lease_.backend.names().begin(named_.name, {}, batch_);
        return {Kind::passes, owed, 0};
    }
    // Others may use it, so on the backend it stays.
    if (owed.changes_client && lease_.backend.predictable()) return answered_here(owed);
    return renamed(StatementName(nobodys).text(), owed);
}

StatementPassage::Plan StatementPassage::renamed(std::string_view name, OwedReply owed) {
    append_renamed_front(lease_.desk.written, frame_, named_, name);
    return {Kind::passes, owed, named_.name_end};
}

StatementPassage::Plan StatementPassage::answered_here(OwedReply owed) const {
    owed.audience = Audience::client_from_us;
    return {Kind::passes, owed, frame_bytes_};
}

StatementPassage::Plan StatementPassage::as_it_is(Owed owed) const {
    return {Kind::passes, OwedReply{owed}, 0};
}

wire::Bytes StatementPassage::parse_body() const {
    return frame_.subspan(named_.name_end);
}

void StatementPassage::send_parse(const Statement& statement, std::uint32_t slot) {
    append_parse(lease_.desk.written, StatementName(statement.id()).text(), statement.body());
    OwedReply owed{Owed::parse, Audience::client_if_error};
    owed.slot = slot;
    owed.statement = statement.id();
    lease_.backend.sent(owed);
    ++lease_.desk.counters.parses_sent;
}

void StatementPassage::send_close(StatementId id) {
    append_close(lease_.desk.written, StatementName(id).text());
    OwedReply owed{Owed::close, Audience::client_if_error};
    owed.statement = id;
    lease_.backend.sent(owed);
}

void StatementPassage::make_room() {
    const std::uint32_t count_max = lease_.desk.policy.max_prepared_statements;
    while (const auto surplus = lease_.backend.statements().surplus(count_max)) {
        send_close(*surplus);
        ++lease_.desk.counters.evictions;
    }
}

}  // namespace sluice::pg
