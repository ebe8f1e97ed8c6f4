#include "protocol/pg/client_session.hpp"

#include "protocol/pg/frame_limits.hpp"
#include "protocol/pg/unknown_message.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pg {

namespace {

/// Close of the unnamed statement, which always succeeds.
constexpr std::string_view close_unnamed{"C\0\0\0\6S\0", 7};

/// An empty sentence: to be closed without a word.
ClientSession::Step violation(std::string_view sentence) {
    ClientSession::Step step;
    step.kind = StepKind::violate;
    step.reply = sentence;
    return step;
}

/// A text and its zero byte, and nothing behind it.
bool is_text(wire::Bytes body) noexcept {
    return !body.empty() && wire::as_text(body).find('\0') == body.size() - 1;
}

}  // namespace

Wants ClientSession::wants(wire::Bytes available) const noexcept {
    if (body_left_ > 0) return body_ == Body::forward ? Wants::backend : Wants::nothing;
    if (available.size() < frame_header_bytes) return Wants::more_bytes;
    const FrameHeader header = read_frame_header(available);
    if (refusal_ != Refusal::none || !is_possible(header) || loss_untold()) return Wants::nothing;
    switch (static_cast<ClientMessage>(available[0])) {
        case ClientMessage::Bind:
        case ClientMessage::Close:
        case ClientMessage::Describe:
        case ClientMessage::Execute:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::Query: return Wants::backend;
        // With a body it is an error, which is PostgreSQL's to tell.
        case ClientMessage::Flush:
        case ClientMessage::Sync: return header.body_bytes > 0 ? Wants::backend : Wants::nothing;
        // Without a backend there is no batch to end and no COPY to feed: answered here.
        case ClientMessage::CopyData:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Terminate: return Wants::nothing;
    }
    return Wants::nothing;
}

ClientSession::Step ClientSession::next(wire::Bytes available, Lending lending,
                                        const StatementLease* statements) {
    waiting_ = false;
    if (body_left_ > 0) return body_step(available);
    if (available.size() < frame_header_bytes) return {};
    const FrameHeader header = read_frame_header(available);
    if (!is_possible(header)) return violation({});
    if (header.body_bytes > frame_bytes_max_) return violation("message is larger than allowed");
    if (refusal_ != Refusal::none) return refused_step(header, available);
    if (loss_untold()) return loss_step(header, available);
    if (channels_ && statements != nullptr && awaits_channels(*statements)) {
        return waiting_step();
    }
    if (lending == Lending::none) return unleased_step(header, available);
    if (!begin_ || begin_->stage == DeferredBegin::Stage::none || statements == nullptr) {
        return frame_step(header, available, statements);
    }
    if (auto step = begin_step(header, available, *statements)) return *std::move(step);
    return behind_begin(frame_step(header, available, statements));
}

ClientSession::Step ClientSession::body_step(wire::Bytes available) {
    if (available.empty()) return {};
    const std::size_t taken = std::min<std::size_t>(body_left_, available.size());
    body_left_ -= static_cast<std::uint32_t>(taken);
    if (scanner_) scanner_->feed(available.first(taken));
    if (scanner_ && body_left_ == 0) text_scanned();
    Step step;
    step.bytes = taken;
    step.kind = body_ == Body::forward ? StepKind::forward : StepKind::discard;
    if (body_left_ == 0 && refusal_ == Refusal::until_frame_end) {
        refusal_ = Refusal::none;
        step.kind = StepKind::answer;
        step.reply = ready();
    }
    return step;
}

ClientSession::Step ClientSession::frame_step(FrameHeader header, wire::Bytes available,
                                              const StatementLease* statements) {
    switch (static_cast<ClientMessage>(header.type)) {
        case ClientMessage::Query: {
            Step step = query_step(header, available, statements);
            note_carried_out(step);
            return step;
        }
        case ClientMessage::Parse:
        case ClientMessage::Bind:
        case ClientMessage::Describe:
        case ClientMessage::Close: return named_step(header, available, statements);
        case ClientMessage::Execute:
            if (statements != nullptr) {
                note_execute(header, available, statements->backend);
                Step step = execute_step(header, available, *statements);
                note_carried_out(step);
                return step;
            }
            return behind_close_unnamed(forward_step(header, available, {Owed::execute}));
        case ClientMessage::Sync:
            portal_.reset();
            return forward_step(header, available, {Owed::sync});
        case ClientMessage::Flush:
            return forward_step(header, available,
                                {header.body_bytes > 0 ? Owed::bad_flush : Owed::nothing});
        case ClientMessage::CopyData: return forward_step(header, available, {Owed::nothing});
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail: return forward_step(header, available, {Owed::copy_end});
        case ClientMessage::FunctionCall: return function_call_step(header, available);
        case ClientMessage::PasswordMessage: break;  // After the login there is no such message.
        case ClientMessage::Terminate: {
            Step step;
            step.kind = StepKind::finish;
            return step;
        }
    }
    return violation(unknown_message_sentence(header.type));
}

ClientSession::Step ClientSession::forward_step(FrameHeader header, wire::Bytes available,
                                                OwedReply owed) {
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    Step step;
    step.kind = StepKind::forward;
    step.owed = owed;
    step.bytes = std::min(frame_bytes, available.size());
    body_left_ = static_cast<std::uint32_t>(frame_bytes - step.bytes);
    body_ = Body::forward;
    return step;
}

ClientSession::Step ClientSession::unleased_step(FrameHeader header, wire::Bytes available) {
    switch (static_cast<ClientMessage>(header.type)) {
        case ClientMessage::Sync: {
            Step step = discard_step(header, available);
            step.kind = StepKind::answer;
            step.reply = ready();
            return step;
        }
        case ClientMessage::CopyData:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail:
        case ClientMessage::Flush: return discard_step(header, available);
        case ClientMessage::Bind:
        case ClientMessage::Close:
        case ClientMessage::Describe:
        case ClientMessage::Execute:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Query:
        case ClientMessage::Terminate: break;
    }
    return frame_step(header, available, nullptr);
}

ClientSession::Step ClientSession::discard_step(FrameHeader header, wire::Bytes available) {
    Step step = forward_step(header, available, {Owed::nothing});
    step.kind = StepKind::discard;
    body_ = Body::discard;
    return step;
}

ClientSession::Step ClientSession::query_step(FrameHeader header, wire::Bytes available,
                                              const StatementLease* statements) {
    const wire::Bytes text = available.subspan(
        frame_header_bytes, std::min<std::size_t>(header.body_bytes, available.size() - 5));
    const bool whole = text.size() == header.body_bytes;
    if (whole && !is_text(text)) {
        // Without following names, words count as they would if they came in pieces.
        if (statements == nullptr) std::ignore = scan(text, true, nullptr);
        // PostgreSQL finds fault with the message before there is a query that would drop the
        // unnamed statement. The answer is that to a FunctionCall that fails.
        return forward_step(header, available, {Owed::function_call});
    }
    portal_.reset();
    unnamed_ours_ = unnamed_ours_ || whole;  // A simple query drops the unnamed statement.
    const bool shared = statements != nullptr;
    if (shared && !whole && header.body_bytes <= whole_query_bytes_max) return {};
    const Feature features = scan(text, whole, statements);
    if (!shared || statements->backend.skipping()) {
        return forward_step(header, available, {Owed::query});
    }
    if (!whole) return shared_query_step(header, available, features, *statements);
    return watched_query_step(header, available, features, *statements);
}

/// Parse, Bind, Describe and Close.
ClientSession::Step ClientSession::named_step(FrameHeader header, wire::Bytes available,
                                              const StatementLease* statements) {
    const auto type = static_cast<ClientMessage>(header.type);
    const bool of_either = type == ClientMessage::Describe || type == ClientMessage::Close;
    if (of_either && header.body_bytes > 0 && available.size() == frame_header_bytes) return {};
    const bool of_portal =
        of_either && header.body_bytes > 0 && available[frame_header_bytes] == std::byte{'P'};
    if (statements != nullptr && !of_portal) return passage_step(header, available, *statements);

    const Owed owed = type == ClientMessage::Parse   ? Owed::parse
                      : type == ClientMessage::Bind  ? Owed::bind
                      : type == ClientMessage::Close ? Owed::close
                                                     : Owed::describe;
    if (statements != nullptr) return portal_step(header, available, owed);
    if (type == ClientMessage::Parse) {
        NamedFrame named;
        const NameSearch search = find_name(available, named);
        if (search == NameSearch::more_bytes) return {};
        if (search == NameSearch::too_long) return violation("name in Parse message is too long");
        if (search == NameSearch::found) {
            scan_parse(header, available, named.name_end, nullptr);
            // As the first of a lease it is never read over; later it was true.
            if (named.name.empty()) unnamed_ours_ = true;
        }
    }
    return behind_close_unnamed(forward_step(header, available, {owed}));
}

/// Describe or Close of a portal. What the former tells, the client goes by from then on.
ClientSession::Step ClientSession::portal_step(FrameHeader header, wire::Bytes available,
                                               Owed owed) {
    OwedReply reply{owed};
    const ClientStatements::Described* const bound =
        statements_ ? &statements_->last_bound() : nullptr;
    if (owed == Owed::describe && bound != nullptr && bound->statement) {
        NamedFrame named;
        const bool found = find_name(available, named) == NameSearch::found;
        if (found && named.name == bound->portal) {
            reply.twist = Twist::tells;
            reply.slot = bound->slot;
            reply.statement = bound->statement;
        }
    }
    return forward_step(header, available, reply);
}

ClientSession::Step ClientSession::passage_step(FrameHeader header, wire::Bytes available,
                                                const StatementLease& lease) {
    using Kind = StatementPassage::Plan::Kind;
    if (!statements_) statements_ = std::make_unique<ClientStatements>(lease.desk.catalog);
    const std::uint32_t planning = planning_of(lease);
    const auto type = static_cast<ClientMessage>(header.type);
    if (channels_ && !channels_->names().empty()) {
        const ChannelNote notes = notes_ahead(type, available, lease);
        if (has(notes, ChannelNote::changes)) {
            if (auto step = before_channels(notes, lease)) return *std::move(step);
        }
    }
    StatementPassage passage(lease, *statements_, available, planning);
    const StatementPassage::Plan plan = type == ClientMessage::Parse   ? passage.parse()
                                        : type == ClientMessage::Bind  ? passage.bind()
                                        : type == ClientMessage::Close ? passage.close()
                                                                       : passage.describe();
    Step step;
    switch (plan.kind) {
        case Kind::more_bytes: return step;
        case Kind::waits:
            step.kind = StepKind::wait;
            waiting_ = true;
            return step;
        case Kind::asks:
            step.kind = StepKind::forward;
            step.inject = lease.desk.written;
            return step;
        case Kind::name_too_long: return violation("name in message is too long");
        case Kind::passes: break;
    }
    step = forward_step(header, available, plan.owed);
    step.inject = lease.desk.written;
    step.replaced = plan.replaced;
    if (type == ClientMessage::Bind) note_portal(available, passage.used(), lease);
    if (lease.backend.skipping()) return step;
    if (type == ClientMessage::Bind) {
        bound(passage.watched(), lease);
        if (passage.used() != nullptr) note_use(*passage.used(), lease);
    }
    if (type == ClientMessage::Parse && passage.parsed() != nullptr) {
        note_parse(*passage.parsed(), lease);
    }
    const bool unkept = statements_->unkept() == ClientStatements::Unkept::unbound;
    if (type == ClientMessage::Parse && unkept) {
        scan_parse(header, available, passage.name_end(), &lease);
    }
    return step;
}

ClientSession::Step ClientSession::behind_close_unnamed(Step step) noexcept {
    if (!unnamed_ours_) {
        // The backend's unnamed statement, if there is one, is another client's. It is closed
        // before the first request of a lease, which nothing can make the backend discard; then
        // the backend itself knows whether a later Bind finds one.
        step.inject = close_unnamed;
        step.injected_owed = {Owed::close, Audience::nobody};
        unnamed_ours_ = true;
    }
    return step;
}

void ClientSession::lease_ended() {
    if (statements_) {
        statements_->settle_nothing();
        statements_->forget_portals();
        statements_->set_unkept(ClientStatements::Unkept::none);
        statements_->set_prepared_apart(false);
    }
    portal_.reset();
    unnamed_ours_ = false;
    restart_.reset();
    watch_.lease_ended();
    if (channels_) channels_->settle();
    if (begin_) begin_settled();
}

void ClientSession::note_execute(FrameHeader header, wire::Bytes available,
                                 const BackendSession& backend) {
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const bool whole = available.size() >= frame_bytes;
    wire::Cursor cursor(available.subspan(frame_header_bytes, whole ? header.body_bytes : 0));
    const std::string_view name = cursor.c_string();
    const bool limited = cursor.i32() > 0 && cursor.finished();
    if (portal_) {
        portal_->alone = portal_->alone && whole && name == portal_->name;
    } else if (limited) {
        const bool first = !backend.executed_in_batch();
        portal_ = std::make_unique<LimitedPortal>(LimitedPortal{std::string(name), first});
    }
}

}  // namespace sluice::pg
