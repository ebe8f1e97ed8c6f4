#include "server/pg/listening.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/notification.hpp"
#include "protocol/wire/writer.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/notify_senders.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

namespace {

constexpr std::string_view ready_idle{"Z\0\0\0\5I", 6};
/// A longer text is no LISTEN that anybody writes.
constexpr std::size_t query_bytes_max = 256;

/// The text of a whole Query at the front; empty when there is none that may be of use.
std::string_view query_text(wire::Bytes rest) {
    if (rest.size() < pg::frame_header_bytes || rest[0] != std::byte{'Q'}) return {};
    const pg::FrameHeader header = pg::read_frame_header(rest);
    if (!header.valid || header.body_bytes > query_bytes_max || header.body_bytes < 1 ||
        rest.size() - pg::frame_header_bytes < header.body_bytes) {
        return {};
    }
    const std::string_view body =
        wire::as_text(rest.subspan(pg::frame_header_bytes, header.body_bytes));
    return body.find('\0') == body.size() - 1 ? body.substr(0, body.size() - 1)
                                              : std::string_view{};
}

bool is_one_of(const pg::StatementFacts& facts) {
    using pg::EffectKind;
    if (facts.end != pg::ReadingEnd::whole || facts.statements.size() != 1 ||
        facts.effects.size() != 1) {
        return false;
    }
    const pg::Effect& effect = facts.effects.front();
    const bool of_channels = effect.kind == EffectKind::listen ||
                             effect.kind == EffectKind::unlisten ||
                             effect.kind == EffectKind::unlisten_all;
    // A longer name has been cut to this; the server does so as well, and says it.
    return of_channels && effect.name.size() < pg::channel_bytes_max;
}

}  // namespace

PgListening::PgListening(PgClient& client) : client_(client) {}

PgListening::~PgListening() = default;

/// As long as it listens to something it stays in the group of the encoding in which it began to.
void PgListening::enter_group() {
    if (group_ != nullptr && !client_.session_.channels()->names().empty()) return;
    PgShard& shard = *client_.shard_;
    std::string encoding = shard.pool().profiles().client_encoding(*client_.profile_);
    ChannelBoard& board = client_.worker().channels();
    if (group_ != nullptr && group_->key.encoding == encoding) return;
    if (group_ != nullptr) board.leave(*std::exchange(group_, nullptr));
    group_ = &board.enter({server_database(shard.settings()), std::move(encoding)});
}

// LISTEN and UNLISTEN by themselves.

std::optional<std::size_t> PgListening::serve(PgClient& client, wire::Bytes rest) {
    PgShard& shard = *client.shard_;
    if (!shard.statements().policy.follows_channels() || !shard.shares_backends()) return {};
    const std::string_view text = query_text(rest);
    // In a failed block it fails, by the word of a backend.
    if (text.empty() || client.session_.in_failed_block()) return {};
    const pg::StatementFacts& facts = shard.statements().reader.read(text);
    if (!is_one_of(facts)) return {};
    client.session_.make_channels();
    client.make_listening();
    return client.listening_->serve_query(facts, pg::frame_header_bytes + text.size() + 1);
}

std::size_t PgListening::serve_query(const pg::StatementFacts& facts, std::size_t bytes) {
    const pg::Effect& effect = facts.effects.front();
    pg::ClientChannels& channels = *client_.session_.channels();
    if (stage_ == Stage::subscribed) {
        stage_ = Stage::none;
        return answer("LISTEN", bytes);
    }
    if (effect.kind == pg::EffectKind::unlisten) {
        if (group_ != nullptr) {
            client_.worker().channels().unsubscribe(client_, *group_, effect.name);
        }
        channels.remove(effect.name);
        count();
        return answer("UNLISTEN", bytes);
    }
    if (effect.kind == pg::EffectKind::unlisten_all) {
        for (const std::string& name : channels.names())
            client_.worker().channels().unsubscribe(client_, *group_, name);
        channels.clear();
        count();
        return answer("UNLISTEN", bytes);
    }
    if (channels.names().contains(effect.name)) return answer("LISTEN", bytes);
    const std::uint32_t count_max = client_.worker().settings().max_client_channels;
    if (count_max != 0 && channels.names().size() >= count_max) {
        client_.refuse(RefusalReason::too_many_channels);
        return 0;
    }
    enter_group();
    stage_ = Stage::subscribing;
    awaited_ = 1;
    client_.worker().channels().subscribe(client_, *group_, effect.name, ++serial_);
    return 0;
}

std::size_t PgListening::answer(std::string_view tag, std::size_t bytes) {
    std::string reply = std::exchange(pending_, {});
    wire::Writer(reply)
        .begin_frame(static_cast<char>(pg::BackendMessage::CommandComplete))
        .c_string(tag)
        .end_frame();
    reply += ready_idle;
    client_.session_.query_answered();
    client_.send(reply);
    PgShard& shard = *client_.shard_;
    ++shard.counters.queries;
    ++shard.counters.transactions;
    return bytes;
}

// The end of a transaction.

void PgListening::forwarded(PgBackend& backend) {
    const pg::ClientChannels& channels = *client_.session_.channels();
    if (sender_ != 0 || !pg::has(channels.notes(), pg::ChannelNote::notifies)) return;
    sender_ = backend.key().process_id;
    if (sender_ == 0) return;
    enter_group();
    client_.worker().shared().notify_senders.note(group_->key.database, sender_,
                                                  client_.cancel_process_id());
}

void PgListening::count() {
    const bool listens = !client_.session_.channels()->names().empty();
    if (listens == counted_) return;
    counted_ = listens;
    std::atomic<std::uint32_t>& clients = client_.worker().shared().listening_clients;
    std::uint32_t& here = client_.worker().channels().listener_count;
    if (listens) {
        clients.fetch_add(1, std::memory_order_relaxed);
        ++here;
    } else {
        clients.fetch_sub(1, std::memory_order_relaxed);
        --here;
    }
}

void PgListening::forget_sender() {
    if (sender_ == 0) return;
    client_.worker().shared().notify_senders.forget(group_->key.database, sender_);
    sender_ = 0;
}

void PgListening::ready_came(PgBackend& backend, std::size_t run_bytes, Departure& out) {
    const pg::BackendSession& session = backend.session();
    if (session.status() != pg::TransactionStatus::idle) {
        out.pass(run_bytes);
        return;
    }
    out.pass(run_bytes - ready_idle.size());
    const pg::ChannelNote notes = client_.session_.channels()->notes();
    const bool at_rest = session.releasable() && !client_.session_.within_frame();
    if (!at_rest || notes == pg::ChannelNote::none) {
        // PostgreSQL tells what it has between two transactions before it says that it is ready.
        if (!pending_.empty()) out.insert(std::exchange(pending_, {}));
        out.pass(ready_idle.size());
        return;
    }
    out.skip(ready_idle.size());
    enter_group();
    if (pg::has(notes, pg::ChannelNote::changes) || pg::has(notes, pg::ChannelNote::discards)) {
        begin_asking(backend);
    } else {
        begin_agreeing();
    }
}

void PgListening::begin_asking(PgBackend& backend) {
    stage_ = Stage::asking;
    std::string question;
    client_.session_.channels()->append_question(question);
    pg::OwedReply owed{pg::Owed::query, pg::Audience::nobody};
    owed.twist = pg::Twist::question;
    backend.session().sent(owed);
    backend.send(question);
}

bool PgListening::row_came(wire::Bytes body) {
    return client_.session_.channels()->row_received(body);
}

void PgListening::question_answered() {
    if (stage_ != Stage::asking) return;
    begin_agreeing();
    pg::ClientChannels& channels = *client_.session_.channels();
    ChannelBoard& board = client_.worker().channels();
    const pg::ClientChannels::Names now = channels.take_answer();
    const pg::ClientChannels::Names before = channels.names();
    const std::uint32_t count_max = client_.worker().settings().max_client_channels;
    if (count_max != 0 && now.size() > count_max) {
        // The transaction has committed: as an error it would be believed to have failed.
        const RefusalRow& row = row_of(RefusalReason::too_many_channels);
        std::string frame;
        pg::append_error(frame, pg::Severity::fatal, row.sqlstate, row.text, {}, row.hint);
        client_.refuse_with(RefusalReason::too_many_channels, std::move(frame));
        return;
    }
    for (const std::string& name : before) {
        if (now.contains(name)) continue;
        board.unsubscribe(client_, *group_, name);
        channels.remove(name);
    }
    drop_unheard();
    count();
    for (const std::string& name : now) {
        if (before.contains(name)) continue;
        ++awaited_;
        board.subscribe(client_, *group_, name, serial_);
    }
}

/// What was notified up to the end of a transaction that gives up the channel is not for its client
/// any more: PostgreSQL sends what it has behind the commit.
void PgListening::drop_unheard() {
    if (pending_.empty()) return;
    const pg::ClientChannels::Names& names = client_.session_.channels()->names();
    std::string kept;
    for (wire::Bytes rest = wire::as_bytes(pending_); !rest.empty();) {
        const std::size_t bytes =
            pg::frame_header_bytes + std::size_t{pg::read_frame_header(rest).body_bytes};
        const wire::Bytes frame = rest.first(bytes);
        rest = rest.subspan(bytes);
        pg::Notification notification;
        const bool notifies =
            frame[0] == std::byte{'A'} &&
            pg::parse_notification(frame.subspan(pg::frame_header_bytes), notification);
        if (!notifies || names.contains(notification.channel)) kept += wire::as_text(frame);
    }
    pending_ = std::move(kept);
}

void PgListening::begin_agreeing() {
    stage_ = Stage::agreeing;
    ++serial_;
    awaited_ = 0;
    barriers_ = 0;
    if (!pg::has(client_.session_.channels()->notes(), pg::ChannelNote::notifies)) return;
    const config::Duration wait = client_.worker().settings().notify_wait;
    if (wait.count() == 0) return;
    barriers_ = 1;
    client_.worker().channels().barrier(client_, *group_, serial_);
    client_.engine().timers().arm(*this, client_.engine().now() + wait);
}

bool PgListening::settle() {
    if (stage_ != Stage::agreeing || awaited_ > 0 || barriers_ > 0) return false;
    stage_ = Stage::none;
    disarm();
    forget_sender();
    client_.session_.channels()->settle();
    if (client_.shard_->probes_always()) client_.session_.watch().doubt_everything();
    std::string reply = std::exchange(pending_, {});
    reply += ready_idle;
    client_.send(reply);
    return true;
}

void PgListening::expired(net::TimePoint) {
    // Somebody's listening backend is slow: its notifications come later.
    barriers_ = 0;
    PgRelay::channels_settled(client_);
}

void PgListening::backend_notified(PgBackend& backend, wire::Bytes frame, Departure& out) {
    pg::Notification notification;
    const bool sound = pg::parse_notification(frame.subspan(pg::frame_header_bytes), notification);
    const bool own = notification.process_id == backend.key().process_id;
    const bool heard = client_.session_.channels()->names().contains(notification.channel);
    if (!sound || (!heard && !own)) {
        out.pass(frame.size());
        return;
    }
    // What the client listens to already comes from the listening backend as well.
    if (!heard) {
        std::string renamed;
        notification.process_id = client_.cancel_process_id();
        pg::append_notification(renamed, notification);
        out.insert(renamed);
    }
    out.skip(frame.size());
}

void PgListening::lease_ended() {
    if (keeps_ready()) {
        stage_ = Stage::none;
        disarm();
    }
    forget_sender();
    client_.session_.channels()->settle();
}

void PgListening::left() {
    disarm();
    forget_sender();
    stage_ = Stage::none;
    ++serial_;
    if (group_ == nullptr) return;
    ChannelBoard& board = client_.worker().channels();
    for (const std::string& name : client_.session_.channels()->names())
        board.unsubscribe(client_, *group_, name);
    client_.session_.channels()->clear();
    count();
    board.leave(*std::exchange(group_, nullptr));
}

}  // namespace sluice::server
