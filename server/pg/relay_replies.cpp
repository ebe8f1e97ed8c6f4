// What backends say, on its way to their clients.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/departure.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

namespace sluice::server {

void PgRelay::backend_received(PgBackend& backend, wire::Bytes arrived) {
    PgShard& shard = backend.shard();
    net::BufferBudget& buffers = shard.worker().shared().buffers;
    const bool kept = !backend.inbox_.empty();
    if (kept && !backend.inbox_.append(arrived, buffers)) {
        buffers_spent(backend);
        return;
    }
    const wire::Bytes bytes = kept ? backend.inbox_.bytes() : arrived;
    const bool was_busy = backend.session_.busy();
    const bool was_held = backend.client_ != nullptr && held(*backend.client_);
    const Passage passage = pass_on(backend, bytes);
    if (passage.end == Passage::End::backend_gone) return;
    if (kept) {
        backend.inbox_.consume(passage.bytes, buffers);
    } else if (!backend.inbox_.append(bytes.subspan(passage.bytes), buffers)) {
        buffers_spent(backend);
        return;
    }
    PgClient* const client = backend.client_;
    bool settled = false;
    if (client == nullptr) {
        backend.advance();
    } else {
        if (passage.end == Passage::End::answered) {
            answer_came(*client);
        } else if (backend.draining_) {
            portal_advanced(*client);
        } else if (was_busy && !backend.session_.busy()) {
            rest_came(*client);
        }
        if (client->listening_) settled = client->listening_->settle();
        if (client->backend_ == &backend) release_if_settled(*client);
        if (client->backend_ == &backend) balance(*client);
    }
    shard.perform_orders();
    if (client == nullptr || client->inbox_.empty()) return;
    const bool waited = client->phase_ == PgClient::Phase::active &&
                        (client->session_.waiting() || settled || (was_held && !held(*client)));
    if (waited || client->phase_ == PgClient::Phase::idle) serve_kept(*client);
}

PgRelay::Passage PgRelay::pass_on(PgBackend& backend, wire::Bytes bytes) {
    Passage passage;
    Departure out(bytes, backend.shard().worker().room_to_client);
    const auto leave = [&] {
        passage.bytes = out.at();
        out.leave([&backend](wire::Bytes part) {
            if (backend.client_ == nullptr) return;
            backend.shard().counters.sent_bytes += part.size();
            backend.client_->send(part);
        });
    };
    while (out.at() < bytes.size() || backend.session_.answers_next()) {
        const wire::Bytes rest = bytes.subspan(out.at());
        const bool within_frame = backend.within_client_frame();
        const pg::BackendRun run = backend.session_.next(rest);
        if (run.event == pg::BackendEvent::answer) {
            out.insert(run.reply);
            continue;
        }
        if (run.event == pg::BackendEvent::violation) {
            leave();
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
        if (private_run) {
            leave();
            if (backend.draining_) store_for_portal(*backend.client_, rest.first(run.bytes));
            out.skip(run.bytes);
        } else {
            pass_run(backend, run, rest.first(run.bytes), out);
        }
        if (run.event == pg::BackendEvent::ready) {
            const pg::SchemaChange change = backend.session_.take_schema_change();
            if (change != pg::SchemaChange::none) backend.shard().schema_changed(change);
        }
        if (run.event == pg::BackendEvent::ready && !private_run) {
            passage.end = Passage::End::answered;
            ++backend.shard().counters.queries;
        } else if (run.event != pg::BackendEvent::none) {
            passage.bytes = out.at();
            event_came(backend, run.event, rest.first(run.bytes));
            // Opened anew, it has left its old bytes behind.
            if (!backend.is_open() || backend.task_ == PgBackend::Task::opening) {
                passage.end = Passage::End::backend_gone;
                return passage;
            }
        }
    }
    leave();
    return passage;
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
    client.session_.watch().something_happened();
    if (client.session_.restarts()) restart_settings(client);
    if (backend.session_.releasable()) {
        client.session_.watch().transaction_ended();
        if (shard.probes_always()) client.session_.watch().doubt_everything();
        ++shard.counters.transactions;
        client.transaction_since_ = now;
        client.cancelled_by_timeout_ = false;
    }
    if (shard.has_timeouts()) client.arm_timer();
}

}  // namespace sluice::server
