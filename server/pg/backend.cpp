#include "server/pg/backend.hpp"

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/net/socket_options.hpp"
#include "server/pg/cancel.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/session_inquiry.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::server {

namespace {

/// Between two cancels of the same abandoned query.
constexpr net::Duration cancel_repeat{200};

}  // namespace

PgBackend::PgBackend(PgShard& shard, ProfileRef profile, std::uint64_t id)
    : Stream(shard.worker().engine()),
      pool::Backend(profile->id),
      shard_(&shard),
      id_(id),
      startup_profile_(std::move(profile)) {}

PgBackend::~PgBackend() {
    inbox_.clear(shard_->worker().shared().buffers);
}

void PgBackend::arm(net::Duration timeout) {
    if (timeout.count() == 0) {
        disarm();
        return;
    }
    engine().timers().arm(*this, engine().now() + timeout);
}

void PgBackend::received(wire::Bytes bytes) {
    if (task_ == Task::opening) {
        opening_->received(bytes);
    } else {
        PgRelay::backend_received(*this, bytes);
    }
}

void PgBackend::output_drained() {
    if (client_ != nullptr) PgRelay::balance(*client_);
}

void PgBackend::ended(int error) {
    if (task_ == Task::opening) {
        opening_->ended(error);
    } else if (error == ENOBUFS) {
        PgRelay::buffers_spent(*this);
    } else {
        log::warning(
            "backend lost",
            {{"backend", id_},
             {"database", shard_->settings().database},
             {"user", shard_->settings().user},
             {"error", error == 0 ? "closed by server" : std::generic_category().message(error)}});
        PgRelay::backend_lost(*this);
    }
}

void PgBackend::expired(net::TimePoint) {
    if (task_ == Task::recovering && engine().now() < recovery_deadline_) {
        cancel_abandoned();
        return;
    }
    log::warning("backend did not answer in time, closing it",
                 {{"backend", id_}, {"database", shard_->settings().database}});
    PgRelay::backend_lost(*this);
}

void PgBackend::move_to(PgShard& shard) noexcept {
    shard_ = &shard;
}

// Keeping it clean.

void PgBackend::check() {
    task_ = Task::checking;
    arm(shard_->worker().settings().server_connect_timeout);
    private_query(shard_->worker().settings().server_check_query);
}

void PgBackend::reset() {
    task_ = Task::resetting;
    arm(shard_->worker().settings().server_connect_timeout);
    private_query(shard_->worker().settings().server_reset_query);
}

void PgBackend::parameter_received(wire::Bytes body) {
    wire::Cursor cursor(body);
    const std::string_view name = cursor.c_string();
    const std::string_view value = cursor.c_string();
    if (cursor.failed() || !statuses_.set(name, value)) return;
    if (client_ == nullptr && task_ == Task::ready) {
        // Nobody asked: the server's own settings changed, for the other backends as well.
        shard_->pool().profiles().forget_statuses();
        if (profile_) shard_->pool().profiles().learn(*profile_, statuses_);
    }
}

void PgBackend::advance() {
    if (task_ == Task::recovering) {
        advance_recovery();
        return;
    }
    if (session_.in_doubt()) {
        PgRelay::backend_lost(*this);
        return;
    }
    if (!session_.releasable() || !input_settled()) return;
    pool::Shard& engine = shard_->engine();
    if (task_ == Task::checking) {
        task_ = Task::ready;
        disarm();
        engine.check_done(*this, shard_->worker().engine().now());
    } else if (task_ == Task::resetting) {
        task_ = Task::ready;
        disarm();
        // DISCARD ALL and RESET ALL go back to what the startup packet said; of another query's
        // effect nothing is known.
        const std::string& query = shard_->worker().settings().server_reset_query;
        const bool resets = query.find("DISCARD ALL") != std::string::npos ||
                            query.find("RESET ALL") != std::string::npos;
        profile_ = resets ? startup_profile_ : ProfileRef();
        if (resets) settings_of_ = 0;
        if (profile_) set_affinity(profile_->id);
        engine.reset_done(*this, shard_->worker().engine().now());
    }
}

void PgBackend::recover(pool::Outcome outcome_when_clean) {
    task_ = Task::recovering;
    recovered_outcome_ = outcome_when_clean;
    reader_caught_up();
    recovery_owed_ = 0;
    const config::Duration patience = shard_->worker().settings().cancel_wait_timeout;
    // What is read ahead for a client is its own query, and nobody wants it any more.
    if (std::exchange(draining_, false) && session_.busy()) cancel_running();
    recovery_deadline_ = patience.count() > 0 ? engine().now() + patience : net::TimePoint::max();
    cancel_abandoned();
    advance_recovery();
}

/// A cancel ends one query, and none if it overtakes the query on its way to the server: so it is
/// repeated for each that the client has left in line, and from time to time.
void PgBackend::cancel_abandoned() {
    const auto left = std::chrono::ceil<net::Duration>(recovery_deadline_ - engine().now());
    arm(std::clamp(left, net::Duration(1), cancel_repeat));
    if (!session_.works_for_client() || cancel_in_flight()) return;
    recovery_owed_ = session_.owed_count();
    cancel_running();
}

void PgBackend::advance_recovery() {
    if (session_.in_doubt()) {
        recovered_outcome_ = pool::Outcome::broken;
    } else {
        // What we send ourselves shall not be hit by a cancel that was meant for the client's
        // query.
        if (!session_.busy() && cancel_in_flight()) return;
        if (session_.owed_count() < recovery_owed_) cancel_abandoned();
        std::string out;
        session_.append_recovery(out);
        if (!out.empty()) send(out);
        if (!session_.releasable() || !input_settled() || cancel_in_flight()) return;
    }
    task_ = Task::ready;
    disarm();
    give_back(recovered_outcome_);
    shard_->perform_orders();
}

void PgBackend::give_back(pool::Outcome outcome) {
    const bool settled = session_.releasable() && !cancel_in_flight() && input_settled();
    SLUICE_ASSERT(outcome == pool::Outcome::broken || settled);
    SLUICE_ASSERT(client_ == nullptr);
    if (outcome == pool::Outcome::clean && session_.names().uncertain()) {
        outcome = pool::Outcome::needs_reset;
    }
    if (outcome == pool::Outcome::needs_reset &&
        shard_->worker().settings().server_reset_query.empty()) {
        // In session mode an empty reset query is the operator's word that nothing needs it.
        const bool by_choice = shard_->settings().pool_mode == config::PoolMode::session;
        outcome = by_choice ? pool::Outcome::clean : pool::Outcome::broken;
        profile_ = {};
    }
    shard_->engine().release(*this, outcome, shard_->worker().engine().now());
}

void PgBackend::settle_wanted_cancels() {
    for (const auto& done : std::exchange(cancels_wanted_, {})) {
        const bool asked = is_open() && session_.works_for_client() && cancel_running(done);
        if (!asked && done) done();
    }
}

bool PgBackend::cancel_running(std::function<void()> done) {
    Worker& worker = shard_->worker();
    if (key_.key.empty()) return false;
    if (applying_ || failing_block_ || inquiry_) {
        // It would hit ours, and the client's request behind them would run without.
        cancels_wanted_.push_back(std::move(done));
        return true;
    }
    auto call = CancelCall::begin(worker, {address_, key_, this}, std::move(done));
    if (!call) {
        ++worker.counters.cancels_dropped;
        return false;
    }
    ++worker.counters.cancels_forwarded;
    cancels_.push_back(call.get());
    worker.track(std::move(call));
    return true;
}

void PgBackend::cancel_finished(CancelCall& call, bool certain) {
    std::erase(cancels_, &call);
    if (task_ == Task::recovering) {
        // A cancel that may still arrive would hit whoever comes next.
        if (!certain) recovered_outcome_ = pool::Outcome::broken;
        advance_recovery();
    } else if (client_ != nullptr) {
        if (!certain) {
            PgRelay::backend_lost(*this);
            return;
        }
        PgClient& client = *client_;
        PgShard& shard = *shard_;
        PgRelay::release_if_settled(client);
        shard.perform_orders();
        client.go_on();
    }
}

void PgBackend::lose() {
    close();
    end_opening();
    disarm();
    for (CancelCall* const call : cancels_)
        call->forget_backend();
    cancels_.clear();
    settle_wanted_cancels();
    const net::TimePoint now = shard_->worker().engine().now();
    if (state() != State::closing) shard_->engine().lost(*this, now);
    shard_->engine().closed(*this, now);
    shard_->bury(*this);
}

void PgBackend::shut() {
    if (is_open() && task_ == Task::ready) {
        std::string farewell;
        wire::Writer(farewell)
            .begin_frame(static_cast<char>(pg::ClientMessage::Terminate))
            .end_frame();
        send(farewell);
    }
    close();
    end_opening();
    disarm();
    for (CancelCall* const call : cancels_)
        call->forget_backend();
    cancels_.clear();
    settle_wanted_cancels();
    shard_->engine().closed(*this, shard_->worker().engine().now());
    shard_->bury(*this);
}

}  // namespace sluice::server
