// The second half of a login: from "this is who they say they are" to the first ReadyForQuery.

#include "protocol/pg/login_messages.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/console.hpp"
#include "server/pg/login.hpp"
#include "server/pg/pool_directory.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/replication.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

namespace sluice::server {

namespace {

/// What a first answer of PostgreSQL 15 takes, and some room.
constexpr std::size_t reply_bytes_usual = 1024;

}  // namespace

void PgLogin::admitted() {
    stage_ = Stage::entering;
    Worker& worker = client_.worker();
    const auto verdict = worker.shared().login_guard.login_succeeded(net::client_address(peer_),
                                                                     client_.engine().now());
    if (verdict != LoginGuard::Verdict::welcome) {
        client_.refuse(RefusalReason::too_many_logins);
        return;
    }
    if (PgConsole::is_console(database_)) {
        PgConsole::open(client_, user_, std::move(reply_));
        return;
    }
    const auto entry = pool_of(worker, database_, user_);
    if (!entry) {
        refuse_database();
        return;
    }
    const auto& pool = static_cast<const PgPool&>(*entry->attachment);
    if (!client_.take_permits(pool.settings())) return;
    if (replication_.empty()) {
        go_to_pool(entry);
    } else {
        begin_replication(entry);
    }
}

void PgLogin::begin_replication(std::shared_ptr<pool::PoolEntry> entry) {
    if (!client_.worker().shared().replications.try_take()) {
        client_.refuse(RefusalReason::too_many_replications);
        return;
    }
    client_.begin_replication(std::make_unique<PgReplication>(
        client_, PgReplication::Beginning{std::move(entry), std::move(settings_), replication_,
                                          std::move(reply_), cancel_key_form_}));
}

void PgLogin::go_to_pool(const std::shared_ptr<pool::PoolEntry>& entry) {
    Worker& worker = client_.worker();
    const auto& pool = static_cast<const PgPool&>(*entry->attachment);
    const unsigned target = pool.workers()[pool.choose_shard(worker.index())];
    if (target == worker.index()) {
        enter_shard(entry);
        return;
    }
    Worker& home = *worker.shared().workers[target];
    // A task must be copyable, so the client travels as a bare pointer with one owner at a time.
    PgClient* const travelling = worker.part_with(client_).release();
    home.post([&home, travelling, entry] {
        PgClient* const arrived = home.adopt(std::unique_ptr<PgClient>(travelling));
        if (arrived != nullptr) arrived->login_->enter_shard(entry);
    });
}

std::string PgLogin::take_notices() {
    const std::string notices = std::exchange(notices_, {}).value_or("");
    if (notices.empty()) return {};
    std::string out = std::exchange(reply_, {});
    pg::append_authentication_ok(out);
    return out += notices;
}

void PgLogin::refuse_database() {
    client_.refuse(RefusalReason::database_unknown,
                   "database \"" + database_ + "\" does not exist");
}

void PgLogin::enter_shard(const std::shared_ptr<pool::PoolEntry>& entry) {
    if (static_cast<const PgPool&>(*entry->attachment).retired()) {
        // A reload has overtaken the client on its way here. It has its places already.
        const auto successor = pool_of(client_.worker(), database_, user_);
        if (!successor) {
            refuse_database();
        } else {
            go_to_pool(successor);
        }
        return;
    }
    PgShard& shard = client_.worker().shard_of(entry);
    client_.enter(shard, shard.pool().profiles().find_or_add(settings_));
    const bool session_mode = shard.settings().pool_mode == config::PoolMode::session;
    if (!session_mode && finish()) return;
    // A first client with these settings: a backend says what they come to, or refuses them.
    const auto acquired = PgRelay::acquire(client_);
    switch (acquired.kind) {
        case pool::Shard::Acquired::Kind::granted:
            granted(static_cast<PgBackend&>(*acquired.backend));
            break;
        case pool::Shard::Acquired::Kind::queued: break;
        case pool::Shard::Acquired::Kind::refused: client_.refused(acquired.reason); break;
    }
    shard.perform_orders();
}

void PgLogin::granted(PgBackend& backend) {
    PgRelay::begin_lease(client_, backend);
    backend_ready();
}

void PgLogin::backend_ready() {
    PgBackend& backend = *client_.backend();
    PgShard& shard = *client_.shard();
    const ProfileRef& profile = client_.profile();
    const bool session_mode = shard.settings().pool_mode == config::PoolMode::session;
    if (session_mode && !backend.started_with(*profile)) {
        // What stands in the startup packet is the backend's own: RESET goes back to it. It goes
        // there only once a backend has accepted it, so that a client's mistake stays its own.
        if (shard.pool().profiles().accepted(*profile)) {
            backend.reopen(profile);
        } else {
            backend.apply_profile(profile);
        }
        return;
    }
    if (backend.profile() != profile.get()) {
        backend.apply_profile(profile);
        return;
    }
    if (finish()) return;
    // Another backend's ParameterStatus made the pool forget what this one says.
    PgProfiles& profiles = shard.pool().profiles();
    if (notices_) profiles.learn_notices(*profile, std::move(*notices_));
    profiles.learn(*profile, backend.statuses());
    if (!finish()) client_.refuse(RefusalReason::backend_lost);
}

void PgLogin::settings_noticed(wire::Bytes frame) {
    if (!notices_ || notices_->size() + frame.size() > pg::login_notice_bytes_max) return;
    notices_->append(wire::as_text(frame));
}

bool PgLogin::finish() {
    PgClient& client = client_;
    PgShard& shard = *client.shard();
    std::string reply;
    reply.reserve(reply_bytes_usual);
    reply += reply_;
    pg::append_authentication_ok(reply);
    if (!shard.pool().profiles().append_login_frames(*client.profile(), reply)) return false;
    PgBackend* const backend = client.backend();
    const bool session_mode = shard.settings().pool_mode == config::PoolMode::session;
    client.worker().give_cancel_key(client, cancel_key_form_);
    std::uint32_t process_id = client.cancel_process_id();
    if (session_mode && backend != nullptr && backend->key().process_id != 0) {
        process_id = backend->key().process_id;
        client.set_cancel_key(process_id, client.cancel_secret(), cancel_key_form_);
    }
    const CancelKey key = client.worker().shared().cancel_keys.key_of(
        process_id, client.cancel_secret(), cancel_key_form_);
    pg::append_backend_key_data(reply, process_id, key.view());
    pg::append_ready_for_query(reply, 'I');
    client.send(reply);
    client.worker().counters.logins += 1;
    if (client.worker().configuration().settings.log.log_connections) {
        log::info("client logged in", {{"client", client.id()},
                                       {"user", user_},
                                       {"database", database_},
                                       {"address", peer_.text()}});
    }
    client.become_ready();
    return true;
}

}  // namespace sluice::server
