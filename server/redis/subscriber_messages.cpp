// What comes from the backend of many subscribers, and to whom it goes.

#include "server/log.hpp"
#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/refusal.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

namespace {

/// Scratch memory beyond this is not kept for the next message's sake.
constexpr std::size_t scratch_bytes_kept = 256U * 1024;

}  // namespace

void RedisSubscriber::received(wire::Bytes arrived) {
    net::BufferBudget& buffers = side_.worker().shared().buffers;
    heard_at_ = side_.worker().engine().now();
    asked_at_.reset();
    const bool kept = !inbox_.empty();
    if (kept && !inbox_.append(arrived, buffers)) {
        log::warning("backend lost", {{"backend", backend_->id()}, {"error", "buffers spent"}});
        backend_->lose();
        return;
    }
    const RedisBackend* const backend = backend_;
    const wire::Bytes bytes = kept ? inbox_.bytes() : arrived;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const resp::Heard heard = session_.next(bytes.subspan(at));
        if (heard.bytes == 0 && heard.event == resp::Heard::Event::incomplete) break;
        hear(heard, bytes.subspan(at, heard.bytes));
        // What was heard may have ended the backend, and with it what it has sent.
        if (backend_ != backend) {
            cut_slow();
            return;
        }
        at += heard.bytes;
    }
    deliver_run();
    if (bytes.size() - at > side_.settings().client_buffer_max && !session_.skipping()) {
        too_large(bytes.subspan(at));
        at += session_.skip_rest();
    }
    cut_slow();
    if (backend_ != backend) return;
    if (kept) {
        inbox_.consume(at, buffers);
    } else if (!inbox_.append(bytes.subspan(at), buffers)) {
        log::warning("backend lost", {{"backend", backend_->id()}, {"error", "buffers spent"}});
        backend_->lose();
        return;
    }
    if (is_idle()) shard_->yield();
}

void RedisSubscriber::hear(const resp::Heard& heard, wire::Bytes bytes) {
    using Event = resp::Heard::Event;
    if (heard.event == Event::message) {
        add_to_run(heard, bytes);
        return;
    }
    // Whoever comes now must not get what came before, nor who leaves miss it.
    deliver_run();
    switch (heard.event) {
        case Event::incomplete:
        case Event::message: return;
        case Event::pong:
            if (pings_.empty()) break;
            ponged();
            return;
        case Event::subscribed:
        case Event::unsubscribed: acknowledged(heard); return;
        case Event::error: refused_by_server(std::string(heard.name)); return;
        case Event::violation: break;
    }
    log::warning("backend lost", {{"backend", backend_->id()}, {"error", "unexpected answer"}});
    backend_->lose();
}

void RedisSubscriber::add_to_run(const resp::Heard& heard, wire::Bytes bytes) {
    const auto* const channel = book_.find(heard.kind, heard.name);
    ++counters_.messages_received;
    if (channel != run_.channel) deliver_run();
    // Its last client has just left.
    if (channel == nullptr) return;
    if (run_.channel == nullptr) {
        run_.channel = channel;
        run_.bytes = bytes;
    } else {
        run_.bytes = {run_.bytes.data(), run_.bytes.size() + bytes.size()};
    }
    run_.starts.push_back(run_.bytes.size() - bytes.size());
}

/// Nothing here calls anything that could change who is subscribed.
void RedisSubscriber::deliver_run() {
    if (run_.channel == nullptr) return;
    const auto& channel = *std::exchange(run_.channel, nullptr);
    const std::size_t messages = run_.starts.size();
    const std::string_view text = wire::as_text(run_.bytes);
    as_push_.clear();
    for (const resp::Owner owner : channel.subscribers) {
        RedisClient* const client = side_.client_of(owner);
        if (client == nullptr) continue;
        std::string_view version = text;
        if (client->session().version() == resp::RespVersion::resp3) {
            if (as_push_.empty()) {
                as_push_ = text;
                for (const std::size_t start : run_.starts)
                    as_push_[start] = '>';
            }
            version = as_push_;
        }
        counters_.messages_delivered += messages;
        counters_.sent_bytes += version.size();
        if (RedisRelay::hear(*client, version) == RedisRelay::Hearing::slow) {
            slow_.push_back(client);
        }
    }
    run_.starts.clear();
    if (as_push_.capacity() > scratch_bytes_kept) as_push_ = {};
}

void RedisSubscriber::cut_slow() {
    // Who leaves may let others go on, who may do anything.
    for (RedisClient* const client : std::exchange(slow_, {})) {
        if (client->phase() == RedisClient::Phase::leaving) continue;
        ++counters_.slow_subscribers;
        client->leave("does not read its messages", RedisClient::Ending::cut);
    }
}

/// A message that no client could leave unread is for nobody, and who should have got it is told
/// in the only way there is.
void RedisSubscriber::too_large(wire::Bytes front) {
    const resp::Heard heard = resp::front_of_message(front);
    if (heard.event != resp::Heard::Event::message) return;
    ++counters_.messages_received;
    const auto* const channel = book_.find(heard.kind, heard.name);
    if (channel == nullptr) return;
    for (const resp::Owner owner : channel->subscribers) {
        if (RedisClient* const client = side_.client_of(owner)) slow_.push_back(client);
    }
}

void RedisSubscriber::acknowledged(const resp::Heard& heard) {
    std::vector<resp::Owner> ready;
    const bool subscribed = heard.event == resp::Heard::Event::subscribed;
    if (!book_.acknowledged(heard.kind, subscribed, heard.name, ready)) {
        log::warning("backend lost",
                     {{"backend", backend_->id()}, {"error", "unexpected acknowledgement"}});
        backend_->lose();
        return;
    }
    // All of them first: who goes on may change what the others have.
    std::vector<RedisClient*> clients;
    for (const resp::Owner owner : ready) {
        RedisClient* const client = side_.client_of(owner);
        if (client == nullptr) continue;
        clients.push_back(client);
        // Who leaves has had its answer made when it asked.
        if (!book_.waits(owner)) continue;
        std::string out;
        book_.acknowledge(owner, client->session().version(), out);
        client->send(out);
    }
    (void)settle_bytes();
    for (RedisClient* const client : clients)
        client->channels_ready();
}

void RedisSubscriber::ponged() {
    const resp::Owner owner = pings_.front();
    pings_.pop_front();
    if (owner == resp::Owner::nobody) return;
    if (RedisClient* const client = side_.client_of(owner)) client->channels_ready();
}

void RedisSubscriber::refused_by_server(const std::string& error) {
    std::vector<resp::Owner> refused;
    std::vector<resp::Owner> expelled;
    std::vector<resp::Owner> parted;
    if (!book_.refused(refused, expelled, parted)) {
        // It speaks unasked: its last words.
        log::warning("backend lost", {{"backend", backend_->id()}, {"error", error}});
        backend_->lose();
        return;
    }
    for (const resp::Owner owner : refused)
        book_.withdraw(owner, orders_);
    send_orders();
    tell_ready_later(parted);
    // They had it before the backend was lost, and may not any more.
    dismiss_members(expelled);
    for (const resp::Owner owner : refused) {
        ++counters_.refused_subscriptions;
        if (RedisClient* const client = side_.client_of(owner)) client->channels_refused(error);
    }
}

}  // namespace sluice::server
