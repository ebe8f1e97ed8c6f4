// How a client comes to its channels, and how messages come between its replies.

#include "protocol/resp/client_session.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

namespace {

resp::ArgumentReader names_of(const resp::ClientStep& step) {
    resp::ArgumentReader names(wire::as_bytes(step.send));
    (void)names.next();
    return names;
}

bool within_reply(const RedisBackend* backend, const RedisClient& client) {
    if (backend == nullptr) return false;
    if (backend->client() == &client && backend->session.within_push()) return true;
    return backend->session.within_reply_of() == client.owner();
}

}  // namespace

RedisRelay::Goes RedisRelay::subscribe(RedisClient& client, const resp::ClientStep& step,
                                       std::string& out) {
    if (!client.subscription_) {
        client.subscription_.reset(
            new RedisSubscription{client.side_.subscriber_for(client), {}, {}});
    }
    RedisSubscriber& source = client.subscription_->source;
    if (source.subscribe(client, step.channels, names_of(step), out) ==
        RedisSubscriber::Change::done) {
        forget_subscription(client);
        return Goes::on;
    }
    client.phase_ = RedisClient::Phase::awaiting_channels;
    client.since_ = client.engine().now();
    client.arm_timer();
    return Goes::waits;
}

RedisRelay::Goes RedisRelay::unsubscribe(RedisClient& client, const resp::ClientStep& step,
                                         std::string& out) {
    // Who has nothing is answered all the same.
    RedisSubscriber& source =
        client.subscription_ ? client.subscription_->source : client.side_.subscriber_for(client);
    std::string answer;
    const bool waits = source.unsubscribe(client, step.channels, names_of(step), answer) ==
                       RedisSubscriber::Change::waits;
    if (waits && await_round(client, RedisRound::unsubscribe, answer)) return Goes::waits;
    out += answer;
    forget_subscription(client);
    return Goes::on;
}

RedisRelay::Goes RedisRelay::part_first(RedisClient& client, RedisRound round, std::string& out,
                                        std::size_t answer_at) {
    if (client.subscription_) {
        const bool waits =
            client.subscription_->source.part(client) == RedisSubscriber::Change::waits;
        if (waits && await_round(client, round, std::string_view(out).substr(answer_at))) {
            out.resize(answer_at);
            return Goes::waits;
        }
        forget_subscription(client);
    }
    return round == RedisRound::quit ? Goes::away : Goes::on;
}

/// To one who hears messages a PONG says that it has heard all that was published before.
RedisRelay::Goes RedisRelay::ping(RedisClient& client, std::string& out, std::size_t answer_at) {
    if (!client.subscription_ ||
        client.subscription_->source.ping(client) == RedisSubscriber::Change::done ||
        !await_round(client, RedisRound::ping, std::string_view(out).substr(answer_at))) {
        return Goes::on;
    }
    out.resize(answer_at);
    return Goes::waits;
}

/// Told at once that it has left, the client could publish on another backend and be counted
/// itself. It is told so all the same when there is no memory for the answer meanwhile: false.
bool RedisRelay::await_round(RedisClient& client, RedisRound round, std::string_view answer) {
    RedisSubscription& subscription = *client.subscription_;
    net::BufferBudget& buffers = client.side_.worker().shared().buffers;
    if (!subscription.answer.append(wire::as_bytes(answer), buffers)) {
        subscription.source.stop_round(client);
        return false;
    }
    subscription.round = round;
    client.phase_ = RedisClient::Phase::awaiting_channels;
    client.since_ = client.engine().now();
    client.arm_timer();
    return true;
}

RedisRelay::After RedisRelay::end_round(RedisClient& client) {
    if (!client.subscription_) return After::stays;
    RedisSubscription& subscription = *client.subscription_;
    const RedisRound round = std::exchange(subscription.round, RedisRound::none);
    if (round == RedisRound::none) return After::stays;
    client.send(subscription.answer.bytes());
    subscription.answer.clear(client.side_.worker().shared().buffers);
    forget_subscription(client);
    return round == RedisRound::quit ? After::leaves : After::stays;
}

void RedisRelay::forget_subscription(RedisClient& client) {
    if (!client.subscription_ || client.subscribed()) return;
    client.subscription_->held.clear(client.side_.worker().shared().buffers);
    client.subscription_->answer.clear(client.side_.worker().shared().buffers);
    client.subscription_.reset();
}

void RedisRelay::leave_channels(RedisClient& client) {
    if (!client.subscription_) return;
    client.subscription_->source.leave(client);
    forget_subscription(client);
}

RedisRelay::Hearing RedisRelay::hear(RedisClient& client, std::string_view message) {
    RedisSubscription& subscription = *client.subscription_;
    net::Inbox& held = subscription.held;
    // Behind its RESET or QUIT it hears nothing, though its channels are not given up yet.
    if (subscription.round == RedisRound::reset || subscription.round == RedisRound::quit) {
        return Hearing::kept_up;
    }
    // The bytes of a reply that are still to come would be taken for the message's.
    if (!held.empty() || within_reply(client.backend_, client)) {
        net::BufferBudget& buffers = client.side_.worker().shared().buffers;
        if (!held.append(wire::as_bytes(message), buffers)) return Hearing::slow;
    } else {
        client.send(message);
    }
    const std::uint64_t unread = client.pending_output_bytes() + held.size();
    return unread > client.side_.settings().client_buffer_max ? Hearing::slow : Hearing::kept_up;
}

void RedisRelay::hear_held(RedisClient& client) {
    net::Inbox& held = client.subscription_->held;
    if (held.empty() || within_reply(client.backend_, client)) return;
    client.send(held.bytes());
    held.clear(client.side_.worker().shared().buffers);
}

}  // namespace sluice::server
