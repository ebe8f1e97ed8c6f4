#include "server/pg/client.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/console.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/login.hpp"
#include "server/pg/portal_spool.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/replication.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::server {

PgClient::PgClient(Worker& worker, std::uint64_t id)
    : Stream(worker.engine()),
      worker_(&worker),
      session_(static_cast<std::uint32_t>(
          std::min<std::uint64_t>(worker.settings().max_packet_size, 0x7fffffffU))),
      id_(id),
      accepted_at_(worker.engine().now()) {}

PgClient::~PgClient() {
    if (portal_) portal_->stored.clear(worker_->shared().buffers);
    inbox_.clear(worker_->shared().buffers);
}

void PgClient::begin(int fd, const net::SocketAddress& peer) {
    since_ = engine().now();
    login_ = std::make_unique<PgLogin>(*this, peer);
    open(fd);
    arm_timer();
    // Its first words came with it: the listener waits for them.
    look();
}

void PgClient::received(wire::Bytes bytes) {
    switch (phase_) {
        case Phase::login:
            if (!inbox_.append(bytes, worker_->shared().buffers)) {
                refuse(RefusalReason::buffers_spent);
                return;
            }
            login_->proceed();
            return;
        case Phase::console: console_->received(bytes); return;
        case Phase::replicating: replication_->client_received(bytes); return;
        case Phase::idle:
        case Phase::waiting:
        case Phase::active: PgRelay::client_received(*this, bytes); return;
        case Phase::leaving: return;
    }
}

void PgClient::output_drained() {
    if (replication_) replication_->client_caught_up();
    if (listening_) listening_->caught_up();
    if (shard_ != nullptr && phase_ != Phase::login && phase_ != Phase::console)
        PgRelay::client_caught_up(*this);
}

void PgClient::ended(int error) {
    if (phase_ == Phase::leaving) {
        worker_->dismiss(*this);
        return;
    }
    if (error == ENOBUFS) {
        refuse_with(RefusalReason::buffers_spent, {});
        return;
    }
    leave(error == 0 ? "closed by client" : "connection lost");
}

bool PgClient::take_place(std::uint32_t reserve) {
    has_place_ = worker_->shared().clients.try_take(reserve);
    if (!has_place_) refuse(RefusalReason::too_many_clients);
    return has_place_;
}

bool PgClient::take_permits(const config::PoolSettings& settings) {
    Shared& shared = worker_->shared();
    if (const std::uint32_t limit = settings.max_user_client_connections; limit != 0) {
        user_permit_ = shared.user_clients.try_take(settings.user, limit);
        if (user_permit_ == nullptr) {
            refuse(RefusalReason::too_many_user_clients);
            return false;
        }
    }
    if (const std::uint32_t limit = settings.max_db_client_connections; limit != 0) {
        database_permit_ = shared.database_clients.try_take(settings.database, limit);
        if (database_permit_ == nullptr) {
            refuse(RefusalReason::too_many_database_clients);
            return false;
        }
    }
    return true;
}

void PgClient::give_back_permits() {
    Shared& shared = worker_->shared();
    if (std::exchange(has_place_, false)) shared.clients.give_back();
    if (auto* const permit = std::exchange(user_permit_, nullptr)) {
        shared.user_clients.give_back(*permit);
    }
    if (auto* const permit = std::exchange(database_permit_, nullptr)) {
        shared.database_clients.give_back(*permit);
    }
}

void PgClient::enter(PgShard& shard, ProfileRef profile) {
    shard_ = &shard;
    profile_ = std::move(profile);
    start_profile_ = profile_;
    set_affinity(profile_->id);
    shard.pool().client_entered(shard.index());
    ++shard.clients_entered;
}

void PgClient::become_ready() {
    engine().bury(std::move(login_));
    if (backend_ == nullptr) {
        set_phase(Phase::idle);
    } else {
        set_phase(Phase::active);
        lease_since_ = since_;
        transaction_since_ = since_;
        PgRelay::release_if_settled(*this);
    }
    arm_timer();
    if (phase_ == Phase::leaving) return;
    if (!inbox_.empty()) {
        PgRelay::serve_kept(*this);
    } else {
        shard_->perform_orders();
    }
}

void PgClient::become_console(std::unique_ptr<PgConsole> console) {
    console_ = std::move(console);
    engine().bury(std::move(login_));
    set_phase(Phase::console);
    disarm();
}

void PgClient::begin_replication(std::unique_ptr<PgReplication> replication) {
    replication_ = std::move(replication);
    replication_->begin();
}

void PgClient::become_replicating() {
    engine().bury(std::move(login_));
    set_phase(Phase::replicating);
    disarm();
    net::BufferBudget& buffers = worker_->shared().buffers;
    if (inbox_.empty()) return;
    const std::string kept(wire::as_text(inbox_.bytes()));
    inbox_.clear(buffers);
    replication_->client_received(wire::as_bytes(kept));
}

void PgClient::granted(PgBackend& backend) {
    shard_->counters.wait_seconds.record(engine().now() - arrived());
    if (login_) {
        login_->granted(backend);
        return;
    }
    PgRelay::begin_lease(*this, backend);
    PgRelay::serve_kept(*this);
}

void PgClient::backend_ready() {
    if (login_) {
        login_->backend_ready();
    } else {
        go_on();
    }
}

void PgClient::go_on() {
    const bool served = phase_ == Phase::idle || phase_ == Phase::active;
    if (served && !inbox_.empty()) PgRelay::serve_kept(*this);
}

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

bool PgClient::prepares_apart() const noexcept {
    const pg::ClientStatements* const statements = session_.statements();
    return statements != nullptr && statements->prepared_apart();
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

void PgClient::make_listening() {
    if (!listening_) listening_ = std::make_unique<PgListening>(*this);
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

void PgClient::cancel_requested(const std::function<void()>& done) {
    if (phase_ == Phase::waiting) {
        shard_->engine().abandon(*this, engine().now());
        refuse(RefusalReason::cancelled_waiting);
        done();
        return;
    }
    if (phase_ == Phase::replicating) {
        if (replication_->cancel(done)) return;
        ++worker_->counters.cancels_dropped;
        done();
        return;
    }
    const bool running = backend_ != nullptr && backend_->session().busy();
    if (!running) {
        ++worker_->counters.cancels_dropped;
        done();
        return;
    }
    if (!backend_->cancel_running(done)) done();
}

void PgClient::set_phase(Phase phase) noexcept {
    const auto count = [this](Phase of) -> std::uint32_t* {
        if (shard_ == nullptr) return nullptr;
        switch (of) {
            case Phase::idle: return &shard_->clients_idle;
            case Phase::waiting: return &shard_->clients_waiting;
            case Phase::active: return &shard_->clients_active;
            case Phase::login:
            case Phase::console:
            case Phase::replicating:
            case Phase::leaving: return nullptr;
        }
        return nullptr;
    };
    if (std::uint32_t* const before = count(phase_)) --*before;
    phase_ = phase;
    if (std::uint32_t* const after = count(phase_)) ++*after;
    since_ = engine().now();
    if (phase_ == Phase::idle && shard_->has_timeouts()) arm_timer();
}

void PgClient::drop_portal() noexcept {
    if (!portal_) return;
    shard_->spool_bytes -= portal_->counted;
    portal_->stored.clear(worker_->shared().buffers);
    portal_.reset();
}

void PgClient::set_spooled(std::size_t bytes) noexcept {
    if (bytes > spooled_bytes_) shard_->counters.spooled_bytes += bytes - spooled_bytes_;
    shard_->spool_bytes += bytes - spooled_bytes_;
    spooled_bytes_ = static_cast<std::uint32_t>(bytes);
}

}  // namespace sluice::server
