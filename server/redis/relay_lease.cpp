// How a client comes to a backend and every way in which it leaves it.

#include "protocol/assert.hpp"
#include "protocol/resp/client_session.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/refusal.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <utility>
#include <vector>

namespace sluice::server {

RedisRelay::Goes RedisRelay::lend(RedisClient& client, const resp::ClientStep& step) {
    using Phase = RedisClient::Phase;
    if (client.shard_ == nullptr && follow_key(client) == Goes::away) return Goes::away;
    // It may be gone: nothing may be taken out of a list for it.
    if (client.reception_ended() && step.lending == resp::Lending::pinned &&
        step.reason == resp::PinReason::blocking) {
        return Goes::away;
    }
    // Another kind than it has: nothing is owed on that one.
    if (client.backend_ != nullptr && !client.pinned()) client.backend_ = nullptr;
    SLUICE_ASSERT(client.backend_ == nullptr);
    // Who is told to ask again has waited since it asked first.
    if (!std::exchange(client.asks_again_, false)) client.since_ = client.engine().now();
    if (step.lending != resp::Lending::pinned) {
        client.lent_ = step.lending;
        using Lane = RedisBackend::Lane;
        const Lane lane = step.lending == resp::Lending::slow ? Lane::slow : Lane::quick;
        switch (client.shard_->join(client, lane)) {
            case RedisShard::Link::ready: return Goes::on;
            case RedisShard::Link::waits: break;
            case RedisShard::Link::refused:
                // Answered from outside this loop, which holds the bytes.
                client.phase_ = Phase::awaiting_link;
                client.side_.refuse_link_later(client);
                return Goes::waits;
        }
        client.phase_ = Phase::awaiting_link;
        client.arm_timer();
        return Goes::waits;
    }
    client.pin_reason_ = step.reason;
    if (!client.take_pin_permit(step.reason)) {
        client.phase_ = Phase::awaiting_turn;
        client.shard_->await_turn(client);
        client.arm_timer();
        return Goes::waits;
    }
    const auto acquired = client.shard_->engine().acquire(client, client.since_);
    using Acquired = pool::Shard::Acquired::Kind;
    if (acquired.kind == Acquired::granted) {
        client.side_.counters_of(*client.shard_).wait_seconds.record(std::chrono::nanoseconds{0});
        begin_pin(client, static_cast<RedisBackend&>(*acquired.backend));
        return Goes::on;
    }
    client.phase_ = Phase::awaiting_pin;
    client.arm_timer();
    if (acquired.kind == Acquired::refused) client.side_.refuse_pin_later(client, acquired.reason);
    return Goes::waits;
}

/// The client's user, database number or version may have changed: from now on others answer it.
RedisRelay::Goes RedisRelay::follow_key(RedisClient& client) {
    const auto login_done = client.session_.logged_in();
    if (client.phase_ == RedisClient::Phase::login && login_done) {
        client.phase_ = RedisClient::Phase::serving;
        client.arm_timer();
    } else if (client.phase_ == RedisClient::Phase::serving && !login_done) {
        client.phase_ = RedisClient::Phase::login;
        client.since_ = client.engine().now();
        client.arm_timer();
    }
    if (!login_done) return Goes::on;
    client.terms_ = &client.side_.terms_of(client.session_.user());
    if (client.shard_ != nullptr && !client.shard_->pool().retired()) {
        const RedisKey& key = client.shard_->pool().key();
        if (key.number == client.session_.database() && key.version == client.session_.version() &&
            key.database == client.terms_->database &&
            key.user == client.side_.backend_user_of(client)) {
            client.key_doubted_ = false;
            return Goes::on;
        }
    }
    if (client.owed_ > 0 || client.session_.holds_pin()) return Goes::on;
    client.key_doubted_ = false;
    RedisShard* const shard = client.side_.shard_for(client);
    if (shard == client.shard_) return Goes::on;
    if (client.pinned()) give_back(client, false);
    client.backend_ = nullptr;
    client.drop_pin_permit();
    if (client.shard_ != nullptr) {
        --client.shard_->clients_entered;
        client.shard_->perform_orders();
    }
    client.shard_ = shard;
    if (shard == nullptr) return Goes::away;
    ++shard->clients_entered;
    return Goes::on;
}

void RedisRelay::begin_pin(RedisClient& client, RedisBackend& backend) {
    SLUICE_ASSERT(backend.client_ == nullptr && client.backend_ == nullptr);
    backend.client_ = &client;
    client.backend_ = &backend;
    ++client.side_.counters_of(*client.shard_).pins[static_cast<std::size_t>(client.pin_reason_)];
}

void RedisRelay::release_if_settled(RedisClient& client) {
    RedisBackend& backend = *client.backend_;
    if (!backend.settled() || client.session_.holds_pin()) return;
    give_back(client, !backend.retiring());
    if (client.phase_ == RedisClient::Phase::leaving) return;
    if (client.side_.worker().draining()) {
        client.drain();
        return;
    }
    if (!client.inbox_.empty()) serve(client, {});
}

void RedisRelay::give_back(RedisClient& client, bool clean) {
    if (!client.pinned()) {
        if (client.owed_ > 0 && client.backend_ != nullptr) {
            client.backend_->session.disown(client.owner());
            client.backend_->session.disown(client.muted_owner());
        }
        client.backend_ = nullptr;
        client.owed_ = 0;
        return;
    }
    client.drop_pin_permit();
    RedisBackend& backend = *client.backend_;
    RedisShard& shard = backend.shard();
    backend.client_ = nullptr;
    client.backend_ = nullptr;
    client.owed_ = 0;
    if (backend.reception_paused()) backend.resume_reception();
    shard.engine().release(backend, clean ? pool::Outcome::clean : pool::Outcome::broken,
                           client.engine().now());
}

void RedisRelay::part(RedisClient& client) {
    leave_channels(client);
    client.drop_pin_permit();
    RedisShard* const shard = client.shard_;
    if (shard == nullptr) return;
    shard->leave(client);
    if (client.waiting()) shard->engine().abandon(client, client.engine().now());
    if (client.backend_ != nullptr) {
        // On a backend of its own a client may leave a wait, a watch, half a request.
        const bool clean =
            client.pinned() && client.backend_->settled() && !client.session_.holds_pin();
        give_back(client, clean);
    }
    client.shard_ = nullptr;
    --shard->clients_entered;
    shard->perform_orders();
}

/// Whether the server did it is not known; who asked is told so once for each request.
void RedisRelay::tell_unanswered(RedisClient& client, std::uint32_t replies, RefusalReason reason) {
    client.gathered_.reset();
    std::string out;
    for (std::uint32_t reply = 0; reply < replies; ++reply) {
        out += '-';
        out += redis_error_of(reason);
        out += "\r\n";
    }
    client.send(out);
}

void RedisRelay::reply_late(RedisClient& client) {
    RedisBackend& backend = *client.backend_;
    RedisSide& side = client.side_;
    const RefusalReason reason = RefusalReason::query_timeout;
    const resp::Owner within = backend.session.within_reply_of();
    if (client.pinned() || within == client.owner()) {
        // What lies there, or the rest of a reply, is of use to nobody.
        if (client.pinned()) {
            // Who leaves for it is counted there.
            if (!client.session_.holds_pin()) ++side.refusals[static_cast<std::size_t>(reason)];
            backend_lost(backend, reason);
        } else {
            ++side.refusals[static_cast<std::size_t>(reason)];
            client.leave(row_of(reason).label, RedisClient::Ending::cut);
        }
        return;
    }
    // The replies come late, in their order, and go to nobody. The client stays where it was, so
    // that what it sends now runs behind what it sent then.
    const std::uint32_t replies = backend.session.owed().owed_to(client.owner());
    backend.session.disown(client.owner());
    backend.session.disown(client.muted_owner());
    client.owed_ = 0;
    side.refusals[static_cast<std::size_t>(reason)] += replies;
    tell_unanswered(client, replies, reason);
    client.arm_timer();
    serve(client, {});
}

void RedisRelay::backend_lost(RedisBackend& backend, RefusalReason reason) {
    RedisShard& shard = backend.shard();
    RedisSide& side = shard.worker().redis();
    struct Owed {
        RedisClient* client;
        std::uint32_t replies;  ///< Without those that it does not want to see.
    };
    std::vector<Owed> owed;
    side.for_each_client([&](RedisClient& client) {
        if (client.backend_ != &backend) return;
        const bool waits = client.owed_ > 0 || client.pinned();
        client.drop_pin_permit();
        client.backend_ = nullptr;
        if (waits) owed.push_back({&client, backend.session.owed().owed_to(client.owner())});
    });
    const resp::Owner within = backend.session.within_reply_of();
    backend.client_ = nullptr;
    backend.lose();
    for (const auto& [client, replies] : owed) {
        client->owed_ = 0;
        const bool fatal = client->session_.backend_gone();
        if (client->phase_ == RedisClient::Phase::leaving) continue;
        if (fatal || within == client->owner()) {
            // Half a reply, or a state that lay there, cannot be mended.
            ++side.refusals[static_cast<std::size_t>(reason)];
            client->leave(row_of(reason).label);
            continue;
        }
        side.counters_of(shard).lost_replies += replies;
        tell_unanswered(*client, replies, reason);
        serve(*client, {});
    }
    shard.perform_orders();
}

}  // namespace sluice::server
