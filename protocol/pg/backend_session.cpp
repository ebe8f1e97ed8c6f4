#include "protocol/pg/backend_session.hpp"

#include "protocol/wire/writer.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// The largest frame that is read in one piece: a ParameterStatus, or the error of a private
/// request. PostgreSQL's own are some hundred bytes.
constexpr std::uint32_t whole_frame_bytes_max = 64U * 1024U;

/// Whether a reply to this ends with a ReadyForQuery.
bool ends_with_ready(Owed owed) noexcept {
    return owed == Owed::sync || owed == Owed::query || owed == Owed::function_call;
}

}  // namespace

void BackendSession::sent(OwedReply entry) {
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
            queue_.push(entry);
            return;
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
        return;
    }
    if (ends_with_ready(entry.owed)) {
        if (stage_ == Stage::unsynced) stage_ = Stage::in_step;
    } else if (stage_ == Stage::in_step) {
        stage_ = Stage::unsynced;
    }
    queue_.push(entry);
}

BackendRun BackendSession::next(wire::Bytes available) {
    BackendRun run;
    // What came before the fault still counts; the fault is found again behind it.
    const auto violation = [&run] {
        return run.bytes > 0 ? run : BackendRun{0, Audience::nobody, BackendEvent::violation};
    };
    while (true) {
        if (body_left_ > 0) {
            if (run.bytes > 0 && run.audience != body_audience_) return run;
            const std::size_t taken =
                std::min<std::size_t>(body_left_, available.size() - run.bytes);
            body_left_ -= static_cast<std::uint32_t>(taken);
            run.bytes += taken;
            run.audience = body_audience_;
        }
        const wire::Bytes rest = available.subspan(run.bytes);
        if (rest.size() < frame_header_bytes) return run;

        const FrameHeader header = read_frame_header(rest);
        if (!header.valid) return violation();
        const auto type = static_cast<BackendMessage>(header.type);
        if (type == BackendMessage::ReadyForQuery && header.body_bytes != 1) {
            return violation();
        }
        const Fate fate = fate_of(type);
        if (run.bytes > 0 && (fate.whole || fate.audience != run.audience)) {
            // ReadyForQuery may close a run of its own audience; every other whole frame is alone.
            if (type != BackendMessage::ReadyForQuery || fate.audience != run.audience) return run;
        }
        wire::Bytes body;
        if (fate.whole) {
            if (header.body_bytes > whole_frame_bytes_max) {
                return violation();
            }
            if (rest.size() - frame_header_bytes < header.body_bytes) return run;
            body = rest.subspan(frame_header_bytes, header.body_bytes);
        }
        const BackendEvent event = received(type, body);
        if (event == BackendEvent::violation) return violation();
        run.audience = fate.audience;
        run.bytes += frame_header_bytes;
        if (fate.whole) {
            run.bytes += header.body_bytes;
            run.event = event;
            return run;
        }
        body_left_ = header.body_bytes;
        body_audience_ = fate.audience;
    }
}

BackendSession::Fate BackendSession::fate_of(BackendMessage type) const noexcept {
    const Audience audience = queue_.empty() ? Audience::client : queue_.front().audience;
    switch (type) {
        case BackendMessage::ReadyForQuery:
            return {stray_ready_next() ? Audience::client : audience, true};
        case BackendMessage::ParameterStatus: return {audience, true};
        case BackendMessage::ErrorResponse: return {audience, audience == Audience::nobody};
        case BackendMessage::NotificationResponse: return {Audience::client, false};
        case BackendMessage::Authentication:
        case BackendMessage::BackendKeyData:
        case BackendMessage::BindComplete:
        case BackendMessage::CloseComplete:
        case BackendMessage::CommandComplete:
        case BackendMessage::CopyBothResponse:
        case BackendMessage::CopyData:
        case BackendMessage::CopyDone:
        case BackendMessage::CopyInResponse:
        case BackendMessage::CopyOutResponse:
        case BackendMessage::DataRow:
        case BackendMessage::EmptyQueryResponse:
        case BackendMessage::FunctionCallResponse:
        case BackendMessage::NegotiateProtocolVersion:
        case BackendMessage::NoData:
        case BackendMessage::NoticeResponse:
        case BackendMessage::ParameterDescription:
        case BackendMessage::ParseComplete:
        case BackendMessage::PortalSuspended:
        case BackendMessage::RowDescription: return {audience, false};
    }
    return {audience, false};
}

BackendEvent BackendSession::received(BackendMessage type, wire::Bytes whole_body) {
    switch (type) {
        case BackendMessage::ReadyForQuery: return ready_received(whole_body);
        case BackendMessage::ParameterStatus: return BackendEvent::parameter;
        case BackendMessage::NoticeResponse:
        case BackendMessage::NotificationResponse: return BackendEvent::none;
        case BackendMessage::ErrorResponse: {
            const bool private_request =
                !queue_.empty() && queue_.front().audience == Audience::nobody;
            error_received();
            return private_request ? BackendEvent::private_error : BackendEvent::none;
        }
        case BackendMessage::Authentication:
        case BackendMessage::BackendKeyData:
        case BackendMessage::CopyBothResponse:
        case BackendMessage::NegotiateProtocolVersion: return BackendEvent::violation;
        case BackendMessage::BindComplete:
        case BackendMessage::CloseComplete:
        case BackendMessage::CommandComplete:
        case BackendMessage::CopyData:
        case BackendMessage::CopyDone:
        case BackendMessage::CopyInResponse:
        case BackendMessage::CopyOutResponse:
        case BackendMessage::DataRow:
        case BackendMessage::EmptyQueryResponse:
        case BackendMessage::FunctionCallResponse:
        case BackendMessage::NoData:
        case BackendMessage::ParameterDescription:
        case BackendMessage::ParseComplete:
        case BackendMessage::PortalSuspended:
        case BackendMessage::RowDescription:
            return answered(type) || in_doubt() ? BackendEvent::none : BackendEvent::violation;
    }
    return BackendEvent::violation;
}

bool BackendSession::answered(BackendMessage type) {
    if (queue_.empty()) return false;
    const Owed owed = queue_.front().owed;
    if (owed == Owed::sync) return false;
    // While it reads CopyData, a backend says nothing but that it is done or has failed.
    if (stage_ == Stage::copy_in && type != BackendMessage::CommandComplete) return false;
    front_answered_ = true;
    if (doubt_ == Doubt::stray_ready) doubt_ = Doubt::none;
    switch (type) {
        case BackendMessage::ParseComplete: return completed(Owed::parse);
        case BackendMessage::BindComplete: return completed(Owed::bind);
        case BackendMessage::CloseComplete: return completed(Owed::close);
        case BackendMessage::PortalSuspended: return completed(Owed::execute);
        case BackendMessage::RowDescription:
            return owed == Owed::query || completed(Owed::describe);
        case BackendMessage::NoData: return completed(Owed::describe);
        case BackendMessage::ParameterDescription: return owed == Owed::describe;
        case BackendMessage::FunctionCallResponse: return owed == Owed::function_call;
        case BackendMessage::CopyInResponse: return copy_in_started();
        case BackendMessage::CommandComplete:
        case BackendMessage::EmptyQueryResponse: return command_completed();
        case BackendMessage::CopyData:
        case BackendMessage::CopyDone:
        case BackendMessage::CopyOutResponse:
        case BackendMessage::DataRow: return owed == Owed::query || owed == Owed::execute;
        case BackendMessage::Authentication:
        case BackendMessage::BackendKeyData:
        case BackendMessage::CopyBothResponse:
        case BackendMessage::ErrorResponse:
        case BackendMessage::NegotiateProtocolVersion:
        case BackendMessage::NoticeResponse:
        case BackendMessage::NotificationResponse:
        case BackendMessage::ParameterStatus:
        case BackendMessage::ReadyForQuery: return false;
    }
    return false;
}

bool BackendSession::completed(Owed owed) {
    if (queue_.front().owed != owed) return false;
    pop_front();
    return true;
}

bool BackendSession::stray_ready_next() const noexcept {
    if (doubt_ != Doubt::stray_ready) return false;
    return queue_.empty() || (queue_.front().owed != Owed::sync && !front_answered_);
}

BackendEvent BackendSession::ready_received(wire::Bytes body) {
    const auto status = static_cast<TransactionStatus>(body[0]);
    switch (status) {
        case TransactionStatus::idle:
        case TransactionStatus::in_transaction:
        case TransactionStatus::failed: break;
        default:
            return BackendEvent::violation;  // A byte from outside: not every value has a name.
    }
    error_outstanding_ = false;
    if (stray_ready_next()) {
        // The backend has read the Sync in question, so it discards nothing any more.
        if (queue_.empty() && stage_ == Stage::skipping) stage_ = Stage::in_step;
        status_ = status;
        return BackendEvent::ready;
    }
    const bool owed = !queue_.empty() && ends_with_ready(queue_.front().owed);
    if (!owed && !in_doubt()) return BackendEvent::violation;
    if (stage_ == Stage::copy_in) return BackendEvent::violation;
    status_ = status;
    if (owed) pop_front();
    return BackendEvent::ready;
}

void BackendSession::error_received() {
    error_outstanding_ = queue_.empty() || queue_.front().audience == Audience::client;
    if (queue_.empty()) {
        // Unasked for, an error is the backend's farewell; the end of its stream follows.
        doubt_ = Doubt::lost;
        return;
    }
    const Owed failed = queue_.front().owed;
    if (doubt_ == Doubt::stray_ready && failed != Owed::sync) doubt_ = Doubt::none;
    if (copy_swallowed_sync_ && doubt_ == Doubt::none) doubt_ = Doubt::stray_ready;
    copy_swallowed_sync_ = false;
    front_answered_ = true;
    if (!ends_with_ready(failed)) {
        skip_to_sync();
    } else if (stage_ == Stage::copy_in) {
        stage_ = stage_behind_copy();
    }
}

/// "The backend ... reads and discards messages until a Sync is reached": what was sent behind
/// the failed request is never answered, simple Query included.
void BackendSession::skip_to_sync() {
    queue_.pop();
    front_answered_ = false;
    while (!queue_.empty() && queue_.front().owed != Owed::sync) {
        const bool ignored_anyway = queue_.front().owed == Owed::copy_end;
        if (doubt_ == Doubt::stray_ready && !ignored_anyway) doubt_ = Doubt::lost;
        queue_.pop();
    }
    if (queue_.empty()) {
        stage_ = Stage::skipping;
    } else if (stage_ == Stage::copy_in) {
        stage_ = stage_behind_copy();
    }
}

bool BackendSession::copy_in_started() {
    const Owed owner = queue_.front().owed;
    if (owner != Owed::query && owner != Owed::execute) return false;
    // A Sync sent into the COPY is ignored, and what seemed to be one in step may not be.
    bool swallowed = false;
    bool other_request = false;
    const bool ended = queue_.drop_behind_front(
        [&](OwedReply entry) {
            const bool sync = entry.owed == Owed::sync && !other_request;
            swallowed = swallowed || sync;
            other_request = other_request || (entry.owed != Owed::sync);
            return sync;
        },
        [&](OwedReply entry) { return entry.owed == Owed::copy_end && !other_request; });
    copy_swallowed_sync_ = swallowed;
    stage_ = ended ? stage_behind_copy() : Stage::copy_in;
    return true;
}

/// Where the requests in the queue stand, of which the first is a COPY that has ended.
BackendSession::Stage BackendSession::stage_behind_copy() const noexcept {
    Stage stage = Stage::in_step;
    for (std::size_t index = 0; index < queue_.size(); ++index) {
        const Owed owed = queue_.at(index).owed;
        if (owed == Owed::copy_end) continue;
        stage = ends_with_ready(owed) ? Stage::in_step : Stage::unsynced;
    }
    return stage;
}

bool BackendSession::command_completed() {
    const Owed owed = queue_.front().owed;
    if (owed != Owed::query && owed != Owed::execute) return false;
    copy_swallowed_sync_ = false;
    if (stage_ == Stage::copy_in) {
        // A backend that completes a COPY nobody ended: the stream still belongs to it.
        stage_ = stage_behind_copy();
    }
    if (owed == Owed::execute) pop_front();
    return true;
}

void BackendSession::pop_front() {
    queue_.pop();
    front_answered_ = false;
    // The end of a COPY that never began: the backend reads over it.
    while (!queue_.empty() && queue_.front().owed == Owed::copy_end)
        queue_.pop();
}

void BackendSession::append_recovery(std::string& out) {
    wire::Writer writer(out);
    const auto sync = [&] {
        writer.begin_frame(static_cast<char>(ClientMessage::Sync)).end_frame();
        sent({Owed::sync, Audience::nobody});
    };
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
