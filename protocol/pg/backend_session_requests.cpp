// What a backend has been sent, what comes of it for statements, and how its session is ended.

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/command_tag.hpp"
#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace sluice::pg {

void BackendSession::sent(const OwedReply& entry) {
    // With another request behind it, an open COPY has failed already, or will for that request.
    const bool into_copy = stage_ == Stage::copy_in && queue_.size() == 1;
    switch (entry.owed) {
        case Owed::nothing: return;
        case Owed::sync:
            if (into_copy) {
                // "Flush and Sync messages ... are ignored" while the backend reads CopyData.
                copy_swallowed_sync_ = true;
                return;
            }
            if (stage_ != Stage::copy_in) stage_ = Stage::in_step;
            if (entry.audience == Audience::client) ++ready_owed_;
            ++batch_;
            executed_ = false;
            queue_.push(entry);
            encore_.batch_ended();
            return;
        case Owed::bad_flush:
            if (into_copy) return;
            break;
        case Owed::copy_end:
            if (into_copy) {
                // An extended COPY still waits for its Sync; a simple one ends by itself.
                stage_ = stage_behind_copy();
            } else if (!queue_.empty()) {
                // It may end a COPY that has been asked for and not begun; else it is ignored.
                queue_.push(entry);
            }
            return;
        case Owed::query:
        case Owed::function_call:
        case Owed::parse:
        case Owed::bind:
        case Owed::describe:
        case Owed::execute:
        case Owed::close: break;
    }
    if (stage_ == Stage::skipping) {
        // Discarded there, never answered; unless the backend has found the Sync in question.
        if (doubt_ == Doubt::stray_ready) doubt_ = Doubt::lost;
        note_sent(entry);
        settle(entry, Outcome::read_over);
        return;
    }
    note_sent(entry);
    if (ends_with_ready(entry.owed)) {
        if (stage_ == Stage::unsynced) stage_ = Stage::in_step;
    } else if (stage_ == Stage::in_step) {
        stage_ = Stage::unsynced;
    }
    queue_.push(entry);
}

/// What a request changes if it succeeds.
void BackendSession::note_sent(const OwedReply& entry) {
    switch (entry.owed) {
        case Owed::query:
            // It drops the unnamed statement, unless an error before it makes it be read over.
            if (stage_ == Stage::in_step) {
                statements_.unnamed_gone();
            } else {
                statements_.distrust_unnamed();
            }
            if (entry.audience == Audience::client) ++ready_owed_;
            return;
        case Owed::function_call:
            if (entry.audience == Audience::client) ++ready_owed_;
            return;
        case Owed::parse:
            if (entry.audience == Audience::client_from_us) return;
            if (entry.twist == Twist::unnamed) {
                statements_.unnamed_sent(entry.statement, batch_);
            } else if (entry.statement) {
                statements_.parse_sent(entry.statement, batch_);
            } else if (entry.twist == Twist::none || entry.twist == Twist::begins) {
                statements_.distrust_unnamed();  // Under a name of the client's own, or none.
            }
            return;
        case Owed::close:
            if (entry.audience == Audience::client_from_us) return;
            if (entry.twist == Twist::unnamed) {
                statements_.unnamed_sent({}, batch_);
            } else if (entry.statement) {
                statements_.close_sent(entry.statement, batch_);
            }
            return;
        case Owed::execute:
            executed_ = true;
            owes_begin_ = owes_begin_ || entry.twist == Twist::begins;
            return;
        case Owed::nothing:
        case Owed::bind:
        case Owed::describe:
        case Owed::bad_flush:
        case Owed::sync:
        case Owed::copy_end: return;
    }
}

/// The reply to a request has come, or the backend has read over it.
void BackendSession::settle(const OwedReply& entry, Outcome outcome) {
    const bool happened = outcome == Outcome::happened;
    if (entry.twist == Twist::begins && entry.owed == Owed::execute) owes_begin_ = false;
    if (entry.changes_client && client_statements_ != nullptr) {
        if (outcome != Outcome::read_over && client_statements_->names_under_way()) {
            // A statement may have been carried out although the end of its transaction failed.
            for (const std::string& name : client_statements_->names_in_doubt())
                names_.distrust(name);
        }
        const bool committed = status_ == TransactionStatus::idle && !redefines();
        client_statements_->settle(
            outcome, committed ? ClientStatements::Basis::committed : ClientStatements::Basis::own);
    }
    if (entry.twist == Twist::own_name) {
        names_.settle(outcome);
        return;
    }
    if (entry.twist == Twist::names && client_statements_ == nullptr) names_.distrust_all();
    if (ends_with_ready(entry.owed)) {
        if (entry.audience == Audience::client) --ready_owed_;
        return;
    }
    if (entry.twist == Twist::tells && entry.audience != Audience::client) {
        statements_.shape_settled(entry.statement);
    }
    const bool parse = entry.owed == Owed::parse;
    if (entry.audience == Audience::client_from_us || (!parse && entry.owed != Owed::close)) return;
    if (entry.twist == Twist::unnamed) {
        statements_.unnamed_settled(happened);
    } else if (entry.statement && parse) {
        statements_.parse_settled(entry.statement, happened);
    } else if (entry.statement) {
        statements_.close_settled(entry.statement, happened);
    }
}

void BackendSession::finish_front(Outcome outcome) {
    settle(queue_.front(), outcome);
    queue_.pop();
    front_answered_ = false;
}

void BackendSession::tag_seen(wire::Bytes body) {
    const TagMeaning tag = meaning_of(wire::Cursor(body).c_string());
    switch (tag) {
        case TagMeaning::schema_changed:
            schema_change_ = std::max(schema_change_, SchemaChange::meanings);
            return;
        case TagMeaning::result_changed: schema_change_ = SchemaChange::results; return;
        case TagMeaning::statements_discarded:
            statements_.forget_all();
            names_.forget_all();
            if (client_statements_ != nullptr) client_statements_->forget_names();
            names_changed(tag);
            return;
        case TagMeaning::block_begun: since_ready_.block = true; return;
        case TagMeaning::cursor_declared: readable_.cursor = true; return;
        case TagMeaning::cursor_closed: readable_.cursor = false; return;
        case TagMeaning::prepared:
        case TagMeaning::deallocated: names_changed(tag); return;
        case TagMeaning::nothing: return;
    }
}

/// A text of the client's has changed a name; one of ours is followed by its own entry.
void BackendSession::names_changed(TagMeaning tag) {
    const OwedReply& entry = queue_.front();
    if (entry.twist == Twist::own_name) return;
    const bool followed = entry.changes_client && client_statements_ != nullptr;
    const NameEffect* const effect = followed ? client_statements_->effect_happened(tag) : nullptr;
    if (tag == TagMeaning::statements_discarded) return;
    if (effect == nullptr) {
        if (client_statements_ != nullptr) client_statements_->lose_track();
        names_.distrust_all();
    } else {
        names_.changed(effect->name,
                       effect->statement == nullptr ? StatementId{} : effect->statement->id());
    }
}

/// What the server says of a statement outweighs what stands here.
void BackendSession::error_described(wire::Bytes body) {
    if (failed_.twist != Twist::none && failed_.twist != Twist::tells) return;
    const std::string_view sqlstate = parse_error_fields(body).sqlstate;
    const bool parse = failed_.owed == Owed::parse;
    // "Cached plan must not change result type": parsed anew, it fits again.
    const bool outdated = !parse && sqlstate == outdated_plan_state;
    if (outdated) schema_change_ = SchemaChange::results;
    if (outdated || sqlstate == (parse ? "42P05" : "26000")) {
        statements_.distrust(failed_.statement);
    }
}

/// What comes in reply to a Describe says what rows there are, or will be.
void BackendSession::result_described(BackendMessage type, wire::Bytes whole_body) {
    if (type != BackendMessage::RowDescription && type != BackendMessage::NoData) return;
    const OwedReply& entry = queue_.front();
    const ResultShape shape = type == BackendMessage::NoData ? no_rows
                              : whole_body.empty()           ? unseen_rows
                                                             : shape_of(whole_body);
    if (entry.twist == Twist::tells) {
        statements_.shape_told(entry.statement, shape);
    } else {
        statements_.unnamed_told(entry.statement, shape);
    }
    if (entry.audience == Audience::client && client_statements_ != nullptr) {
        client_statements_->told(entry.slot, entry.statement, shape);
    }
}

/// Nothing of the batch has been answered but what the backend does not undo, it is all there, and
/// nothing has been sent behind it.
bool BackendSession::heals(wire::Bytes error_body) const {
    if (!encore_.whole() || queue_.empty() || client_statements_ == nullptr) return false;
    if (since_ready_.answered || in_block() || doubt_ != Doubt::none) return false;
    const OwedReply& bind = queue_.front();
    if (bind.owed != Owed::bind || bind.statement != encore_.statement().id()) return false;
    const ErrorFields error = parse_error_fields(error_body);
    if (error.sqlstate != outdated_plan_state || error.routine != outdated_plan_routine) {
        return false;
    }
    for (std::size_t index = 0; index < queue_.size(); ++index) {
        const OwedReply& entry = queue_.at(index);
        const bool last = index + 1 == queue_.size();
        const bool plain = entry.twist == Twist::none || entry.twist == Twist::tells;
        if ((entry.owed == Owed::sync) != last || !plain) return false;
        if (entry.audience == Audience::client_from_us) continue;
        const bool closes = entry.owed == Owed::close && entry.statement;
        if (entry.owed == Owed::parse || closes) return false;
        if (entry.audience != Audience::client || entry.changes_client) return false;
    }
    return true;
}

void BackendSession::send_again(std::string& out) {
    std::vector<OwedReply> batch;
    for (; !queue_.empty(); queue_.pop())
        batch.push_back(queue_.front());
    front_answered_ = false;
    // The Sync on its way ends what has failed.
    queue_.push({Owed::sync, Audience::nobody});
    const StatementId id = encore_.statement().id();
    const StatementName name(id);
    OwedReply teaching{Owed::close, Audience::client_if_error};
    teaching.statement = id;
    append_close(out, name.text());
    sent(teaching);
    teaching.owed = Owed::parse;
    teaching.slot = batch.front().slot;
    append_parse(out, name.text(), encore_.statement().body());
    sent(teaching);
    out.append(encore_.bytes());
    encore_.drop();  // Once is enough.
    // It is told of the new result in this batch, or was never told of any.
    client_statements_->told(batch.front().slot, id, {});
    for (const OwedReply& entry : batch)
        queue_.push(entry);
    stage_ = Stage::in_step;
    ++batch_;
}

void BackendSession::append_recovery(std::string& out) {
    wire::Writer writer(out);
    const auto sync = [&] {
        writer.begin_frame(static_cast<char>(ClientMessage::Sync)).end_frame();
        sent({Owed::sync, Audience::nobody});
    };
    while (answers_next())
        pop_front();  // Nobody is there to be answered.
    switch (stage_) {
        case Stage::copy_in:
            writer.begin_frame(static_cast<char>(ClientMessage::CopyFail));
            writer.c_string("client left during COPY").end_frame();
            sent({Owed::copy_end, Audience::nobody});
            if (stage_ == Stage::unsynced) sync();
            return;
        case Stage::unsynced:
            // What was asked for may turn out to be a COPY, in which only Flush does no harm.
            if (!queue_.empty()) {
                writer.begin_frame(static_cast<char>(ClientMessage::Flush)).end_frame();
                return;
            }
            // Sync alone would commit what the client executed and never asked to keep. Outside of
            // a transaction block ROLLBACK warns and rolls back the implicit one all the same.
            writer.begin_frame(static_cast<char>(ClientMessage::Parse))
                .c_string("")
                .c_string("ROLLBACK")
                .u16(0)
                .end_frame();
            sent({Owed::parse, Audience::nobody});
            writer.begin_frame(static_cast<char>(ClientMessage::Bind))
                .c_string("")
                .c_string("")
                .u16(0)
                .u16(0)
                .u16(0)
                .end_frame();
            sent({Owed::bind, Audience::nobody});
            writer.begin_frame(static_cast<char>(ClientMessage::Execute))
                .c_string("")
                .u32(0)
                .end_frame();
            sent({Owed::execute, Audience::nobody});
            sync();
            return;
        case Stage::skipping: sync(); return;
        case Stage::in_step: break;
    }
    if (!queue_.empty() || body_left_ > 0 || in_doubt()) return;
    if (doubt_ == Doubt::none && status_ == TransactionStatus::idle) return;
    // Outside a transaction it changes nothing, but its reply ends a doubt.
    writer.begin_frame(static_cast<char>(ClientMessage::Query)).c_string("ROLLBACK").end_frame();
    sent({Owed::query, Audience::nobody});
}

}  // namespace sluice::pg
