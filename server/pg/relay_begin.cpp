// What is answered without a backend: transaction blocks that their clients have begun and no
// backend knows of yet, those that none is to know of, and the Parse of what is known.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/departure.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"

namespace sluice::server {

namespace {

constexpr std::string_view ready_failed{"Z\0\0\0\5E", 6};
/// Makes the backend send what it has to say; itself it is not answered.
constexpr std::string_view flush_frame{"H\0\0\0\4", 5};

}  // namespace

PgRelay::Served PgRelay::serve_here(PgClient& client, wire::Bytes rest, Departure& out) {
    using Deferral = pg::ClientSession::Deferral;
    PgShard& shard = *client.shard_;
    if (!shard.shares_backends()) return Served::no;
    pg::StatementDesk& desk = shard.statements();
    const PgProfile& profile = *client.profile_;
    Deferral deferral;
    if (shard.defers_begin()) deferral = client.session_.defer(rest, desk, profile.planning);
    if (deferral.kind == Deferral::Kind::none && !profile.odd_texts)
        deferral = client.session_.prepare(rest, desk, profile.planning);
    switch (deferral.kind) {
        case Deferral::Kind::none: return Served::no;
        case Deferral::Kind::more_bytes: return Served::later;
        case Deferral::Kind::begun: break;
        case Deferral::Kind::ended: ++shard.counters.begins_spared; [[fallthrough]];
        case Deferral::Kind::prepared: ++shard.counters.transactions; break;
    }
    ++shard.counters.queries;
    client.since_ = client.engine().now();
    if (shard.has_timeouts()) client.arm_timer();
    shard.counters.sent_bytes += deferral.reply.size();
    client.send(deferral.reply);
    out.skip(deferral.bytes);
    return Served::yes;
}

/// In statement mode a block is refused before it has begun. `later`: more bytes must arrive.
PgRelay::Served PgRelay::opens_block(PgClient& client, wire::Bytes rest) {
    PgShard& shard = *client.shard_;
    if (shard.settings().pool_mode != config::PoolMode::statement) return Served::no;
    // Behind an error it would be read over.
    if (client.backend_ != nullptr && client.backend_->session_.skipping()) return Served::no;
    const auto opens =
        client.session_.opens_block(rest, shard.statements().reader, client.profile_->odd_texts);
    if (!opens) return Served::later;
    return *opens ? Served::yes : Served::no;
}

/// When what the client asked for before has been answered.
void PgRelay::refuse_block(PgClient& client) {
    PgBackend* const backend = client.backend_;
    if (backend != nullptr && backend->session_.owes_client()) {
        if (!client.session_.waiting()) backend->send(flush_frame);
        client.session_.put_off();
        return;
    }
    client.refuse(RefusalReason::transaction_in_statement_mode);
}

/// BEGIN has failed under this very lease: the client's next request waits until its backend is in
/// a failed block.
bool PgRelay::fails_block(PgClient& client) {
    if (client.backend_ == nullptr || !client.session_.in_failed_block()) return false;
    client.backend_->make_failed_block();
    client.session_.failed_block_made();
    return true;
}

/// The server is outside of a block; for the client this is the end of the first request in one.
void PgRelay::tell_of_failed_begin(PgClient& client, std::size_t bytes, Departure& out) {
    out.pass(bytes - ready_failed.size());
    out.skip(ready_failed.size());
    out.insert(ready_failed);
    client.session_.lose_begin();
}

}  // namespace sluice::server
