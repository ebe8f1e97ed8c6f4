#include "server/pg/relay.hpp"

#include "protocol/assert.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <string>

namespace sluice::server {

namespace {

/// Requests a client may have outstanding before it is not read: bounds the queue of owed replies.
constexpr std::size_t owed_count_max = 4096;
/// Bytes kept of a client that waits in line before it is not read.
constexpr std::size_t waiting_bytes_max = 64U * 1024U;
/// Bytes one slow peer may leave with us while the buffer budget is nearly spent.
constexpr std::uint64_t tight_buffer_bytes = 2 * sizeof(net::Chunk);

/// Unsent bytes for one peer beyond which the other side is not read.
std::uint64_t output_bytes_max(Worker& worker) {
    const net::BufferBudget& buffers = worker.shared().buffers;
    const std::uint64_t usual = worker.settings().client_buffer_max;
    const bool tight = buffers.used() > buffers.bytes_max() / 4 * 3;
    return tight ? std::min(usual, tight_buffer_bytes) : usual;
}

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

std::size_t PgRelay::serve(PgClient& client, wire::Bytes bytes) {
    std::size_t used = 0;
    std::size_t run_begin = 0;
    const auto flush = [&] {
        if (run_begin < used && client.backend_ != nullptr) {
            client.shard_->counters.received_bytes += used - run_begin;
            client.backend_->send(bytes.subspan(run_begin, used - run_begin));
        }
        run_begin = used;
    };
    while (client.phase_ != PgClient::Phase::leaving) {
        const wire::Bytes rest = bytes.subspan(used);
        if (client.backend_ == nullptr) {
            const pg::Wants wants = client.session_.wants(rest);
            if (wants == pg::Wants::more_bytes) break;
            if (wants == pg::Wants::backend && !take_backend(client)) {
                if (client.phase_ != PgClient::Phase::idle) break;
                continue;  // Refused: the session now discards what belongs to the request.
            }
        }
        PgBackend* const backend = client.backend_;
        if (backend != nullptr && backend->holds_requests()) break;
        const pg::ClientSession::Step step = client.session_.next(
            rest, backend == nullptr ? pg::Lending::none : pg::Lending::leased);
        switch (step.kind) {
            case StepKind::read_more:
                flush();
                await_answer(client);
                return used;
            case StepKind::forward:
                SLUICE_ASSERT(backend != nullptr);
                if (!step.inject.empty()) {
                    flush();
                    backend->send(step.inject);
                    backend->session_.sent({step.injected_owed, pg::Audience::nobody});
                }
                if (step.owed != pg::Owed::nothing && !backend->session_.busy()) {
                    client.since_ = client.engine().now();
                    if (backend->session_.releasable()) client.transaction_since_ = client.since_;
                }
                backend->session_.sent({step.owed, pg::Audience::client});
                used += step.bytes;
                break;
            case StepKind::answer:
                flush();
                client.send(step.reply);
                used += step.bytes;
                run_begin = used;
                break;
            case StepKind::discard:
                flush();
                used += step.bytes;
                run_begin = used;
                break;
            case StepKind::finish:
                flush();
                client.leave("closed by client");
                return used;
            case StepKind::violate:
                flush();
                client.refuse(RefusalReason::protocol_violation, step.reply);
                return used;
        }
    }
    flush();
    await_answer(client);
    return used;
}

/// A request has gone on: from now its time counts.
void PgRelay::await_answer(PgClient& client) {
    if (client.backend_ == nullptr) return;
    if (client.session_.pins() != client.pins_counted_) count_pins(client);
    if (client.shard_->has_timeouts()) client.arm_timer();
}

void PgRelay::count_pins(PgClient& client) {
    PgShard& shard = *client.shard_;
    const unsigned pins = client.session_.pins();
    for (std::size_t reason = 0; reason < pg::pin_reason_count; ++reason) {
        shard.counters.pins[reason] += (pins & ~unsigned{client.pins_counted_}) >> reason & 1U;
    }
    if (client.pins_counted_ == 0) ++shard.clients_pinned;
    client.pins_counted_ = client.session_.pins();
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
            client.line_position_ = shard.clients_waiting;
            return false;
        case pool::Shard::Acquired::Kind::refused: client.refused(acquired.reason); return false;
    }
    return false;
}

void PgRelay::backend_received(PgBackend& backend, wire::Bytes arrived) {
    PgShard& shard = backend.shard();
    net::BufferBudget& buffers = shard.worker().shared().buffers;
    const bool kept = !backend.inbox_.empty();
    if (kept && !backend.inbox_.append(arrived, buffers)) {
        buffers_spent(backend);
        return;
    }
    const wire::Bytes bytes = kept ? backend.inbox_.bytes() : arrived;
    const Passage passage = pass_on(backend, bytes);
    if (passage.end == Passage::End::backend_gone) return;
    if (kept) {
        backend.inbox_.consume(passage.bytes, buffers);
    } else if (!backend.inbox_.append(bytes.subspan(passage.bytes), buffers)) {
        buffers_spent(backend);
        return;
    }
    PgClient* const client = backend.client_;
    if (client == nullptr) {
        backend.advance();
    } else {
        if (passage.end == Passage::End::answered) answer_came(*client);
        if (client->backend_ == &backend) release_if_settled(*client);
        if (client->backend_ == &backend) balance(*client);
    }
    shard.perform_orders();
    if (client != nullptr && client->phase_ == PgClient::Phase::idle && !client->inbox_.empty()) {
        serve_kept(*client);
    }
}

PgRelay::Passage PgRelay::pass_on(PgBackend& backend, wire::Bytes bytes) {
    Passage passage;
    std::size_t run_begin = 0;
    const auto flush = [&] {
        if (run_begin < passage.bytes && backend.client_ != nullptr) {
            backend.shard().counters.sent_bytes += passage.bytes - run_begin;
            backend.client_->send(bytes.subspan(run_begin, passage.bytes - run_begin));
        }
        run_begin = passage.bytes;
    };
    while (passage.bytes < bytes.size()) {
        const wire::Bytes rest = bytes.subspan(passage.bytes);
        const bool within_frame = backend.within_client_frame();
        const pg::BackendRun run = backend.session_.next(rest);
        if (run.event == pg::BackendEvent::violation) {
            flush();
            if (PgClient* const client = backend.client_; client != nullptr && within_frame) {
                // The rest of a frame that the client has a part of is lost with the violation.
                client->refuse_with(RefusalReason::backend_violation, {});
            } else if (client != nullptr) {
                client->refuse(RefusalReason::backend_violation);
            }
            if (backend.is_open()) backend_lost(backend);
            passage.end = Passage::End::backend_gone;
            return passage;
        }
        if (run.bytes == 0) break;
        const bool private_run = run.audience == pg::Audience::nobody;
        if (private_run) flush();
        passage.bytes += run.bytes;
        if (private_run) run_begin = passage.bytes;
        if (run.event == pg::BackendEvent::ready && !private_run) {
            passage.end = Passage::End::answered;
            ++backend.shard().counters.queries;
        } else if (run.event != pg::BackendEvent::none) {
            event_came(backend, run.event, rest.first(run.bytes));
            // Opened anew, it has left its old bytes behind.
            if (!backend.is_open() || backend.task_ == PgBackend::Task::connecting) {
                passage.end = Passage::End::backend_gone;
                return passage;
            }
        }
    }
    flush();
    return passage;
}

/// An event that is not the client's alone. `frame` ends with the frame that brought it.
void PgRelay::event_came(PgBackend& backend, pg::BackendEvent event, wire::Bytes frame) {
    switch (event) {
        case pg::BackendEvent::ready: backend.private_ready(); return;
        case pg::BackendEvent::parameter:
            backend.parameter_received(frame.subspan(pg::frame_header_bytes));
            return;
        case pg::BackendEvent::private_error:
            backend.private_failed(frame.subspan(pg::frame_header_bytes));
            return;
        case pg::BackendEvent::none:
        case pg::BackendEvent::violation: return;
    }
}

void PgRelay::answer_came(PgClient& client) {
    PgShard& shard = *client.shard_;
    PgBackend& backend = *client.backend_;
    const net::TimePoint now = client.engine().now();
    if (!backend.session_.busy()) {
        shard.counters.query_seconds.record(now - client.since_);
        client.since_ = now;
        client.cancelled_by_timeout_ = false;
    }
    const bool in_statement_mode = shard.settings().pool_mode == config::PoolMode::statement;
    if (in_statement_mode && backend.session_.settled() &&
        backend.session_.status() != pg::TransactionStatus::idle) {
        client.refuse(RefusalReason::transaction_in_statement_mode);
        return;
    }
    if (backend.session_.releasable()) {
        ++shard.counters.transactions;
        client.transaction_since_ = now;
        client.cancelled_by_timeout_ = false;
    }
    if (shard.has_timeouts()) client.arm_timer();
}

void PgRelay::balance(PgClient& client) {
    if (client.phase_ == PgClient::Phase::leaving) return;
    const bool held = client.phase_ == PgClient::Phase::waiting ||
                      (client.backend_ != nullptr && client.backend_->holds_requests());
    bool pause_client = held && client.inbox_.size() > waiting_bytes_max;
    if (PgBackend* const backend = client.backend_; backend != nullptr) {
        const std::size_t to_backend = backend->pending_output_bytes();
        const std::size_t to_client = client.pending_output_bytes();
        // Nothing waits in the usual case, and then the limits need not be computed.
        if (to_backend > 0 || to_client > 0) {
            const std::uint64_t bytes_max = output_bytes_max(client.worker());
            pause_client = pause_client || to_backend > bytes_max;
            if (to_client > bytes_max) {
                backend->pause_reception();
            } else {
                backend->resume_reception();
            }
        } else if (backend->reception_paused()) {
            backend->resume_reception();
        }
        pause_client = pause_client || backend->session_.owed_count() > owed_count_max;
    }
    if (pause_client) {
        client.pause_reception();
    } else if (client.reception_paused()) {
        client.resume_reception();
    }
}

}  // namespace sluice::server
