#include "server/pg/relay.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/database_wanted.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/departure.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/login.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <string>

namespace sluice::server {

namespace {

/// Makes the backend send what it has to say; itself it is not answered.
constexpr std::string_view flush_frame{"H\0\0\0\4", 5};

/// By its first letters: a Query of LISTEN or UNLISTEN, perhaps.
bool may_be_of_channels(wire::Bytes bytes) {
    if (bytes.size() < pg::frame_header_bytes + 2 || bytes[0] != std::byte{'Q'}) return false;
    const auto letter = [&bytes](std::size_t at) {
        return std::to_integer<char>(bytes[pg::frame_header_bytes + at] | std::byte{0x20});
    };
    return (letter(0) == 'l' && letter(1) == 'i') || (letter(0) == 'u' && letter(1) == 'n');
}

/// True when the front of the bytes was answered, or refused, or waits for its answer.
bool serve_channels(PgClient& client, wire::Bytes rest, Departure& out) {
    // In a block it holds when that is committed.
    if (!may_be_of_channels(rest) || client.session().begin_promised()) return false;
    const auto answered = PgListening::serve(client, rest);
    out.skip(answered.value_or(0));
    return answered.has_value();
}

/// Marks what a text means under settings that no other client has.
constexpr std::uint32_t own_planning = 0x80000000U;

}  // namespace

void PgRelay::client_received(PgClient& client, wire::Bytes bytes) {
    net::BufferBudget& buffers = client.worker().shared().buffers;
    const bool in_line = client.phase_ == PgClient::Phase::waiting;
    if (in_line || !client.inbox_.empty()) {
        if (!client.inbox_.append(bytes, buffers)) {
            client.refuse(RefusalReason::buffers_spent);
            return;
        }
        if (!in_line) {
            serve_kept(client);
        } else {
            balance(client);
        }
        return;
    }
    const std::size_t used = serve(client, bytes);
    if (client.phase_ == PgClient::Phase::leaving) return;
    if (used < bytes.size() && !client.inbox_.append(bytes.subspan(used), buffers)) {
        client.refuse(RefusalReason::buffers_spent);
        return;
    }
    balance(client);
    client.shard_->perform_orders();
}

void PgRelay::serve_kept(PgClient& client) {
    const std::size_t used = serve(client, client.inbox_.bytes());
    if (client.phase_ == PgClient::Phase::leaving) return;
    client.inbox_.consume(used, client.worker().shared().buffers);
    balance(client);
    client.shard_->perform_orders();
}

/// What has been collected for the client's backend goes there.
void PgRelay::send_off(PgClient& client, Departure& out) {
    out.leave([&client](wire::Bytes part) {
        if (client.backend_ == nullptr) return;
        client.shard_->counters.received_bytes += part.size();
        client.backend_->send(part);
    });
}

/// The front of the bytes of a client without a backend: served here, or one is taken for it.
PgRelay::Served PgRelay::serve_unleased(PgClient& client, wire::Bytes rest, Departure& out) {
    if (reads_behind(client)) return Served::later;
    if (client.portal_) {
        send_off(client, out);
        const std::size_t used = serve_portal(client, rest);
        out.skip(used);
        return used == 0 && client.portal_ ? Served::later : Served::yes;
    }
    const pg::Wants wants = client.session_.wants(rest);
    if (wants == pg::Wants::more_bytes) return Served::later;
    if (wants == pg::Wants::nothing) return Served::no;
    const Served here = serve_here(client, rest, out);
    if (here != Served::no) return here;
    if (serve_channels(client, rest, out)) return Served::yes;
    if (take_backend(client)) return Served::no;
    // Refused, if it is not in line: the session now discards what belongs to the request.
    return client.phase_ == PgClient::Phase::idle ? Served::yes : Served::later;
}

std::size_t PgRelay::serve(PgClient& client, wire::Bytes bytes) {
    Departure out(bytes, client.worker().room_to_backend);
    Served block = Served::no;
    while (client.phase_ != PgClient::Phase::leaving) {
        const wire::Bytes rest = bytes.subspan(out.at());
        if (client.listening_ && client.listening_->holds()) break;
        block = opens_block(client, rest);
        if (block != Served::no) break;
        if (client.backend_ == nullptr) {
            const Served served = serve_unleased(client, rest, out);
            if (served == Served::later) break;
            if (served == Served::yes) continue;
        }
        if (settings_drifted(client)) send_off(client, out);  // Before what is sent for those.
        if (settling(client)) break;
        const Before before = before_step(client);
        const bool waited = client.session_.waiting();
        const pg::ClientSession::Step step = next_step(client, rest);
        if (step.kind == StepKind::forward) {
            forward(client, step, before, out);
            continue;
        }
        send_off(client, out);
        if (!serve_step(client, step, waited, out)) return out.at();
    }
    send_off(client, out);
    if (block == Served::yes) refuse_block(client);
    await_answer(client);
    return out.at();
}

/// A step that sends nothing on. False: it was the last one for now.
bool PgRelay::serve_step(PgClient& client, const pg::ClientSession::Step& step, bool waited,
                         Departure& out) {
    switch (step.kind) {
        case StepKind::forward: break;
        case StepKind::answer:
        case StepKind::discard:
            if (!step.reply.empty()) client.send(step.reply);
            out.skip(step.bytes);
            return true;
        case StepKind::refuse: tell_of_loss(client); return true;
        case StepKind::read_more:
        case StepKind::wait: await_answer(client); return false;
        case StepKind::finish:
        case StepKind::violate:
            if (put_off_end(client, step, waited)) {
                await_answer(client);
            } else if (step.kind == StepKind::finish) {
                client.leave("closed by client");
            } else if (step.reply.empty()) {
                client.refuse_with(RefusalReason::protocol_violation, {});
            } else {
                client.refuse(RefusalReason::protocol_violation, step.reply);
            }
            return false;
    }
    return true;
}

/// What was asked for before the end is carried out and answered first, as PostgreSQL does. Neither
/// farewell nor a fault without a word waits for what no Sync asks to keep; a fault that is told
/// does, so that the client sees how far it got.
bool PgRelay::put_off_end(PgClient& client, const pg::ClientSession::Step& step, bool waited) {
    PgBackend* const backend = client.backend_;
    if (backend == nullptr || backend->session_.reads_copy()) return false;
    const bool told = step.kind == StepKind::violate && !step.reply.empty();
    if (told ? !backend->session_.owes_client() : !backend->session_.owes_ready()) return false;
    if (told && !waited) backend->send(flush_frame);
    client.session_.put_off();
    return true;
}

pg::ClientSession::Step PgRelay::next_step(PgClient& client, wire::Bytes rest) {
    PgBackend* const backend = client.backend_;
    if (backend == nullptr) return client.session_.next(rest, pg::Lending::none);
    PgShard& shard = *client.shard_;
    if (!shard.shares_backends()) return client.session_.next(rest, pg::Lending::leased);
    const pg::StatementLease statements{backend->session_,
                                        shard.statements(),
                                        client.profile_->planning,
                                        own_planning | static_cast<std::uint32_t>(client.id_),
                                        &client.start_profile_->settings,
                                        client.profile_->odd_texts,
                                        client.profile_->temporary_path};
    return client.session_.next(rest, pg::Lending::leased, &statements);
}

PgRelay::Before PgRelay::before_step(const PgClient& client) {
    if (client.backend_ == nullptr) return Before::nothing;
    const pg::BackendSession& session = client.backend_->session_;
    if (session.busy()) return Before::request;
    if (session.releasable()) return Before::nothing;
    return session.rest() == pg::Rest::portal ? Before::portal : Before::transaction;
}

void PgRelay::forward(PgClient& client, const pg::ClientSession::Step& step, Before before,
                      Departure& out) {
    SLUICE_ASSERT(client.backend_ != nullptr);
    PgBackend& backend = *client.backend_;
    const bool text = step.owed.owed == pg::Owed::query || step.owed.owed == pg::Owed::parse;
    if (text && pg::may_want_database(out.ahead(step.bytes))) {
        free_database(client, out.ahead(step.bytes));
    }
    if (!step.inject.empty()) {
        out.insert(step.inject);
        backend.session_.sent(step.injected_owed);
    }
    if (step.owed.owed != pg::Owed::nothing && before != Before::request) {
        const net::TimePoint now = client.engine().now();
        if (before == Before::transaction || before == Before::portal) {
            const Hold hold = before == Before::portal ? Hold::portal : Hold::transaction;
            client.shard_->count_hold(hold, now - client.since_);
        }
        client.since_ = now;
        if (before == Before::nothing) client.transaction_since_ = client.since_;
    }
    if (pg::Encore& encore = backend.session_.encore(); encore.records()) {
        encore.append(step.inject);
        encore.append(wire::as_text(out.ahead(step.bytes).subspan(step.replaced)));
        encore.append(step.behind);
    }
    backend.session_.sent(step.owed);
    if (client.session_.channels() != nullptr) {
        client.make_listening();
        client.listening_->forwarded(backend);
    }
    if (step.replaced > 0) out.skip(step.replaced);
    out.pass(step.bytes - step.replaced);
    if (!step.behind.empty()) {
        out.insert(step.behind);
        backend.session_.sent(step.behind_owed);
    }
    if (step.owed.owed == pg::Owed::nothing && backend.session_.answers_next()) {
        // Perhaps a Flush: then what is to be answered here is due.
        pass_on(backend, {});
    }
}

/// A request has gone on: from now its time counts.
void PgRelay::await_answer(PgClient& client) {
    if (client.backend_ == nullptr) return;
    if (client.session_.pins() != client.pins_counted_) count_pins(client);
    if (client.session_.watch().warns()) warn(client);
    if (client.shard_->has_timeouts()) client.arm_timer();
}

bool PgRelay::take_backend(PgClient& client) {
    PgShard& shard = *client.shard_;
    const auto acquired = acquire(client);
    switch (acquired.kind) {
        case pool::Shard::Acquired::Kind::granted:
            shard.counters.wait_seconds.record(std::chrono::nanoseconds(0));
            begin_lease(client, static_cast<PgBackend&>(*acquired.backend));
            return true;
        case pool::Shard::Acquired::Kind::queued:
            // The orders that follow from this are performed by the caller, once the bytes that
            // wait are where a grant will look for them.
            client.set_phase(PgClient::Phase::waiting);
            return false;
        case pool::Shard::Acquired::Kind::refused: client.refused(acquired.reason); return false;
    }
    return false;
}

}  // namespace sluice::server
