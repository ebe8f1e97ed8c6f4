// Backends of clients that stop in the middle of something: PostgreSQL's own timeouts do not fire
// for a batch without its Sync, since it calls itself active then.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <string>

namespace sluice::server {

/// Everything has been answered that a Flush, or nothing at all, stands behind: from now the
/// client's own time counts.
void PgRelay::rest_came(PgClient& client) {
    if (client.phase_ != PgClient::Phase::active) return;
    client.since_ = client.engine().now();
    if (client.shard_->has_timeouts()) client.arm_timer();
}

bool PgRelay::reclaimable(const PgClient& client) {
    const PgBackend* const backend = client.backend_;
    return client.phase_ == PgClient::Phase::active && backend != nullptr &&
           backend->session_.rest() == pg::Rest::portal &&
           backend->task_ == PgBackend::Task::ready && backend->input_settled() &&
           !client.session_.within_frame() && !pinned(client) &&
           !client.session_.watch().in_doubt();
}

/// The rest of a client that does not go on by itself.
void PgRelay::count_rest(const PgClient& client) {
    const auto hold = client.backend_->hold();
    if (!hold || *hold == Hold::reader || client.phase_ != PgClient::Phase::active) return;
    client.shard_->count_hold(*hold, client.engine().now() - client.since_);
}

void PgRelay::reclaim(PgClient& client) {
    if (client.worker().draining()) {
        client.refuse(RefusalReason::shutdown);
        return;
    }
    if (drains_portal(client)) return;
    client.session_.lose_transaction(client.backend_->session_);
    take_back(client);
}

/// The client's session knows already what it has lost.
void PgRelay::take_back(PgClient& client) {
    ++client.worker()
          .counters.refusals[static_cast<std::size_t>(RefusalReason::portal_stall_timeout)];
    abandon_lease(client);
    client.session_.lease_ended();
    client.set_phase(PgClient::Phase::idle);
    balance(client);
    client.shard_->perform_orders();
}

void PgRelay::tell_of_loss(PgClient& client) {
    std::string frame;
    append_refusal(frame, RefusalReason::portal_stall_timeout);
    client.session_.refuse();
    client.send(frame);
}

}  // namespace sluice::server
