#include "server/pg/client.hpp"

#include "protocol/pg/frame.hpp"

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

bool PgClient::prepares_apart() const noexcept {
    const pg::ClientStatements* const statements = session_.statements();
    return statements != nullptr && statements->prepared_apart();
}

void PgClient::make_listening() {
    if (!listening_) listening_ = std::make_unique<PgListening>(*this);
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
    // Counted where it happens, so that nobody has to look at all clients to know.
    const auto count = [this](Phase of) -> std::uint32_t* {
        switch (of) {
            case Phase::idle: return &shard_->clients_idle;
            case Phase::waiting: return &shard_->clients_waiting;
            case Phase::active: return &shard_->clients_active;
            case Phase::login: return &worker_->client_counts.login;
            case Phase::console: return &worker_->client_counts.console;
            case Phase::replicating: return &worker_->client_counts.replicating;
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
