// How a backend comes to be, and what becomes of one that does not.

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

namespace sluice::server {

void PgBackend::connect() {
    task_ = Task::opening;
    end_opening();
    PgOpening::Owner& owner = *this;
    opening_ = std::make_unique<PgOpening>(owner, shard_->worker(), shard_->entry(),
                                           startup_profile_->settings);
    opening_->begin();
}

void PgBackend::reopen(ProfileRef profile) {
    close();
    startup_profile_ = std::move(profile);
    profile_ = {};
    session_ = {};
    inbox_.clear(shard_->worker().shared().buffers);
    connect();
}

/// It may be what is calling, so it dies at the end of the turn.
void PgBackend::end_opening() {
    if (!opening_) return;
    opening_->stop();
    engine().bury(std::move(opening_));
}

void PgBackend::connected() {
    opening_->connected();
}

void PgBackend::opened() {
    address_ = opening_->address();
    statuses_ = std::move(opening_->statuses());
    key_ = std::move(opening_->key());
    // A notice behind the login's end, say.
    if (!inbox_.append(opening_->rest(), shard_->worker().shared().buffers)) {
        close();
        std::string frame;
        pg::append_error(frame, pg::Severity::fatal, "53200", "buffer memory spent");
        not_opened(frame.substr(pg::frame_header_bytes), pool::OpenFailure::unavailable);
        return;
    }
    std::string notices = std::move(opening_->notices());
    end_opening();
    task_ = Task::ready;
    profile_ = startup_profile_;
    disarm();
    shard_->pool().backend_opened();
    shard_->pool().profiles().opened_with(*profile_, std::move(notices));
    shard_->pool().profiles().learn(*profile_, statuses_);
    log::info("backend opened", {{"backend", id_},
                                 {"database", shard_->settings().database},
                                 {"user", shard_->settings().user},
                                 {"address", address_.text()},
                                 {"process_id", key_.process_id}});
    set_affinity(profile_->id);
    if (!inbox_.empty()) PgRelay::backend_received(*this, {});
    if (!is_open()) return;
    if (client_ != nullptr && applying_) {
        attempt_ = Attempt::settings_first;
        try_settings();
        return;
    }
    if (client_ != nullptr) {
        client_->backend_ready();
        return;
    }
    shard_->engine().opened(*this, shard_->worker().engine().now());
    shard_->perform_orders();
}

void PgBackend::not_opened(std::string error_body, pool::OpenFailure failure) {
    const pg::ErrorFields fields = pg::parse_error_fields(wire::as_bytes(error_body));
    log::warning("backend cannot be opened", {{"backend", id_},
                                              {"database", shard_->settings().database},
                                              {"user", shard_->settings().user},
                                              {"sqlstate", fields.sqlstate},
                                              {"error", fields.message}});
    end_opening();
    disarm();
    const net::TimePoint now = shard_->worker().engine().now();
    PgShard& shard = *shard_;
    if (PgClient* const client = client_; client != nullptr) {
        // It was being opened anew for one client: the failure is that client's alone.
        std::string frame;
        wire::Writer(frame)
            .begin_frame(static_cast<char>(pg::BackendMessage::ErrorResponse))
            .raw(error_body)
            .end_frame();
        const bool ours = failure == pool::OpenFailure::short_of_resources;
        client->refuse_with(ours ? RefusalReason::out_of_files : RefusalReason::backend_rejected,
                            frame);
    } else {
        shard.engine().open_failed(*this, failure, now);
        shard.engine().closed(*this, now);
        shard.bury(*this);
    }
    shard.perform_orders();
}

}  // namespace sluice::server
