// Backends that have nothing to do and are not free: their clients could let them go.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/shard.hpp"

namespace sluice::server {

void PgBackend::wait_for_reader() {
    if (reception_paused()) return;
    reader_slow_since_ = engine().now();
    pause_reception();
}

void PgBackend::read_on() {
    shard_->count_hold(Hold::reader, engine().now() - reader_slow_since_);
    resume_reception();
}

std::optional<Hold> PgBackend::hold() const noexcept {
    if (client_ == nullptr) return std::nullopt;
    if (reception_paused()) return Hold::reader;
    switch (session_.rest()) {
        case pg::Rest::none: return std::nullopt;
        case pg::Rest::transaction: return Hold::transaction;
        case pg::Rest::portal: return Hold::portal;
    }
    return std::nullopt;
}

}  // namespace sluice::server
