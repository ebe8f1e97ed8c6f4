// What a backend says that is not simply its client's.

#include "protocol/pg/database_wanted.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/departure.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <string>

namespace sluice::server {

namespace {

/// Notifications of its backend cannot be meant for it.
bool hears_nothing(PgClient& client) {
    PgShard& shard = *client.shard();
    const bool own = client.session().pins() != 0 || client.session().watch().channels_in_doubt() ||
                     client.backend()->inquiring();
    return shard.shares_backends() && shard.statements().policy.follows_channels() && !own;
}

}  // namespace

/// A run for the client, if there is one, as it came or in other words.
void PgRelay::pass_run(PgBackend& backend, const pg::BackendRun& run, wire::Bytes frames,
                       Departure& out) {
    PgClient* const client = backend.client_;
    if (client != nullptr && run.event == pg::BackendEvent::renamed_error) {
        rename_error(backend, frames, out);
    } else if (client != nullptr && run.event == pg::BackendEvent::ready &&
               client->session_.begin_has_failed()) {
        tell_of_failed_begin(*client, run.bytes, out);
    } else if (client != nullptr && client->listening_ && run.event == pg::BackendEvent::ready) {
        client->listening_->ready_came(backend, run.bytes, out);
    } else if (client != nullptr && client->listening_ &&
               run.event == pg::BackendEvent::notification) {
        client->listening_->backend_notified(backend, frames, out);
    } else if (client != nullptr && run.event == pg::BackendEvent::notification &&
               hears_nothing(*client)) {
        out.skip(run.bytes);  // Somebody before it has had this backend listen, unseen.
    } else {
        out.pass(run.bytes);
    }
}

/// An error that speaks of a statement shows the client its own name for it.
void PgRelay::rename_error(PgBackend& backend, wire::Bytes frame, Departure& out) {
    PgClient& client = *backend.client_;
    const pg::OwedReply& failed = backend.session_.failed();
    std::string words;
    if (failed.twist == pg::Twist::begins) client.session_.begin_failed();
    const std::string_view sqlstate =
        pg::parse_error_fields(frame.subspan(pg::frame_header_bytes)).sqlstate;
    const bool name_taken = sqlstate == "42P05";
    if (failed.twist == pg::Twist::rejected && (name_taken || sqlstate == "22012")) {
        append_refusal(words, RefusalReason::session_state_rejected,
                       "session state of this kind is rejected here: " +
                           std::string(pg::name_of(static_cast<pg::PinReason>(failed.slot))));
        ++client.worker()
              .counters.refusals[static_cast<std::size_t>(RefusalReason::session_state_rejected)];
    } else if (failed.twist == pg::Twist::outdated && sqlstate == "26000") {
        pg::append_outdated_plan_error(words);
    } else if (failed.twist == pg::Twist::beyond_limits && name_taken) {
        append_refusal(words, RefusalReason::too_many_statements);
        ++client.worker()
              .counters.refusals[static_cast<std::size_t>(RefusalReason::too_many_statements)];
    } else {
        const pg::ClientStatements* const statements = client.session_.statements();
        const std::string_view name =
            statements == nullptr ? std::string_view{} : statements->name_of(failed.slot);
        pg::append_renamed_error(words, frame, pg::StatementName(failed.statement).text(), name);
    }
    out.insert(words);
    out.skip(frame.size());
}

/// Somebody changed a definition unseen. What other clients and backends rely on is parsed anew
/// from here on, so that one batch is sent twice and no other.
void PgRelay::send_again(PgBackend& backend) {
    PgShard& shard = backend.shard();
    shard.schema_changed(pg::SchemaChange::results);
    pg::StatementDesk& desk = shard.statements();
    backend.session_.statements().set_generation(desk.generation);
    ++desk.counters.batches_sent_again;
    std::string batch;
    backend.session_.send_again(batch);
    backend.send(batch);
}

/// An event that is not the client's alone. `frame` ends with the frame that brought it.
void PgRelay::event_came(PgBackend& backend, pg::BackendEvent event, wire::Bytes frame) {
    switch (event) {
        case pg::BackendEvent::ready:
            backend.private_ready();
            if (backend.client_ != nullptr && backend.client_->listening_) {
                backend.client_->listening_->question_answered();
            }
            // While the backend was asked, the client could not be told.
            if (backend.client_ != nullptr && backend.client_->listening_) {
                backend.client_->listening_->caught_up();
            }
            return;
        case pg::BackendEvent::private_row: {
            // A question about the session is asked when one about channels has been answered.
            PgClient* const client = backend.client_;
            const wire::Bytes row = frame.subspan(pg::frame_header_bytes);
            if (backend.inquiring()) {
                backend.private_row(row);
            } else if (client != nullptr && client->listening_ &&
                       !client->listening_->row_came(row)) {
                backend_lost(backend, RefusalReason::backend_violation);
            }
            return;
        }
        case pg::BackendEvent::parameter:
            backend.parameter_received(frame.subspan(pg::frame_header_bytes));
            return;
        case pg::BackendEvent::private_notice: backend.private_noticed(frame); return;
        case pg::BackendEvent::private_error:
            backend.private_failed(frame.subspan(pg::frame_header_bytes));
            return;
        case pg::BackendEvent::outdated_plan: send_again(backend); return;
        case pg::BackendEvent::none:
        case pg::BackendEvent::notification:
        case pg::BackendEvent::renamed_error:
        case pg::BackendEvent::answer:
        case pg::BackendEvent::violation: return;
    }
}

/// PostgreSQL waits for a moment until nobody is in the database: idle backends need not be.
void PgRelay::free_database(PgClient& client, wire::Bytes frame) {
    const auto name = pg::database_wanted(frame);
    if (!name) return;
    PgShard& shard = *client.shard();
    shard.worker().shared().free_database(shard.settings(), *name);
}

}  // namespace sluice::server
