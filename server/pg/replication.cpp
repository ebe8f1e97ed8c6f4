#include "server/pg/replication.hpp"

#include "protocol/pg/login_messages.hpp"
#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/cancel.hpp"
#include "server/pg/client.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

PgReplication::PgReplication(PgClient& client, Beginning beginning)
    : Stream(client.worker().engine()),
      client_(&client),
      beginning_(std::move(beginning)),
      permits_(client.worker().shared().replications) {}

PgReplication::~PgReplication() {
    permits_.give_back();
}

void PgReplication::begin() {
    PgOpening::Owner& owner = *this;
    opening_ = std::make_unique<PgOpening>(owner, client_->worker(), beginning_.entry,
                                           beginning_.settings);
    opening_->set_replication(beginning_.replication);
    opening_->begin();
}

void PgReplication::end_opening() noexcept {
    if (!opening_) return;
    opening_->stop();
    engine().bury(std::move(opening_));
}

void PgReplication::connected() {
    opening_->connected();
}

void PgReplication::opened() {
    std::string reply = std::move(beginning_.greeting);
    pg::append_authentication_ok(reply);
    reply += opening_->notices();
    opening_->statuses().append_frames(reply);
    Worker& worker = client_->worker();
    worker.give_cancel_key(*client_, beginning_.key_form);
    const CancelKey key = worker.shared().cancel_keys.key_of(
        client_->cancel_process_id(), client_->cancel_secret(), beginning_.key_form);
    pg::append_backend_key_data(reply, client_->cancel_process_id(), key.view());
    pg::append_ready_for_query(reply, 'I');
    reply += wire::as_text(opening_->rest());
    log::info("replication begins", {{"client", client_->id()},
                                     {"database", beginning_.entry->key.database},
                                     {"user", beginning_.entry->key.user},
                                     {"process_id", opening_->key().process_id}});
    address_ = opening_->address();
    key_ = std::move(opening_->key());
    end_opening();
    worker.counters.logins += 1;
    client_->send(reply);
    client_->become_replicating();
}

void PgReplication::not_opened(std::string error_body, pool::OpenFailure failure) {
    end_opening();
    std::string frame;
    wire::Writer(frame)
        .begin_frame(static_cast<char>(pg::BackendMessage::ErrorResponse))
        .raw(error_body)
        .end_frame();
    const bool ours = failure == pool::OpenFailure::short_of_resources;
    client_->refuse_with(ours ? RefusalReason::out_of_files : RefusalReason::backend_rejected,
                         frame);
}

void PgReplication::client_received(wire::Bytes bytes) {
    send(bytes);
    if (client_ == nullptr) return;
    if (pending_output_bytes() > client_->worker().settings().client_buffer_max) {
        client_->pause_reception();
    }
}

bool PgReplication::cancel(std::function<void()> done) {
    Worker& worker = client_->worker();
    if (key_.key.empty()) return false;
    // The backend is this client's to its end, so nobody waits for what becomes of the call.
    auto call = CancelCall::begin(worker, {address_, key_, nullptr}, std::move(done));
    if (!call) return false;
    ++worker.counters.cancels_forwarded;
    worker.track(std::move(call));
    return true;
}

void PgReplication::output_drained() {
    if (client_ != nullptr && client_->reception_paused()) client_->resume_reception();
}

void PgReplication::received(wire::Bytes bytes) {
    if (opening_) {
        opening_->received(bytes);
        return;
    }
    if (client_ == nullptr) return;
    client_->send(bytes);
    if (client_ == nullptr) return;
    if (client_->pending_output_bytes() > client_->worker().settings().client_buffer_max) {
        pause_reception();
    }
}

void PgReplication::client_caught_up() {
    if (is_open() && reception_paused()) resume_reception();
}

void PgReplication::ended(int error) {
    if (opening_) {
        opening_->ended(error);
    } else if (client_ != nullptr) {
        client_->leave("replication ended by the server", PgClient::Farewell::sent);
    }
}

void PgReplication::client_left() noexcept {
    client_ = nullptr;
    end_opening();
    close();
}

}  // namespace sluice::server
