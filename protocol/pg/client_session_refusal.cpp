// Requests that are not carried out: those of a refusal, and those behind a lost transaction.

#include "protocol/pg/block_end.hpp"
#include "protocol/pg/client_session.hpp"
#include "protocol/pg/statement_facts.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/pg/statement_reader.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

constexpr std::string_view ready_idle{"Z\0\0\0\5I", 6};
constexpr std::string_view ready_in_block{"Z\0\0\0\5T", 6};
constexpr std::string_view ready_failed{"Z\0\0\0\5E", 6};

}  // namespace

bool ClientSession::discardable(ClientMessage type) noexcept {
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

std::string_view ClientSession::ready() const noexcept {
    if (begin_promised()) return ready_in_block;
    return loss_ == Loss::failed_block ? ready_failed : ready_idle;
}

ClientSession::Step ClientSession::refused_step(FrameHeader header, wire::Bytes available) {
    const auto type = static_cast<ClientMessage>(header.type);
    if (!discardable(type)) return frame_step(header, available, nullptr);
    Step step = discard_step(header, available);
    const bool alone = type == ClientMessage::Query || type == ClientMessage::FunctionCall;
    if (type == ClientMessage::Query && statements_ && statements_->has_unnamed() &&
        refusal_ == Refusal::announced) {
        // Refused, it comes to as much as one that fails at once.
        statements_->drop_unnamed();
    }
    if (refusal_ == Refusal::announced) {
        refusal_ = alone ? Refusal::until_frame_end : Refusal::until_sync;
    }
    const bool ends = refusal_ == Refusal::until_frame_end || type == ClientMessage::Sync;
    if (ends && body_left_ == 0) {
        refusal_ = Refusal::none;
        step.kind = StepKind::answer;
        step.reply = ready();
    } else if (type == ClientMessage::Sync) {
        refusal_ = Refusal::until_frame_end;
    }
    return step;
}

void ClientSession::lose_transaction(const BackendSession& backend) noexcept {
    if (!backend.skipping()) {
        loss_ = backend.in_block() ? Loss::block : Loss::batch;
        return;
    }
    // It has been told of an error already, and PostgreSQL reads over what comes before its Sync.
    refusal_ = Refusal::until_sync;
    loss_ = backend.in_block() ? Loss::failed_block : Loss::none;
}

/// The first request behind a lost transaction is refused, whatever it is. Two end the block all
/// the same: COMMIT, which fails as it does where PostgreSQL cannot commit, and ROLLBACK, which
/// asks for nothing but what has happened and so is left to a backend with a failed block.
ClientSession::Step ClientSession::loss_step(FrameHeader header, wire::Bytes available) {
    const auto type = static_cast<ClientMessage>(header.type);
    if (!discardable(type)) return frame_step(header, available, nullptr);
    switch (type) {
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
        case ClientMessage::Sync:
        case ClientMessage::Terminate: break;
    }
    Step step;
    BlockEnd end = BlockEnd::none;
    if (loss_ == Loss::block) {
        const auto seen = block_end_at_front(header, available);
        if (!seen) return step;
        end = *seen;
    }
    if (end == BlockEnd::rollback) {
        loss_ = Loss::failed_block;
        step.kind = StepKind::discard;
        return step;
    }
    const bool over = loss_ == Loss::batch || end == BlockEnd::commit;
    loss_ = over ? Loss::none : Loss::failed_block;
    step.kind = StepKind::refuse;
    return step;
}

/// Nothing: more bytes must arrive first.
std::optional<BlockEnd> ClientSession::block_end_at_front(FrameHeader header,
                                                          wire::Bytes available) const {
    const auto type = static_cast<ClientMessage>(header.type);
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const wire::Bytes in_hand = available.first(std::min(frame_bytes, available.size()));
    std::size_t text_at = frame_header_bytes;
    if (type == ClientMessage::Parse || type == ClientMessage::Bind) {
        NamedFrame named;
        const NameSearch search = find_name(in_hand, named);
        if (search == NameSearch::more_bytes) return std::nullopt;
        if (search != NameSearch::found) return BlockEnd::none;
        if (type == ClientMessage::Bind) {
            if (!statements_) return BlockEnd::none;
            const auto found = statements_->find(named.name, 0);
            return found.statement == nullptr ? BlockEnd::none
                                              : block_end_of(found.statement->body());
        }
        text_at = named.name_end;
    } else if (type != ClientMessage::Query) {
        return BlockEnd::none;
    }
    const wire::Bytes text = in_hand.subspan(text_at);
    if (in_hand.size() < frame_bytes && text.size() < block_end_bytes_telling) return std::nullopt;
    return block_end_of(wire::as_text(text));
}

std::optional<bool> ClientSession::opens_block(wire::Bytes available, StatementReader& reader,
                                               bool odd_texts) const {
    if (body_left_ > 0 || refusal_ != Refusal::none || loss_untold()) return false;
    if (available.size() < frame_header_bytes) return false;
    const FrameHeader header = read_frame_header(available);
    const auto type = static_cast<ClientMessage>(header.type);
    if (type != ClientMessage::Query && type != ClientMessage::Parse) return false;
    if (!header.valid || header.body_bytes > frame_bytes_max_) return false;
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const wire::Bytes in_hand = available.first(std::min(frame_bytes, available.size()));
    const bool whole = in_hand.size() == frame_bytes;
    // Of what comes in pieces only the end would tell.
    if (!whole && header.body_bytes > whole_query_bytes_max) return false;
    std::size_t text_at = frame_header_bytes;
    const bool one_statement = type == ClientMessage::Parse;
    if (one_statement) {
        NamedFrame named;
        const NameSearch search = find_name(in_hand, named);
        if (search == NameSearch::more_bytes) return std::nullopt;
        if (search != NameSearch::found) return false;
        text_at = named.name_end;
    }
    std::string_view text = wire::as_text(in_hand.subspan(text_at));
    text = text.substr(0, text.find('\0'));
    if (!whole) {
        const bool told = one_statement && text.size() >= block_end_bytes_telling;
        if (told && !begins_like_block(text)) return false;
        return std::nullopt;
    }
    if (one_statement ? !begins_like_block(text) : !mentions_block_begin(text)) return false;
    const bool odd = odd_texts || watch_.reads_oddly();
    if (odd && text.find('\\') != std::string_view::npos) return begins_like_block(text);
    // What cannot be read is the server's to judge.
    bool open = false;
    for (const Effect& effect : reader.read(text).effects) {
        const bool ends = effect.kind == EffectKind::commit ||
                          effect.kind == EffectKind::rollback ||
                          effect.kind == EffectKind::prepare_transaction;
        if (effect.kind == EffectKind::begin) open = true;
        if (ends && !effect.has(EffectNote::chain)) open = false;
    }
    return open;
}

}  // namespace sluice::pg
