// How a client comes to its channels, and how messages come between its replies.

#include "protocol/resp/client_session.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

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
            new RedisSubscription{client.side_.subscriber_for(client), net::Inbox{}});
    }
    RedisSubscriber& source = client.subscription_->source;
    if (source.subscribe(client, step.channels, names_of(step), out) ==
        RedisSubscriber::Entering::done) {
        forget_subscription(client);
        return Goes::on;
    }
    client.phase_ = RedisClient::Phase::awaiting_channels;
    client.since_ = client.engine().now();
    client.arm_timer();
    return Goes::waits;
}

void RedisRelay::unsubscribe(RedisClient& client, const resp::ClientStep& step, std::string& out) {
    // Who has nothing is answered all the same.
    RedisSubscriber& source =
        client.subscription_ ? client.subscription_->source : client.side_.subscriber_for(client);
    source.unsubscribe(client, step.channels, names_of(step), out);
    forget_subscription(client);
}

void RedisRelay::forget_subscription(RedisClient& client) {
    if (!client.subscription_ || client.subscribed()) return;
    client.subscription_->held.clear(client.side_.worker().shared().buffers);
    client.subscription_.reset();
}

void RedisRelay::leave_channels(RedisClient& client) {
    if (!client.subscription_) return;
    client.subscription_->source.leave(client);
    forget_subscription(client);
}

RedisRelay::Hearing RedisRelay::hear(RedisClient& client, std::string_view message) {
    net::Inbox& held = client.subscription_->held;
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
