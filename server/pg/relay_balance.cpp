// Back-pressure is not reading: each side is read just when the other keeps up.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
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

void PgRelay::balance(PgClient& client) {
    if (client.phase_ == PgClient::Phase::leaving) return;
    const bool held = client.phase_ == PgClient::Phase::waiting || client.session_.waiting() ||
                      (client.backend_ != nullptr && client.backend_->holds_requests());
    bool pause_client = held && client.inbox_.size() > waiting_bytes_max;
    if (PgBackend* const backend = client.backend_; backend != nullptr) {
        const std::size_t to_backend = backend->pending_output_bytes();
        const std::size_t to_client = client.pending_output_bytes();
        // Nothing waits in the usual case, and then the limits need not be computed.
        if (to_backend > 0 || to_client > 0) {
            const std::uint64_t bytes_max = output_bytes_max(client.worker());
            pause_client = pause_client || to_backend > bytes_max;
            if (to_client > bytes_max) {
                backend->pause_reception();
            } else {
                backend->resume_reception();
            }
        } else if (backend->reception_paused()) {
            backend->resume_reception();
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
