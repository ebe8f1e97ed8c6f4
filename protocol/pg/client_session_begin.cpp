// BEGIN is answered without a backend, and sent in front of the first statement of its block.

#include "protocol/pg/block_request.hpp"
#include "protocol/pg/client_session.hpp"
#include "protocol/pg/statement_frames.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

using Stage = DeferredBegin::Stage;

constexpr std::string_view sync_frame{"S\0\0\0\4", 5};

/// Whether the text may be a COPY, which reads a Sync behind it as its own.
bool may_copy(std::string_view text) noexcept {
    constexpr std::string_view copy = "copy";
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    // Not of std::ranges, whose subrange clang 14 cannot read.
    return std::search(text.begin(), text.end(), copy.begin(), copy.end(), same) != text.end();
}

}  // namespace

ClientSession::Deferral ClientSession::defer(wire::Bytes available, StatementDesk& desk,
                                             std::uint32_t planning) {
    // What a channel has to tell waits for the end of a block, which only a backend sees.
    if (body_left_ > 0 || loss_ != Loss::none || channels_) return {};
    const BlockRequest request = read_block_request(available, statements_.get());
    if (request.bytes == 0) return {Deferral::Kind::more_bytes, 0, {}};
    const bool begins = begins_block(request.command);
    if (request.command == BlockCommand::none || begins == begin_promised()) return {};
    if (request.parses && !parse_here(request.name, request.parse_body, desk, planning)) return {};
    if (request.extended) ++desk.counters.binds;
    if (!request.extended) query_answered();
    if (!begin_) begin_ = std::make_unique<DeferredBegin>();
    begin_->stage = begins ? Stage::promised : Stage::none;
    if (begins) begin_->text = request.text;
    desk.written.clear();
    append_block_answer(desk.written, request);
    return {begins ? Deferral::Kind::begun : Deferral::Kind::ended, request.bytes, desk.written};
}

/// Of the frame at the front, as far as the block decides about it.
std::optional<ClientSession::Step> ClientSession::begin_step(FrameHeader header,
                                                             wire::Bytes available,
                                                             const StatementLease& lease) {
    switch (begin_->stage) {
        case Stage::none:
        case Stage::sent: return std::nullopt;
        case Stage::promised: return promised_step(header, available, lease);
        case Stage::with_batch:
            if (!lease.backend.owes_begin()) begin_->stage = Stage::none;
            return std::nullopt;
        case Stage::awaited:
            if (lease.backend.owes_begin()) return waiting_step();
            break;
        case Stage::alone:
            if (lease.backend.busy()) return waiting_step();
            break;
        case Stage::failed:
            // Up to the Sync everything is read over; behind it the block is a failed one.
            if (lease.backend.owes_ready()) return waiting_step();
            return std::nullopt;
        case Stage::refused: return waiting_step();  // For the end of the lease.
    }
    begin_->stage = Stage::none;
    return std::nullopt;
}

/// Puts BEGIN in front of the request. It goes in messages of the extended protocol, for if it
/// fails all that comes behind it up to a Sync must be read over instead of being carried out
/// without it.
std::optional<ClientSession::Step> ClientSession::promised_step(FrameHeader header,
                                                                wire::Bytes available,
                                                                const StatementLease& lease) {
    const auto type = static_cast<ClientMessage>(header.type);
    if (!discardable(type)) return std::nullopt;
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const bool whole = available.size() >= frame_bytes;
    bool alone = type == ClientMessage::FunctionCall;
    if (type == ClientMessage::Query) {
        if (!whole && header.body_bytes <= whole_query_bytes_max) return Step{};
        // A Sync is to stand behind it, which neither a COPY nor a piece of a frame may meet.
        const wire::Bytes body = available.subspan(frame_header_bytes);
        alone = !whole || may_copy(wire::as_text(body.first(header.body_bytes)));
    }
    std::string& out = lease.desk.written;
    out.clear();
    const auto owe = [](Owed what) {
        OwedReply owed{what, Audience::client_if_error};
        owed.twist = Twist::begins;
        return owed;
    };
    append_parse(out, {}, begin_->text + std::string(3, '\0'));
    lease.backend.sent(owe(Owed::parse));
    append_bind(out, {}, {});
    lease.backend.sent(owe(Owed::bind));
    append_execute(out, {});
    watch_.request_sent();
    begin_->stage = alone ? Stage::alone : Stage::sent;
    Step step;
    step.kind = StepKind::forward;
    step.inject = out;
    step.owed = owe(Owed::execute);
    if (alone) {
        step.behind = sync_frame;
        step.behind_owed = {Owed::sync, Audience::nobody};
    }
    return step;
}

/// The first request of the block goes on behind its BEGIN.
ClientSession::Step ClientSession::behind_begin(Step step) noexcept {
    const bool open = begin_->stage == Stage::sent || begin_->stage == Stage::with_batch;
    if (step.kind != StepKind::forward || !open) return step;
    const Owed owed = step.owed.owed;
    if (owed == Owed::sync) {
        begin_->stage = Stage::awaited;
    } else if (begin_->stage == Stage::sent && ends_with_ready(owed)) {
        begin_->stage = Stage::awaited;
        if (step.behind.empty()) {
            // If BEGIN fails, the Query is read over up to a Sync, which nobody else would send.
            step.behind = sync_frame;
            step.behind_owed = {Owed::sync, Audience::nobody};
            step.behind_owed.twist = Twist::stands_in;
        }
    } else if (begin_->stage == Stage::sent) {
        begin_->stage = Stage::with_batch;
    }
    return step;
}

void ClientSession::begin_failed() noexcept {
    if (begin_) begin_->stage = begin_->stage == Stage::alone ? Stage::refused : Stage::failed;
}

/// What was sent for the block has come to its end, or never will.
void ClientSession::begin_settled() noexcept {
    if (begin_->stage == Stage::promised) return;
    const bool refused = begin_->stage == Stage::refused;
    begin_->stage = Stage::none;
    if (!refused) return;
    refusal_ = Refusal::announced;
    loss_ = Loss::failed_block;
}

void ClientSession::lose_begin() noexcept {
    begin_->stage = Stage::none;
    loss_ = Loss::failed_block;
}

}  // namespace sluice::pg
