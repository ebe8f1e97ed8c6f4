#include "protocol/pg/backend_session.hpp"

#include "protocol/pg/command_tag.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// The largest frame that is read in one piece: a ParameterStatus, or the error of a private
/// request. PostgreSQL's own are some hundred bytes.
constexpr std::uint32_t whole_frame_bytes_max = 64U * 1024U;
/// The largest row of an answer: a setting may be a megabyte long, in theory.
constexpr std::uint32_t whole_row_bytes_max = 2U * 1024U * 1024U;

constexpr std::string_view parse_complete{"1\0\0\0\4", 5};
constexpr std::string_view close_complete{"3\0\0\0\4", 5};

}  // namespace

BackendRun BackendSession::answer() {
    const bool parse = queue_.front().owed == Owed::parse;
    pop_front();
    return {0, Audience::client, BackendEvent::answer, parse ? parse_complete : close_complete};
}

BackendRun BackendSession::next(wire::Bytes available) {
    BackendRun run;
    // What came before the fault still counts; the fault is found again behind it.
    const auto violation = [&run] {
        return run.bytes > 0 ? run : BackendRun{0, Audience::nobody, BackendEvent::violation, {}};
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
        if (answers_next()) return run.bytes > 0 ? run : answer();
        const wire::Bytes rest = available.subspan(run.bytes);
        if (rest.size() < frame_header_bytes) return run;

        const FrameHeader header = read_frame_header(rest);
        if (!header.valid) return violation();
        const auto type = static_cast<BackendMessage>(header.type);
        if (type == BackendMessage::ReadyForQuery && header.body_bytes != 1) {
            return violation();
        }
        Fate fate = fate_of(type);
        if (fate.whole && fate.audience == Audience::client &&
            type == BackendMessage::ErrorResponse) {
            // So large an error passes with the name that it shows, if it shows one.
            fate.whole = header.body_bytes <= whole_frame_bytes_max;
        }
        if (type == BackendMessage::RowDescription || type == BackendMessage::NoticeResponse) {
            fate.whole = fate.whole && header.body_bytes <= whole_frame_bytes_max;
        }
        if (type == BackendMessage::CommandComplete) {
            if (rest.size() <
                frame_header_bytes + std::min<std::size_t>(header.body_bytes, tag_bytes_telling)) {
                return run;
            }
            const std::string_view tag = wire::as_text(rest.subspan(frame_header_bytes));
            fate.whole =
                may_mean_something(tag) || (stage_ == Stage::unsynced && may_begin_block(tag));
        }
        if (run.bytes > 0 && (fate.whole || fate.audience != run.audience)) {
            // ReadyForQuery may close a run of its own audience; every other whole frame is alone.
            if (type != BackendMessage::ReadyForQuery || fate.audience != run.audience) return run;
        }
        wire::Bytes body;
        if (fate.whole) {
            const bool row = type == BackendMessage::DataRow;
            if (header.body_bytes > (row ? whole_row_bytes_max : whole_frame_bytes_max)) {
                return violation();
            }
            if (rest.size() - frame_header_bytes < header.body_bytes) return run;
            body = rest.subspan(frame_header_bytes, header.body_bytes);
        }
        const BackendEvent event = received(type, body);
        if (event == BackendEvent::violation) return violation();
        run.audience = event == BackendEvent::outdated_plan ? Audience::nobody : fate.audience;
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
    const Audience asked = queue_.empty() ? Audience::client : queue_.front().audience;
    const bool on_behalf = asked == Audience::client_if_error;
    const Audience audience = on_behalf ? Audience::nobody : asked;
    switch (type) {
        case BackendMessage::ReadyForQuery:
            return {stray_ready_next() ? Audience::client : audience, true};
        case BackendMessage::ParameterStatus:
            return {on_behalf ? Audience::client : audience, true};
        case BackendMessage::ErrorResponse:
            return {on_behalf ? Audience::client : audience,
                    audience == Audience::nobody ||
                        (!queue_.empty() && shows_our_name(queue_.front()))};
        case BackendMessage::NotificationResponse: return {Audience::client, true};
        case BackendMessage::DataRow:
            return {audience, !queue_.empty() && queue_.front().twist == Twist::question};
        case BackendMessage::RowDescription:
            return {audience, !queue_.empty() && describes_for_us(queue_.front())};
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
        case BackendMessage::EmptyQueryResponse:
        case BackendMessage::FunctionCallResponse:
        case BackendMessage::NegotiateProtocolVersion:
        case BackendMessage::NoData:
        case BackendMessage::ParameterDescription:
        case BackendMessage::ParseComplete:
        case BackendMessage::PortalSuspended: return {audience, false};
        case BackendMessage::NoticeResponse: return {audience, audience == Audience::nobody};
    }
    return {audience, false};
}

BackendEvent BackendSession::received(BackendMessage type, wire::Bytes whole_body) {
    switch (type) {
        case BackendMessage::ReadyForQuery: return ready_received(whole_body);
        case BackendMessage::ParameterStatus: return BackendEvent::parameter;
        case BackendMessage::NoticeResponse:
            return whole_body.empty() ? BackendEvent::none : BackendEvent::private_notice;
        case BackendMessage::NotificationResponse: return BackendEvent::notification;
        case BackendMessage::ErrorResponse: {
            if (heals(whole_body)) return BackendEvent::outdated_plan;
            const bool asked = !queue_.empty();
            const bool private_request = asked && queue_.front().audience == Audience::nobody;
            const bool renamed = asked && !private_request && !whole_body.empty();
            if (asked) failed_ = queue_.front();
            error_received();
            if (renamed) error_described(whole_body);
            return private_request ? BackendEvent::private_error
                   : renamed       ? BackendEvent::renamed_error
                                   : BackendEvent::none;
        }
        case BackendMessage::Authentication:
        case BackendMessage::BackendKeyData:
        case BackendMessage::CopyBothResponse:
        case BackendMessage::NegotiateProtocolVersion: return BackendEvent::violation;
        case BackendMessage::CommandComplete:
            if (!whole_body.empty() && !queue_.empty()) tag_seen(whole_body);
            [[fallthrough]];
        case BackendMessage::BindComplete:
        case BackendMessage::CloseComplete:
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
            if (!queue_.empty() && describes_for_us(queue_.front())) {
                result_described(type, whole_body);
            }
            if (!answered(type) && !in_doubt()) return BackendEvent::violation;
            return type == BackendMessage::DataRow && !whole_body.empty()
                       ? BackendEvent::private_row
                       : BackendEvent::none;
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
    since_ready_.answered = since_ready_.answered || (owed != Owed::parse && owed != Owed::close);
    if (doubt_ == Doubt::stray_ready) doubt_ = Doubt::none;
    switch (type) {
        case BackendMessage::ParseComplete: return completed(Owed::parse);
        case BackendMessage::BindComplete: return completed(Owed::bind);
        case BackendMessage::CloseComplete: return completed(Owed::close);
        case BackendMessage::PortalSuspended:
            readable_.portal = true;
            return completed(Owed::execute);
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
    since_ready_ = {};
    if (status != TransactionStatus::in_transaction) readable_ = {};
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
    if (owed) {
        if (queue_.front().audience == Audience::client) encore_.drop();
        pop_front();
    }
    return BackendEvent::ready;
}

void BackendSession::error_received() {
    since_ready_.error = queue_.empty() || queue_.front().audience != Audience::nobody;
    if (since_ready_.error) ++error_count_;
    if (queue_.empty()) {
        // Unasked for, an error is the backend's farewell; the end of its stream follows.
        doubt_ = Doubt::lost;
        return;
    }
    const Owed failed = queue_.front().owed;
    if (doubt_ == Doubt::stray_ready && failed != Owed::sync) doubt_ = Doubt::none;
    if (copy_swallowed_sync_ && doubt_ == Doubt::none) {
        // Where an answer of ours belongs among replies in doubt cannot be told.
        const bool answers = queue_.any_behind_front(
            [](const OwedReply& entry) { return entry.audience == Audience::client_from_us; });
        doubt_ = answers ? Doubt::lost : Doubt::stray_ready;
    }
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
    finish_front(Outcome::failed);
    while (!queue_.empty() && queue_.front().owed != Owed::sync) {
        const bool ignored_anyway = queue_.front().owed == Owed::copy_end;
        if (doubt_ == Doubt::stray_ready && !ignored_anyway) doubt_ = Doubt::lost;
        finish_front(Outcome::read_over);
    }
    if (!queue_.empty() && queue_.front().twist == Twist::stands_in) {
        // It ends what the client thinks ended with its Query, which has been read over.
        queue_.readdress_front(Audience::client);
        ++ready_owed_;
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
        [&](const OwedReply& entry) {
            const bool sync = entry.owed == Owed::sync && !other_request;
            const bool flush = entry.owed == Owed::bad_flush && !other_request;
            if (sync && entry.audience == Audience::client) --ready_owed_;
            swallowed = swallowed || sync;
            other_request = other_request || !(sync || flush);
            return sync || flush;
        },
        [&](const OwedReply& entry) { return entry.owed == Owed::copy_end && !other_request; });
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
    if (owed == Owed::execute) {
        readable_.portal = false;
        pop_front();
    }
    return true;
}

Rest BackendSession::rest() const noexcept {
    if (body_left_ > 0 || doubt_ != Doubt::none || !queue_.empty()) return Rest::none;
    if (stage_ != Stage::in_step) return Rest::portal;
    switch (status_) {
        case TransactionStatus::idle: return Rest::none;
        case TransactionStatus::failed: return Rest::transaction;
        case TransactionStatus::in_transaction: break;
    }
    return readable_.portal || readable_.cursor ? Rest::portal : Rest::transaction;
}

void BackendSession::pop_front() {
    finish_front(Outcome::happened);
    // The end of a COPY that never began: the backend reads over it.
    while (!queue_.empty() && queue_.front().owed == Owed::copy_end)
        queue_.pop();
}

}  // namespace sluice::pg
