// Back-pressure is not reading: each side is read just when the other keeps up.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

/// Requests a client may have outstanding before it is not read: bounds the queue of owed replies.
constexpr std::size_t owed_count_max = 4096;
/// Bytes kept of a client that waits in line before it is not read.
constexpr std::size_t waiting_bytes_max = 64U * 1024U;
/// Bytes one slow peer may leave with us while the buffer budget is nearly spent.
constexpr std::uint64_t tight_buffer_bytes = 2 * sizeof(net::Chunk);

/// Unsent bytes for one peer beyond which the other side is not read.
std::uint64_t output_bytes_max(Worker& worker) {
    const net::BufferBudget& buffers = worker.shared().buffers;
    const std::uint64_t usual = worker.settings().client_buffer_max;
    // What was read before it is noticed must still fit.
    const bool tight = buffers.used() > buffers.bytes_max() / 2;
    return tight ? std::min(usual, tight_buffer_bytes) : usual;
}

}  // namespace

/// A client that has not taken its last results gets no backend for others: it could not take
/// theirs either.
bool PgRelay::reads_behind(const PgClient& client) {
    const std::size_t to_client = client.pending_output_bytes();
    return to_client > 0 && to_client > output_bytes_max(client.worker());
}

/// Whether what is still to come for a client that does not keep up is kept for it, since that
/// frees its backend.
bool PgRelay::spools(const PgClient& client, std::size_t held_bytes) {
    PgShard& shard = *client.shard_;
    const PgBackend& backend = *client.backend_;
    const std::uint64_t bytes_max = shard.settings().spool_bytes_max;
    if (bytes_max == 0 || !backend.session_.drains() || pinned(client)) return false;
    const net::BufferBudget& buffers = client.worker().shared().buffers;
    const bool fits = held_bytes <= bytes_max;
    if (fits && buffers.used() <= buffers.bytes_max() / spool_share) return true;
    if (!backend.reception_paused()) {
        const auto why = fits ? SpoolRefusal::memory : SpoolRefusal::client_limit;
        ++shard.counters.spool_refusals[static_cast<std::size_t>(why)];
    }
    return false;
}

void PgRelay::client_caught_up(PgClient& client) {
    if (client.phase_ == PgClient::Phase::leaving) return;
    client.set_spooled(0);
    balance(client);
    if (client.phase_ == PgClient::Phase::idle) {
        if (client.shard_->has_timeouts()) client.arm_timer();
        client.go_on();
    }
}

void PgRelay::balance(PgClient& client) {
    if (client.phase_ == PgClient::Phase::leaving) return;
    const bool waits = client.phase_ == PgClient::Phase::waiting || client.session_.waiting() ||
                       (client.backend_ == nullptr && reads_behind(client)) ||
                       (client.listening_ && client.listening_->holds()) || held(client);
    bool pause_client = waits && client.inbox_.size() > waiting_bytes_max;
    if (PgBackend* const backend = client.backend_; backend != nullptr) {
        const std::size_t to_backend = backend->pending_output_bytes();
        const std::size_t to_client = client.pending_output_bytes();
        // Nothing waits in the usual case, and then the limits need not be computed.
        if (to_backend > 0 || to_client > 0) {
            const std::uint64_t bytes_max = output_bytes_max(client.worker());
            pause_client = pause_client || to_backend > bytes_max;
            if (to_client > bytes_max && !spools(client, to_client)) {
                if (!backend->reception_paused()) {
                    backend->wait_for_reader();
                    if (client.shard_->has_timeouts()) client.arm_timer();
                }
            } else {
                backend->reader_caught_up();
            }
        } else {
            backend->reader_caught_up();
        }
        pause_client = pause_client || backend->session_.owed_count() > owed_count_max;
    }
    if (pause_client) {
        client.pause_reception();
    } else if (client.reception_paused()) {
        client.resume_reception();
    }
}

}  // namespace sluice::server
