// How a client is refused, and how it leaves.

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/console.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/login.hpp"
#include "server/pg/portal_spool.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/replication.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

void PgClient::refused(pool::Refused reason) {
    if (reason == pool::Refused::backend_rejected) {
        std::string frame;
        wire::Writer(frame)
            .begin_frame(static_cast<char>(pg::BackendMessage::ErrorResponse))
            .raw(shard_->pool().last_error())
            .end_frame();
        refuse_with(RefusalReason::backend_rejected, frame);
        return;
    }
    if (reason == pool::Refused::draining) {
        refuse(RefusalReason::shutdown);
        return;
    }
    const auto as = reason == pool::Refused::queue_full ? RefusalReason::queue_full
                                                        : RefusalReason::wait_timeout;
    std::string detail;
    if (as == RefusalReason::wait_timeout) {
        const auto waited =
            std::chrono::duration_cast<std::chrono::milliseconds>(engine().now() - arrived());
        const std::size_t lines = shard_->pool().workers().size();
        detail = "Waited " + std::to_string(waited.count()) + " ms; was number " +
                 std::to_string(line_position_) + " in line on arrival, number 1 now.";
        if (lines > 1) {
            detail += " The pool has " + std::to_string(lines) + " lines, one a worker.";
        }
        const std::string error = shard_->pool().last_error();
        const auto fields = pg::parse_error_fields(wire::as_bytes(error));
        if (shard_->backends().empty() && !fields.message.empty()) {
            detail += " The last attempt to connect failed: " + std::string(fields.message);
        }
    } else {
        detail = std::to_string(shard_->entry()->shared.line().used()) +
                 " clients are in line, max_waiters is " +
                 std::to_string(shard_->settings().max_waiters) + '.';
    }
    refuse(as, {}, detail);
}

void PgClient::refuse(RefusalReason reason, std::string_view text, std::string_view detail) {
    if (phase_ == Phase::leaving) return;
    const RefusalRow& row = row_of(reason);
    const bool in_login = phase_ == Phase::login;
    std::string frame;
    if (in_login) {
        // Before a login has ended, every error is the last word.
        pg::append_error(frame, pg::Severity::fatal, row.sqlstate, text.empty() ? row.text : text,
                         detail, row.hint);
    } else {
        append_refusal(frame, reason, text, detail);
    }
    if (in_login || row.severity == pg::Severity::fatal) {
        refuse_with(reason, frame);
        return;
    }
    ++worker_->counters.refusals[static_cast<std::size_t>(reason)];
    // The request at the front is answered by this error; the session reads over the rest of it.
    session_.refuse();
    const bool was_waiting = phase_ == Phase::waiting;
    set_phase(Phase::idle);
    send(frame);
    if (was_waiting) PgRelay::serve_kept(*this);
}

void PgClient::refuse_with(RefusalReason counted_as, std::string_view frame) {
    if (phase_ == Phase::leaving) return;
    const RefusalRow& row = row_of(counted_as);
    ++worker_->counters.refusals[static_cast<std::size_t>(counted_as)];
    if (row.loudness == Loudness::warning) {
        log::warning("client refused", {{"client", id_}, {"reason", row.label}});
    }
    // In the middle of a reply nothing can be said that the client would understand.
    const bool mid_frame =
        phase_ == Phase::replicating || (backend_ != nullptr && backend_->within_client_frame());
    if (!mid_frame && !frame.empty()) send(frame);
    leave(row.label, Farewell::sent);
}

void PgClient::leave(std::string_view why, Farewell farewell) {
    if (phase_ == Phase::leaving) return;
    const Phase was = phase_;
    if (shard_ != nullptr) {
        if (waiting()) shard_->engine().abandon(*this, engine().now());
        if (backend_ != nullptr) PgRelay::abandon_lease(*this);
        if (listening_) listening_->left();
        session_.forget_statements();
        set_spooled(0);
        drop_portal();
        shard_->pool().client_left(shard_->index(), engine().now());
        --shard_->clients_entered;
        if (!shard_->pool().has_clients()) worker_->idle_pools().watch(shard_->entry());
        if (pins_counted_ != 0) {
            PgRelay::count_pinned_time(*this);
            --shard_->clients_pinned;
        }
    }
    set_phase(Phase::leaving);
    disarm();
    give_back_permits();
    if (was != Phase::login && worker_->configuration().settings.log.log_disconnections) {
        log::info("client left", {{"client", id_}, {"reason", why}});
    }
    if (login_) engine().bury(std::move(login_));
    if (console_) engine().bury(std::move(console_));
    if (replication_) {
        replication_->client_left();
        engine().bury(std::move(replication_));
    }
    PgShard* const shard = shard_;
    shard_ = nullptr;
    start_profile_ = {};
    profile_ = {};  // It belongs to the pool, which this object may outlive.
    if (is_open() && (farewell == Farewell::sent || pending_output_bytes() > 0)) {
        // A peer that does not read its last words has this long.
        engine().timers().arm(*this, engine().now() + net::Duration(5'000));
        close_after_output();
    } else {
        close();
        worker_->dismiss(*this);
    }
    if (shard != nullptr) shard->perform_orders();
}

void PgClient::drain() {
    switch (phase_) {
        case Phase::login:
        case Phase::idle:
        case Phase::console:
        case Phase::replicating: refuse_with_shutdown(); return;
        case Phase::waiting:
        case Phase::leaving: return;
        case Phase::active: PgRelay::release_if_settled(*this); return;
    }
}

void PgClient::refuse_with_shutdown() {
    std::string frame;
    append_refusal(frame, RefusalReason::shutdown);
    refuse_with(RefusalReason::shutdown, std::move(frame));
}

}  // namespace sluice::server
