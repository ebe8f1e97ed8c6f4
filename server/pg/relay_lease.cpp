// How a lease begins and every way in which it ends.

#include "protocol/assert.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <string>

namespace sluice::server {

namespace {

/// How long an idle backend may have been out of sight before it is handed out unseen.
constexpr std::chrono::milliseconds unseen_max{5};

}  // namespace

pool::Shard::Acquired PgRelay::acquire(PgClient& client) {
    using Kind = pool::Shard::Acquired::Kind;
    while (true) {
        const net::TimePoint now = client.engine().now();
        const auto acquired = client.shard_->engine().acquire(client, now);
        if (acquired.kind == Kind::queued) {
            // Who has been promised a backend in this very call is in line no more.
            const std::size_t waiters = client.shard_->engine().waiter_count();
            client.line_position_ = static_cast<std::uint32_t>(std::max<std::size_t>(waiters, 1));
        }
        if (acquired.kind != Kind::granted) return acquired;
        auto& backend = static_cast<PgBackend&>(*acquired.backend);
        if (now - backend.idle_since() < unseen_max) return acquired;
        backend.look();
        if (!backend.is_open()) continue;
        if (backend.session_.releasable() && backend.input_settled()) return acquired;
        backend_lost(backend);
    }
}

void PgRelay::begin_lease(PgClient& client, PgBackend& backend) {
    SLUICE_ASSERT(backend.client_ == nullptr && client.backend_ == nullptr);
    backend.client_ = &client;
    client.backend_ = &backend;
    if (client.phase_ == PgClient::Phase::login) return;
    client.set_phase(PgClient::Phase::active);
    client.lease_since_ = client.since_;
    client.transaction_since_ = client.since_;
    client.cancelled_by_timeout_ = false;
    backend.lend_settings_to(client.id());
    if (client.session_.begin_promised()) ++client.shard_->counters.begins_sent;
    if (backend.profile_ != client.profile_) backend.apply_profile(client.profile_);
    if (client.session_.in_failed_block()) {
        backend.make_failed_block();
        client.session_.failed_block_made();
    }
}

void PgRelay::release_if_settled(PgClient& client) {
    PgBackend& backend = *client.backend_;
    if (backend.session_.wants_proof() && !client.session_.within_frame()) {
        std::string question;
        backend.session_.append_recovery(question);
        backend.send(question);
        return;
    }
    if (!backend.session_.releasable() || !backend.input_settled() || backend.cancel_in_flight() ||
        backend.task_ != PgBackend::Task::ready || client.session_.within_frame() ||
        client.phase_ == PgClient::Phase::login || client.prepares_apart() ||
        (client.listening_ && client.listening_->keeps_ready())) {
        return;
    }
    if (client.worker().draining()) {
        client.refuse(RefusalReason::shutdown);
        return;
    }
    if (client.shard_->shares_backends()) {
        // Put off by a question about channels.
        if (client.session_.restarts()) restart_settings(client);
        if (!backend.session_.releasable() || settle_doubts(client)) return;
    }
    const bool in_doubt = client.session_.watch().in_doubt();
    if (pinned(client) || in_doubt || client.session_.holds_backend()) return;
    if (const std::size_t left = client.pending_output_bytes(); left > 0) client.set_spooled(left);
    const bool always = client.worker().settings().server_reset_query_always;
    end_lease(client, client.session_.needs_reset() || always ? pool::Outcome::needs_reset
                                                              : pool::Outcome::clean);
}

bool PgRelay::pinned(const PgClient& client) {
    return client.shard_->settings().pool_mode == config::PoolMode::session ||
           client.session_.pin().has_value();
}

void PgRelay::end_lease(PgClient& client, pool::Outcome outcome) {
    PgBackend& backend = *client.backend_;
    PgShard& shard = *client.shard_;
    const net::TimePoint now = client.engine().now();
    if (client.phase_ == PgClient::Phase::active) {
        shard.counters.lease_seconds.record(now - client.lease_since_);
    }
    backend.client_ = nullptr;
    client.backend_ = nullptr;
    backend.session_.serve_statements_of(nullptr);
    if (client.listening_) client.listening_->lease_ended();
    client.session_.lease_ended();
    if (client.phase_ == PgClient::Phase::active) client.set_phase(PgClient::Phase::idle);
    backend.reader_caught_up();
    backend.give_back(outcome);
}

void PgRelay::channels_settled(PgClient& client) {
    if (!client.listening_->settle()) return;
    PgShard& shard = *client.shard_;
    if (client.backend_ != nullptr) release_if_settled(client);
    if (client.phase_ != PgClient::Phase::leaving) balance(client);
    shard.perform_orders();
    client.go_on();
}

void PgRelay::abandon_lease(PgClient& client) {
    PgBackend& backend = *client.backend_;
    const bool session_mode = client.shard_->settings().pool_mode == config::PoolMode::session;
    const bool dirty = client.session_.needs_reset() || session_mode || backend.inquiring() ||
                       client.worker().settings().server_reset_query_always;
    const bool spoilt = client.session_.watch().spoils_backend();
    const pool::Outcome when_clean = spoilt  ? pool::Outcome::broken
                                     : dirty ? pool::Outcome::needs_reset
                                             : pool::Outcome::clean;
    const bool half_a_frame = client.session_.within_frame();
    const bool connecting = backend.task_ != PgBackend::Task::ready;
    const bool settled =
        backend.session_.releasable() && backend.input_settled() && !backend.cancel_in_flight();
    if (half_a_frame || connecting || !backend.is_open()) {
        end_lease(client, pool::Outcome::broken);
    } else if (settled) {
        end_lease(client, when_clean);
    } else {
        count_rest(client);
        ++client.shard_->counters.recoveries;
        if (client.phase_ == PgClient::Phase::active) {
            client.shard_->counters.lease_seconds.record(client.engine().now() -
                                                         client.lease_since_);
        }
        backend.client_ = nullptr;
        client.backend_ = nullptr;
        backend.session_.serve_statements_of(nullptr);
        backend.recover(when_clean);
    }
}

void PgRelay::buffers_spent(PgBackend& backend) {
    log::warning("backend lost", {{"backend", backend.id()},
                                  {"database", backend.shard().settings().database},
                                  {"user", backend.shard().settings().user},
                                  {"error", "buffer memory spent"}});
    backend_lost(backend, RefusalReason::buffers_spent);
}

void PgRelay::backend_lost(PgBackend& backend, RefusalReason reason) {
    PgClient* const client = backend.client_;
    PgShard& shard = backend.shard();
    backend.client_ = nullptr;
    backend.session_.serve_statements_of(nullptr);
    const bool told = backend.session_.error_outstanding() || backend.within_client_frame();
    if (client != nullptr) {
        client->backend_ = nullptr;
        if (client->listening_) client->listening_->lease_ended();
        client->session_.lease_ended();
    }
    backend.lose();
    if (client != nullptr && client->phase_ != PgClient::Phase::leaving) {
        if (told) {
            client->refuse_with(reason, {});
        } else {
            client->refuse(reason);
        }
    }
    shard.perform_orders();
}

}  // namespace sluice::server
