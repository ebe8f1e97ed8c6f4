// A suspended portal whose client pauses is read ahead, where that frees its backend and changes
// nothing that the client could see.

#include "protocol/assert.hpp"
#include "protocol/wire/writer.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/portal_spool.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <memory>
#include <string>

namespace sluice::server {

/// Begins to read ahead. False where that cannot be; then nothing has happened.
bool PgRelay::drains_portal(PgClient& client) {
    PgBackend& backend = *client.backend_;
    const std::string* const name = client.session_.lone_portal();
    const net::BufferBudget& buffers = client.worker().shared().buffers;
    if (client.shard_->settings().spool_bytes_max == 0 || name == nullptr || backend.draining_ ||
        !backend.session_.suspended_outside_block() || client.session_.holds_backend() ||
        buffers.used() > buffers.bytes_max() / spool_share) {
        return false;
    }
    count_rest(client);
    client.portal_ = std::make_unique<PortalSpool>(*name);
    backend.draining_ = true;
    std::string request;
    client.portal_->portal.append_request(request);
    backend.session_.sent({pg::Owed::describe, pg::Audience::nobody});
    backend.session_.sent({pg::Owed::execute, pg::Audience::nobody});
    backend.send(request);
    client.since_ = client.engine().now();
    client.arm_timer();
    return true;
}

void PgRelay::store_for_portal(PgClient& client, wire::Bytes bytes) {
    PortalSpool& spool = *client.portal_;
    net::BufferBudget& buffers = client.worker().shared().buffers;
    if (spool.beyond_bounds || client.backend_->session_.releasable()) return;
    const bool fits =
        spool.stored.size() + bytes.size() <= client.shard_->settings().spool_bytes_max;
    if (fits && buffers.used() <= buffers.bytes_max() / spool_share &&
        spool.stored.append(bytes, buffers)) {
        return;
    }
    const auto why = fits ? SpoolRefusal::memory : SpoolRefusal::client_limit;
    ++client.shard_->counters.spool_refusals[static_cast<std::size_t>(why)];
    spool.beyond_bounds = true;
}

void PgRelay::portal_advanced(PgClient& client) {
    PgBackend& backend = *client.backend_;
    PortalSpool& spool = *client.portal_;
    if (spool.beyond_bounds) {
        // The client has seen nothing of it, so that it loses its batch as without a spool.
        client.drop_portal();
        client.session_.lose_batch();
        take_back(client);
        return;
    }
    if (backend.session_.busy() || backend.session_.releasable()) return;
    const std::size_t described = spool.portal.finish(spool.stored.bytes());
    if (described == 0) {
        backend.draining_ = false;
        client.drop_portal();
        client.session_.lose_batch();
        take_back(client);
        return;
    }
    spool.stored.consume(described, client.worker().shared().buffers);
    spool.counted = spool.stored.size();
    client.shard_->spool_bytes += spool.counted;
    client.shard_->counters.spooled_bytes += spool.counted;
    std::string sync;
    wire::Writer(sync).begin_frame(static_cast<char>(pg::ClientMessage::Sync)).end_frame();
    backend.session_.sent({pg::Owed::sync, pg::Audience::nobody});
    backend.send(sync);
}

/// Returns how many of the client's bytes are answered by it.
std::size_t PgRelay::serve_portal(PgClient& client, wire::Bytes bytes) {
    using End = pg::DrainedPortal::End;
    PortalSpool& spool = *client.portal_;
    std::string words;
    const wire::Bytes stored = spool.stored.bytes();
    const auto answer = spool.portal.answer(bytes, stored, words);
    client.send(stored.first(answer.passed_on));
    client.send(words);
    client.shard_->counters.sent_bytes += answer.passed_on + words.size();
    spool.stored.consume(answer.passed_on + answer.left_behind, client.worker().shared().buffers);
    switch (answer.end) {
        case End::open:
        case End::more_bytes: break;
        case End::failed:
            client.session_.fail_batch();
            client.drop_portal();
            break;
        case End::lost:
            client.session_.lose_batch();
            client.drop_portal();
            break;
        case End::over: client.drop_portal(); break;
    }
    return answer.taken;
}

}  // namespace sluice::server
