// What the board of channels tells a client.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/relay.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

bool PgListening::awaits(std::uint32_t serial) const noexcept {
    return serial == serial_ && awaited_ > 0 &&
           (stage_ == Stage::subscribing || stage_ == Stage::agreeing);
}

void PgListening::agreed(std::uint32_t, const std::string& channel) {
    client_.session_.channels()->add(channel);
    count();
    --awaited_;
    if (stage_ == Stage::subscribing) {
        stage_ = Stage::subscribed;
        client_.go_on();
    } else {
        PgRelay::channels_settled(client_);
    }
}

void PgListening::refused(const std::string& error_body) {
    const pg::ErrorFields fields = pg::parse_error_fields(wire::as_bytes(error_body));
    const RefusalRow& row = row_of(RefusalReason::listening_refused);
    if (stage_ == Stage::subscribing) {
        stage_ = Stage::none;
        awaited_ = 0;
        client_.refuse(RefusalReason::listening_refused, {}, fields.message);
        client_.go_on();
        return;
    }
    std::string frame;
    pg::append_error(frame, pg::Severity::fatal, row.sqlstate, row.text, fields.message, row.hint);
    client_.refuse_with(RefusalReason::listening_refused, std::move(frame));
}

void PgListening::barriers_set(std::uint32_t serial, std::uint32_t count) {
    if (serial != serial_ || stage_ != Stage::agreeing || barriers_ == 0) return;
    barriers_ += count;
    passed(serial);
}

void PgListening::passed(std::uint32_t serial) {
    if (serial != serial_ || stage_ != Stage::agreeing || barriers_ == 0) return;
    --barriers_;
    PgRelay::channels_settled(client_);
}

bool PgListening::may_hear() const noexcept {
    // Behind what the client has not taken yet they would not be counted.
    if (client_.pending_output_bytes() > 0) return false;
    switch (client_.phase_) {
        case PgClient::Phase::idle:
        case PgClient::Phase::waiting: return !client_.session_.in_failed_block();
        case PgClient::Phase::active:
            return !keeps_ready() && client_.backend_->session().releasable() &&
                   !client_.backend_->within_client_frame();
        case PgClient::Phase::login:
        case PgClient::Phase::console:
        case PgClient::Phase::replicating:
        case PgClient::Phase::leaving: return false;
    }
    return false;
}

void PgListening::hear(std::string_view frame) {
    if (client_.phase_ == PgClient::Phase::leaving) return;
    const std::uint64_t bytes_max = client_.worker().settings().listener_buffer_max;
    if (may_hear()) {
        client_.send(frame);
        return;
    }
    if (bytes_max != 0 && pending_.size() + frame.size() > bytes_max) {
        cut();
        return;
    }
    pending_.append(frame);
}

void PgListening::cut() {
    if (client_.phase_ != PgClient::Phase::leaving) client_.refuse(RefusalReason::slow_listener);
}

void PgListening::caught_up() {
    if (!pending_.empty() && may_hear()) client_.send(std::exchange(pending_, {}));
}

}  // namespace sluice::server
