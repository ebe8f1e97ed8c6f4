// A client that was told what a statement returns decodes its rows by that, perhaps for hours, and
// is told of no other result unless it asks. PostgreSQL refuses a plan with another result (0A000)
// for this reason; a backend that parsed the text later, or under other settings, would not.

#include "protocol/pg/statement_passage.hpp"

namespace sluice::pg {

using Presence = BackendStatements::Presence;

namespace {

/// Begins as ours do, so that no client's can be there, and is no number.
constexpr std::string_view no_statement = "sluice_none";

}  // namespace

/// Whether the portal that this Bind makes is described next, as far as is in hand.
bool StatementPassage::describes_behind() const {
    if (behind_.size() < frame_header_bytes) return false;
    const FrameHeader next = read_frame_header(behind_);
    const bool describes = next.valid && next.type == static_cast<char>(ClientMessage::Describe);
    if (!describes || behind_.size() < frame_header_bytes + next.body_bytes) return false;
    wire::Cursor body(behind_.subspan(frame_header_bytes, next.body_bytes));
    return body.u8() == 'P' && body.c_string() == portal() && body.finished();
}

std::string_view StatementPassage::portal() const {
    return wire::Cursor(frame_.subspan(frame_header_bytes)).c_string();
}

/// The reply to Describe, or the one to a Describe of the portal that Bind makes, is looked at
/// where something is to be learned from it.
void StatementPassage::note_result(const ClientStatements::Found& found, OwedReply& reply) {
    const ResultShape shape = lease_.backend.statements().shape(reply.statement);
    const bool tells = !shape.known() || shape != found.told;
    if (reply.owed == Owed::describe) {
        if (tells) reply.twist = Twist::tells;
        return;
    }
    ClientStatements::Described& bound = client_.last_bound();
    if (!tells) return;
    bound.statement = reply.statement;
    bound.slot = reply.slot;
    bound.portal = portal();
}

/// Whether the statement that the client would be given returns what it was told.
bool StatementPassage::unnamed_as_told(const ClientStatements::Found& found) const {
    const BackendStatements& statements = lease_.backend.statements();
    const StatementId id = found.statement->id();
    if (client_.unnamed_prepared() || !statements.unnamed_is(id, batch_)) return false;
    const ResultShape shape = statements.unnamed_shape();
    return shape == found.told || shape == unseen_rows;
}

/// Bind or Describe of the statement that the backend has, or is about to have, without a name.
StatementPassage::Plan StatementPassage::use_backends_unnamed(const ClientStatements::Found& found,
                                                              Owed owed) {
    Plan plan = as_it_is(owed);
    if (owed == Owed::describe) {
        plan.owed.twist = Twist::tells_unnamed;
        plan.owed.slot = found.slot;
        plan.owed.statement = found.statement->id();
    }
    return plan;
}

/// The statement is bound if it returns what the client was told. A backend that does not have it,
/// or of which that is not known, is taught and asked first: once for each statement on each.
StatementPassage::Plan StatementPassage::bind_as_told(const ClientStatements::Found& found) {
    const Statement& statement = *found.statement;
    const StatementId id = statement.id();
    BackendStatements& statements = lease_.backend.statements();
    const Presence presence = statements.presence(id, batch_);
    const bool there =
        presence == Presence::present && statements.generation(id) >= found.generation;
    const ResultShape shape = statements.shape(id);
    if (there && (shape == found.told || shape == unseen_rows)) {
        statements.touch(id);
        OwedReply reply{Owed::bind};
        reply.slot = found.slot;
        reply.statement = id;
        return renamed(StatementName(id).text(), reply);
    }
    if (there && shape.known()) return bind_outdated(found.slot);
    if (there && statements.shape_asked(id)) return {Plan::Kind::waits, {}, 0};
    if (fails_for_certain(statement)) return bind_to_fail(statement, found.slot);
    if (!there) {
        if (presence == Presence::absent) {
            make_room();
        } else {
            send_close(id);
        }
        send_parse(statement, found.slot);
    }
    append_describe(lease_.desk.written, StatementName(id).text());
    OwedReply asked{Owed::describe, Audience::client_if_error};
    asked.twist = Twist::tells;
    asked.slot = found.slot;
    asked.statement = id;
    lease_.backend.sent(asked);
    statements.ask_shape(id);
    return {Plan::Kind::asks, {}, 0};
}

/// Who was told of another result is refused, in PostgreSQL's own way and by PostgreSQL: so the
/// transaction fails, and what is sent behind is read over.
StatementPassage::Plan StatementPassage::bind_outdated(std::uint32_t slot) {
    OwedReply owed{Owed::bind};
    owed.twist = Twist::outdated;
    owed.slot = slot;
    return renamed(no_statement, owed);
}

}  // namespace sluice::pg
