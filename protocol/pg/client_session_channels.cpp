// What a client's texts have to do with channels, and what must come before them.

#include "protocol/pg/client_session.hpp"

namespace sluice::pg {

namespace {

bool asks_for_channels(const StatementFacts& facts) {
    for (const Effect& effect : facts.effects) {
        if (effect.kind == EffectKind::session_read &&
            effect.name.ends_with("pg_listening_channels")) {
            return true;
        }
    }
    return false;
}

}  // namespace

/// A Parse goes on. Its text counts from there, for what it does without a Bind is not much.
void ClientSession::note_parse(const Statement& statement, const StatementLease& lease) {
    if (statement.features() == Feature::none) return;
    const ChannelNote notes = channel_notes(statement.features(), statement.text(), lease);
    if (notes == ChannelNote::none) return;
    make_channels();
    channels_->note(notes);
}

/// The words decide which texts are read at all; most clients have nothing to do with channels.
ChannelNote ClientSession::channel_notes(Feature features, std::string_view text,
                                         const StatementLease& lease) const {
    ChannelNote notes = ChannelNote::none;
    if (!lease.desk.policy.follows_channels()) return notes;
    if (has(features, Feature::listen)) notes = notes | ChannelNote::changes;
    const bool listens = channels_ && !channels_->names().empty();
    const Feature telling = Feature::session_name | Feature::unknown_function | Feature::code;
    const bool may_notify = lease.desk.heard && has(features, telling);
    const bool may_change = listens && has(features, telling | Feature::reset);
    if (!may_notify && !may_change) return notes;
    const StatementFacts& facts = lease.desk.reader.read(text);
    if (facts.has(EffectKind::notify) || (listens && facts.opaque())) {
        notes = notes | ChannelNote::notifies;
    }
    if (!listens) return notes;
    if (facts.has(EffectKind::unlisten) || facts.has(EffectKind::unlisten_all) ||
        asks_for_channels(facts)) {
        notes = notes | ChannelNote::changes;
    }
    if (facts.has(EffectKind::discard_all) && lease.backend.outside_block()) {
        notes = notes | ChannelNote::changes | ChannelNote::discards;
    }
    return notes;
}

/// The step to be made before a text that changes channels: wait until the backend's state is
/// known, or install the client's channels there, unless they are there. Nothing when the text may
/// go on.
std::optional<ClientSession::Step> ClientSession::before_channels(ChannelNote notes,
                                                                  const StatementLease& lease) {
    make_channels();
    const bool changes = has(notes, ChannelNote::changes);
    const bool failed = lease.backend.status() == TransactionStatus::failed;
    if (changes && !channels_->names().empty() && !channels_->fresh() && !failed &&
        !lease.backend.skipping()) {
        Step step;
        if (!lease.backend.between_batches()) {
            // Within a batch no Query may be put, and what the batch does is not known before its
            // end: from now on the client has a backend to itself.
            watch_.pin(PinReason::listen);
        } else if (lease.backend.busy()) {
            return waiting_step();
        } else {
            lease.desk.written.clear();
            step.injected_owed = {Owed::query, Audience::nobody};
            if (channels_->doubtful()) {
                channels_->append_check(lease.desk.written);
                step.injected_owed.twist = Twist::question;
            } else {
                channels_->append_installation(lease.desk.written);
            }
            step.kind = StepKind::forward;
            step.inject = lease.desk.written;
            return step;
        }
    }
    channels_->note(notes);
    return std::nullopt;
}

/// What a request comes to behind one that changes channels is known when that has been answered,
/// and settled if it ended its transaction.
bool ClientSession::awaits_channels(const StatementLease& lease) const noexcept {
    const ChannelNote notes = channels_->notes();
    const bool told = has(notes, ChannelNote::notifies) && !channels_->names().empty();
    return (told || has(notes, ChannelNote::changes)) && lease.backend.between_batches() &&
           lease.backend.busy();
}

/// Of a frame that names a statement, for a client that listens.
ChannelNote ClientSession::notes_ahead(ClientMessage type, wire::Bytes available,
                                       const StatementLease& lease) {
    if (type != ClientMessage::Parse && type != ClientMessage::Bind) return ChannelNote::none;
    NamedFrame named;
    if (find_name(available, named) != NameSearch::found) return ChannelNote::none;
    if (type == ClientMessage::Bind) {
        const auto found = statements_->find(named.name, lease.backend.batch());
        if (found.standing != ClientStatements::Standing::held || named.name.empty()) {
            return ChannelNote::none;  // Its Parse, in the same lease, has seen to it.
        }
        return notes_of(*found.statement, lease);
    }
    const FrameHeader header = read_frame_header(available);
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    if (available.size() < frame_bytes || named.name_end >= frame_bytes) return ChannelNote::none;
    const wire::Bytes text = available.subspan(named.name_end, frame_bytes - named.name_end);
    StatementScanner scanner;
    scanner.feed(text);
    const std::string_view all = wire::as_text(text);
    return channel_notes(scanner.features(), all.substr(0, all.find('\0')), lease);
}

/// Found out once, for it is the same for every client.
ChannelNote ClientSession::notes_of(Statement& statement, const StatementLease& lease) {
    if (statement.channel_notes()) return *statement.channel_notes();
    const Feature features = statement.features();
    ChannelNote notes = ChannelNote::none;
    if (has(features, Feature::listen)) notes = ChannelNote::changes;
    if (has(features, Feature::session_name | Feature::unknown_function)) {
        const StatementFacts& facts = lease.desk.reader.read(statement.text());
        if (facts.has(EffectKind::notify)) notes = notes | ChannelNote::notifies;
        if (facts.has(EffectKind::unlisten) || facts.has(EffectKind::unlisten_all) ||
            asks_for_channels(facts)) {
            notes = notes | ChannelNote::changes;
        }
    }
    statement.set_channel_notes(notes);
    return notes;
}

/// A statement that was parsed under another lease is executed in this one.
void ClientSession::note_use(Statement& statement, const StatementLease& lease) {
    if (!lease.desk.policy.follows_channels()) return;
    const ChannelNote notes = notes_of(statement, lease);
    if (notes == ChannelNote::none) return;
    if (notes == ChannelNote::notifies && !lease.desk.heard) return;
    make_channels();
    channels_->note(notes);
}

/// A text that is carried out may roll back what was installed before it; its Parse and its Bind
/// may not.
void ClientSession::note_carried_out(const Step& step) noexcept {
    if (channels_ && step.kind == StepKind::forward && step.bytes > 0) channels_->used();
}

}  // namespace sluice::pg
