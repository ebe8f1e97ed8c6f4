// What this program asks a backend on its own account, and what comes of it.

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/session_inquiry.hpp"
#include "server/pg/shard.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

/// Opens a block and fails in it. The name tells those who read the server's log.
constexpr std::string_view failing_block_sql =
    "BEGIN;ROLLBACK TO SAVEPOINT \"sluice: portal_stall_timeout\"";
constexpr std::string_view no_such_savepoint = "3B001";

}  // namespace

void PgBackend::private_query(std::string_view sql, pg::OwedReply owed) {
    std::string frame;
    wire::Writer(frame)
        .begin_frame(static_cast<char>(pg::ClientMessage::Query))
        .c_string(sql)
        .end_frame();
    session_.sent(owed);
    send(frame);
}

void PgBackend::inquire(std::string_view sql, std::unique_ptr<SessionInquiry> inquiry,
                        Followers followers) {
    followers_ = followers;
    inquiry_ = std::move(inquiry);
    pg::OwedReply owed{pg::Owed::query, pg::Audience::nobody};
    owed.twist = pg::Twist::question;
    private_query(sql, owed);
}

void PgBackend::private_row(wire::Bytes body) {
    if (inquiry_ && !inquiry_->reader.row_received(body)) inquiry_->spoilt = true;
}

/// What PostgreSQL says of the settings in a startup packet, it says at the login.
void PgBackend::private_noticed(wire::Bytes frame) {
    if (!applying_ || client_ == nullptr || client_->login() == nullptr) return;
    client_->login()->settings_noticed(frame);
}

void PgBackend::make_failed_block() {
    failing_block_ = true;
    private_query(failing_block_sql);
}

void PgBackend::private_ready() {
    if (const auto inquiry = std::move(inquiry_)) {
        settle_wanted_cancels();
        if (client_ != nullptr) PgRelay::told(*client_, *inquiry);
        return;
    }
    if (!applying_) {
        draining_ = false;
        if (std::exchange(failing_block_, false)) failed_block_answered();
        return;
    }
    settings_applied();
}

void PgBackend::failed_block_answered() {
    settle_wanted_cancels();
    if (client_ == nullptr) return;
    if (session_.status() != pg::TransactionStatus::failed) {
        // What the client sends next would be carried out, against all expectation.
        PgRelay::backend_lost(*this);
        return;
    }
    client_->backend_ready();
}

void PgBackend::private_failed(wire::Bytes error_body) {
    const pg::ErrorFields fields = pg::parse_error_fields(error_body);
    if (inquiry_ && client_ != nullptr) {
        inquiry_->spoilt = true;  // What is there stays with its client.
        inquiry_->timed_out = fields.sqlstate == "57014";
        return;
    }
    if (!applying_ && failing_block_ && fields.sqlstate == no_such_savepoint) return;
    if (draining_ && task_ == Task::ready) return;  // It is stored for the client.
    if (applying_) {
        settings_refused(fields);
        return;
    }
    if (client_ != nullptr && client_->prepares_apart()) return;  // It tries again, and is told.
    // A cancel meant for the client's query has hit ours; the recovery goes on from what it left.
    if (task_ == Task::recovering && fields.sqlstate == "57014") return;
    log::warning("backend refused a query of the pooler",
                 {{"backend", id_}, {"sqlstate", fields.sqlstate}, {"error", fields.message}});
    if (task_ == Task::recovering) {
        recovered_outcome_ = pool::Outcome::broken;
    } else {
        PgRelay::backend_lost(*this);
    }
}

}  // namespace sluice::server
