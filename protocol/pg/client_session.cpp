#include "protocol/pg/client_session.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace sluice::pg {

namespace {

/// Longest name read in Bind before the statement's name is looked for. PostgreSQL itself uses
/// only the first 63 bytes of a name.
constexpr std::size_t name_bytes_max = 4096;

/// Names of functions by object id that keep session state and can be called by FunctionCall.
/// Source: PostgreSQL 15, catalog pg_proc (ids of built-in functions never change).
constexpr std::uint32_t oid_set_config = 2078;
constexpr std::uint32_t oid_advisory_first = 2880;  // pg_advisory_lock(bigint)
constexpr std::uint32_t oid_advisory_last = 2892;   // pg_advisory_unlock_all()
constexpr std::uint32_t oid_first_user_defined = 16384;

constexpr std::string_view ready_idle{"Z\0\0\0\5I", 6};
/// Close of the unnamed statement, which always succeeds.
constexpr std::string_view close_unnamed{"C\0\0\0\6S\0", 7};

constexpr std::array<std::string_view, pin_reason_count> pin_names{
    "named_statement", "unnamed_statement", "sql_prepare", "set",  "listen",
    "temporary_table", "advisory_lock",     "with_hold",   "code", "function_call"};

/// Whether a refused batch may hold it: everything that PostgreSQL itself reads over after an
/// error. Terminate and unknown types keep their meaning.
bool discardable(ClientMessage type) noexcept {
    switch (type) {
        case ClientMessage::Bind:
        case ClientMessage::Close:
        case ClientMessage::CopyData:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail:
        case ClientMessage::Describe:
        case ClientMessage::Execute:
        case ClientMessage::Flush:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::Query:
        case ClientMessage::Sync: return true;
        case ClientMessage::PasswordMessage:
        case ClientMessage::Terminate: return false;
    }
    return false;
}

ClientSession::Step violation(std::string_view sentence) {
    ClientSession::Step step;
    step.kind = StepKind::violate;
    step.reply = sentence;
    return step;
}

}  // namespace

std::string_view name_of(PinReason reason) noexcept {
    return pin_names[static_cast<std::size_t>(reason)];
}

Wants ClientSession::wants(wire::Bytes available) const noexcept {
    if (body_left_ > 0) return body_ == Body::forward ? Wants::backend : Wants::nothing;
    if (available.size() < frame_header_bytes) return Wants::more_bytes;
    if (refusal_ != Refusal::none || !read_frame_header(available).valid) return Wants::nothing;
    switch (static_cast<ClientMessage>(available[0])) {
        case ClientMessage::Bind:
        case ClientMessage::Close:
        case ClientMessage::Describe:
        case ClientMessage::Execute:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::Query: return Wants::backend;
        // Without a backend there is no batch to end and no COPY to feed: answered here.
        case ClientMessage::CopyData:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail:
        case ClientMessage::Flush:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Sync:
        case ClientMessage::Terminate: return Wants::nothing;
    }
    return Wants::nothing;
}

ClientSession::Step ClientSession::next(wire::Bytes available, Lending lending) {
    if (body_left_ > 0) return body_step(available);
    if (available.size() < frame_header_bytes) return {};
    const FrameHeader header = read_frame_header(available);
    if (!header.valid) return violation("invalid message length");
    if (header.body_bytes > frame_bytes_max_) return violation("message is larger than allowed");
    if (refusal_ != Refusal::none) return refused_step(header, available);
    return lending == Lending::none ? unleased_step(header, available)
                                    : frame_step(header, available);
}

ClientSession::Step ClientSession::body_step(wire::Bytes available) {
    if (available.empty()) return {};
    const std::size_t taken = std::min<std::size_t>(body_left_, available.size());
    body_left_ -= static_cast<std::uint32_t>(taken);
    if (scanner_) {
        scanner_->feed(available.first(taken));
        if (body_left_ == 0) {
            add_features(scanner_->features());
            scanner_.reset();
        }
    }
    Step step;
    step.bytes = taken;
    step.kind = body_ == Body::forward ? StepKind::forward : StepKind::discard;
    if (body_left_ == 0 && refusal_ == Refusal::until_frame_end) {
        refusal_ = Refusal::none;
        step.kind = StepKind::answer;
        step.reply = ready_idle;
    }
    return step;
}

ClientSession::Step ClientSession::frame_step(FrameHeader header, wire::Bytes available) {
    const wire::Bytes body = available.subspan(
        frame_header_bytes, std::min<std::size_t>(header.body_bytes, available.size() - 5));
    switch (static_cast<ClientMessage>(header.type)) {
        case ClientMessage::Query: {
            unnamed_ours_ = true;  // A simple query drops the unnamed statement.
            unnamed_unbound_ = false;
            scan(body, body.size() == header.body_bytes);
            return forward_step(header, available, Owed::query);
        }
        case ClientMessage::Parse: return parse_step(header, available);
        case ClientMessage::Bind: return bind_step(header, available);
        case ClientMessage::Describe: return describe_step(header, available);
        case ClientMessage::Execute:
            return behind_close_unnamed(forward_step(header, available, Owed::execute));
        case ClientMessage::Close:
            return behind_close_unnamed(forward_step(header, available, Owed::close));
        case ClientMessage::Sync:
            if (unnamed_unbound_) add_pin(PinReason::unnamed_statement);
            return forward_step(header, available, Owed::sync);
        case ClientMessage::Flush:
        case ClientMessage::CopyData: return forward_step(header, available, Owed::nothing);
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail: return forward_step(header, available, Owed::copy_end);
        case ClientMessage::FunctionCall: return function_call_step(header, available);
        case ClientMessage::PasswordMessage: return violation("unexpected password message");
        case ClientMessage::Terminate: {
            Step step;
            step.kind = StepKind::finish;
            return step;
        }
    }
    return violation("invalid frontend message type");
}

ClientSession::Step ClientSession::forward_step(FrameHeader header, wire::Bytes available,
                                                Owed owed) {
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
            if (header.body_bytes > 0) return violation("invalid Sync message");
            Step step = discard_step(header, available);
            step.kind = StepKind::answer;
            step.reply = ready_idle;
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
    return frame_step(header, available);
}

ClientSession::Step ClientSession::discard_step(FrameHeader header, wire::Bytes available) {
    Step step = forward_step(header, available, Owed::nothing);
    step.kind = StepKind::discard;
    body_ = Body::discard;
    return step;
}

ClientSession::Step ClientSession::refused_step(FrameHeader header, wire::Bytes available) {
    const auto type = static_cast<ClientMessage>(header.type);
    if (!discardable(type)) return frame_step(header, available);
    Step step = discard_step(header, available);
    const bool alone = type == ClientMessage::Query || type == ClientMessage::FunctionCall;
    if (refusal_ == Refusal::announced) {
        refusal_ = alone ? Refusal::until_frame_end : Refusal::until_sync;
    }
    const bool ends = refusal_ == Refusal::until_frame_end || type == ClientMessage::Sync;
    if (ends && body_left_ == 0) {
        refusal_ = Refusal::none;
        step.kind = StepKind::answer;
        step.reply = ready_idle;
    } else if (type == ClientMessage::Sync) {
        refusal_ = Refusal::until_frame_end;
    }
    return step;
}

ClientSession::Step ClientSession::parse_step(FrameHeader header, wire::Bytes available) {
    if (header.body_bytes < 4) return violation("invalid Parse message");
    if (available.size() == frame_header_bytes) return {};
    const wire::Bytes body = available.subspan(frame_header_bytes);
    if (body[0] != std::byte{0}) {
        add_pin(PinReason::named_statement);  // For which the text does not matter any more.
        return behind_close_unnamed(forward_step(header, available, Owed::parse));
    }
    unnamed_ours_ = true;  // As the first of a lease it is never discarded; later it was true.
    unnamed_unbound_ = true;
    const std::size_t in_hand = std::min<std::size_t>(body.size(), header.body_bytes);
    scan(body.subspan(1, in_hand - 1), in_hand == header.body_bytes);
    return forward_step(header, available, Owed::parse);
}

ClientSession::Step ClientSession::bind_step(FrameHeader header, wire::Bytes available) {
    // Portal name, then statement name: only whether the latter is empty matters.
    const std::size_t in_hand =
        std::min<std::size_t>(header.body_bytes, available.size() - frame_header_bytes);
    const wire::Bytes body = available.subspan(frame_header_bytes, in_hand);
    const wire::Bytes searched = body.first(std::min(in_hand, name_bytes_max + 1));
    const auto end = std::find(searched.begin(), searched.end(), std::byte{0});
    if (end == searched.end() && in_hand > name_bytes_max) {
        return violation("name in Bind message is too long");
    }
    const auto statement_at = static_cast<std::size_t>(end - searched.begin()) + 1;
    if (statement_at >= in_hand) {
        return in_hand == header.body_bytes ? violation("invalid Bind message") : Step{};
    }
    if (body[statement_at] == std::byte{0}) unnamed_unbound_ = false;
    return behind_close_unnamed(forward_step(header, available, Owed::bind));
}

ClientSession::Step ClientSession::describe_step(FrameHeader header, wire::Bytes available) {
    if (header.body_bytes < 2) return violation("invalid Describe message");
    return behind_close_unnamed(forward_step(header, available, Owed::describe));
}

ClientSession::Step ClientSession::behind_close_unnamed(Step step) noexcept {
    if (!unnamed_ours_) {
        // The backend's unnamed statement, if there is one, is another client's. It is closed
        // before the first request of a lease, which nothing can make the backend discard; then
        // the backend itself knows whether a later Bind finds one.
        step.inject = close_unnamed;
        step.injected_owed = Owed::close;
        unnamed_ours_ = true;
    }
    return step;
}

ClientSession::Step ClientSession::function_call_step(FrameHeader header, wire::Bytes available) {
    if (header.body_bytes < 4) return violation("invalid FunctionCall message");
    if (available.size() < frame_header_bytes + 4) return {};
    const std::uint32_t oid = wire::load_u32(available.data() + frame_header_bytes);
    const bool keeps_state = oid == oid_set_config || oid >= oid_first_user_defined ||
                             (oid >= oid_advisory_first && oid <= oid_advisory_last);
    if (keeps_state) add_pin(PinReason::function_call);
    return forward_step(header, available, Owed::function_call);
}

void ClientSession::lease_ended() noexcept {
    unnamed_ours_ = false;
    unnamed_unbound_ = false;
    session_reset_ = false;
}

std::optional<PinReason> ClientSession::pin() const noexcept {
    if (pins_ == 0) return std::nullopt;
    return static_cast<PinReason>(std::countr_zero(pins_));
}

void ClientSession::scan(wire::Bytes text, bool whole) {
    if (whole) {
        StatementScanner scanner;
        scanner.feed(text);
        add_features(scanner.features());
        return;
    }
    scanner_ = std::make_unique<StatementScanner>();
    scanner_->feed(text);
}

void ClientSession::add_features(Feature features) noexcept {
    if (features == Feature::none) return;
    static constexpr std::array<std::pair<Feature, PinReason>, 7> pins{{
        {Feature::set, PinReason::set},
        {Feature::listen, PinReason::listen},
        {Feature::temporary, PinReason::temporary_table},
        {Feature::advisory_lock, PinReason::advisory_lock},
        {Feature::prepare, PinReason::sql_prepare},
        {Feature::with_hold, PinReason::with_hold},
        {Feature::code, PinReason::code},
    }};
    for (const auto& [feature, reason] : pins) {
        if (has(features, feature)) add_pin(reason);
    }
    if (has(features, Feature::reset)) session_reset_ = true;
}

void ClientSession::add_pin(PinReason reason) noexcept {
    pins_ = static_cast<std::uint16_t>(pins_ | (1U << static_cast<unsigned>(reason)));
}

}  // namespace sluice::pg
