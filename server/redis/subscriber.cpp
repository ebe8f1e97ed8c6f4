// How many clients' subscriptions come to one backend, and what becomes of them without it.

#include "server/redis/subscriber.hpp"

#include "protocol/resp/replies.hpp"

#include "server/log.hpp"
#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/refusal.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

/// Between two attempts to open a backend; doubled after each that fails.
constexpr net::Duration pause_min{250};
constexpr net::Duration pause_max{4'000};

}  // namespace

RedisSubscriber::RedisSubscriber(RedisSide& side, RedisKey key)
    : side_(side), key_(std::move(key)), counters_(side.counters_of(key_.database)) {}

RedisSubscriber::~RedisSubscriber() {
    inbox_.clear(side_.worker().shared().buffers);
    side_.worker().shared().buffers.give_back(charged_bytes_);
}

bool RedisSubscriber::is_open() const noexcept {
    return backend_ != nullptr && backend_->task() == RedisBackend::Task::ready;
}

RedisSubscriber::Change RedisSubscriber::subscribe(RedisClient& client, resp::ChannelKind kind,
                                                   const resp::ArgumentReader& names,
                                                   std::string& out) {
    const auto limit = side_.settings().max_client_subscriptions;
    if (limit > 0 && book_.count_of(client.owner()) + names.left() > limit) {
        ++counters_.refused_subscriptions;
        resp::append_error(
            out, "ERR sluice: too many subscriptions of one client (max_client_subscriptions)");
        return Change::done;
    }
    // Opening may fail at once: before this client waits, so that it is not told inside this call.
    if (backend_ == nullptr) try_open();
    if (backend_ == nullptr && side_.worker().engine().now() < retry_at_) {
        refuse(out, RefusalReason::backend_rejected, unreachable());
        return Change::done;
    }
    const bool ready = book_.subscribe(client.owner(), kind, names, orders_);
    if (!settle_bytes()) {
        book_.withdraw(client.owner(), orders_);
        send_orders();
        refuse(out, RefusalReason::buffers_spent, redis_error_of(RefusalReason::buffers_spent));
        return Change::done;
    }
    send_orders();
    arm();
    if (!ready) return Change::waits;
    book_.acknowledge(client.owner(), client.session().version(), out);
    return Change::done;
}

void RedisSubscriber::refuse(std::string& out, RefusalReason reason, std::string_view error) {
    ++side_.refusals[static_cast<std::size_t>(reason)];
    ++counters_.refused_subscriptions;
    resp::append_error(out, error);
}

std::string RedisSubscriber::unreachable() const {
    return redis_unreachable_error(shard_ == nullptr ? std::string() : shard_->pool().last_error());
}

RedisSubscriber::Change RedisSubscriber::unsubscribe(const RedisClient& client,
                                                     resp::ChannelKind kind,
                                                     const resp::ArgumentReader& names,
                                                     std::string& out) {
    const bool ready =
        book_.unsubscribe(client.owner(), kind, names, client.session().version(), out, orders_);
    send_orders();
    return ready ? Change::done : Change::waits;
}

RedisSubscriber::Change RedisSubscriber::part(const RedisClient& client) {
    const bool ready = book_.part(client.owner(), orders_);
    send_orders();
    return ready ? Change::done : Change::waits;
}

RedisSubscriber::Change RedisSubscriber::ping(const RedisClient& client) {
    if (!is_open()) return Change::done;
    send_ping(client.owner());
    return Change::waits;
}

void RedisSubscriber::send_ping(resp::Owner owner) {
    std::string ping;
    resp::append_request(ping, "PING");
    pings_.push_back(owner);
    backend_->put(ping);
}

void RedisSubscriber::stop_round(const RedisClient& client) {
    book_.stop_parting(client.owner());
    std::ranges::replace(pings_, client.owner(), resp::Owner::nobody);
    send_orders();
}

void RedisSubscriber::withdraw(const RedisClient& client) {
    book_.withdraw(client.owner(), orders_);
    send_orders();
}

void RedisSubscriber::leave(const RedisClient& client) {
    std::ranges::replace(pings_, client.owner(), resp::Owner::nobody);
    book_.leave(client.owner(), orders_);
    send_orders();
}

bool RedisSubscriber::has(const RedisClient& client) const noexcept {
    return book_.subscribed(client.owner());
}

bool RedisSubscriber::awaits(const RedisClient& client) const noexcept {
    return book_.waits(client.owner()) || book_.parts(client.owner());
}

void RedisSubscriber::send_orders() {
    if (!orders_.empty() && is_open()) backend_->put(orders_);
    orders_.clear();
    (void)settle_bytes();  // Where it has grown, its caller has asked.
    if (book_.empty()) lost_since_.reset();
}

/// What the book holds counts against the buffer memory. False: there is not so much.
bool RedisSubscriber::settle_bytes() {
    net::BufferBudget& buffers = side_.worker().shared().buffers;
    const std::size_t bytes = book_.empty() && book_.settled() ? 0 : book_.bytes();
    if (bytes > charged_bytes_ && !buffers.try_take(bytes - charged_bytes_)) return false;
    if (bytes < charged_bytes_) buffers.give_back(charged_bytes_ - bytes);
    charged_bytes_ = bytes;
    return true;
}

void RedisSubscriber::try_open() {
    if (backend_ != nullptr || side_.worker().engine().now() < retry_at_) return;
    if (side_.is_shut() || !enter_shard()) return;
    // Without a permit it stays closed, and wake() tries again.
    shard_->open_subscriber(*this);
}

/// The present pool of its key; false when the settings have none any more.
bool RedisSubscriber::enter_shard() {
    if (shard_ != nullptr && !shard_->pool().retired()) return true;
    leave_shard();
    shard_ = side_.shard_for(key_);
    if (shard_ == nullptr) return false;
    ++shard_->clients_entered;
    return true;
}

void RedisSubscriber::leave_shard() {
    if (shard_ == nullptr) return;
    --shard_->clients_entered;
    std::exchange(shard_, nullptr)->perform_orders();
}

void RedisSubscriber::opened() {
    pause_ = {};
    retry_at_ = {};
    lost_since_.reset();
    asked_at_.reset();
    heard_at_ = side_.worker().engine().now();
    book_.opened(orders_);
    send_orders();
    arm();
}

void RedisSubscriber::open_failed() {
    backend_ = nullptr;
    const net::TimePoint now = side_.worker().engine().now();
    pause_ = std::clamp(pause_ * 2, pause_min, pause_max);
    retry_at_ = now + pause_;
    refuse_waiting(RefusalReason::backend_rejected, unreachable());
    arm();
}

/// Those whose request is open; who has its channels stays.
void RedisSubscriber::refuse_waiting(RefusalReason reason, const std::string& error) {
    std::vector<resp::Owner> waiting;
    book_.for_each_member([&](resp::Owner owner) {
        if (book_.waits(owner)) waiting.push_back(owner);
    });
    for (const resp::Owner owner : waiting)
        book_.withdraw(owner, orders_);
    send_orders();
    for (const resp::Owner owner : waiting) {
        ++counters_.refused_subscriptions;
        ++side_.refusals[static_cast<std::size_t>(reason)];
        if (RedisClient* const client = side_.client_of(owner)) client->channels_refused(error);
    }
}

void RedisSubscriber::backend_gone() {
    backend_ = nullptr;
    inbox_.clear(side_.worker().shared().buffers);
    session_ = {};
    std::vector<resp::Owner> ready(pings_.begin(), pings_.end());
    pings_.clear();
    std::erase(ready, resp::Owner::nobody);
    book_.lost(ready);
    tell_ready_later(ready);
    (void)settle_bytes();
    if (book_.empty()) {
        arm();  // There is nothing to look after any more.
        return;
    }
    const net::TimePoint now = side_.worker().engine().now();
    ++counters_.subscriber_losses;
    if (!lost_since_) lost_since_ = now;
    // Not at once: whoever closes backends may be in the middle of it.
    side_.worker().engine().timers().arm(*this, now);
}

/// Not at once, as above. What they left is given up with the backend.
void RedisSubscriber::tell_ready_later(const std::vector<resp::Owner>& owners) {
    for (const resp::Owner owner : owners) {
        const RedisClient* const client = side_.client_of(owner);
        if (client != nullptr) side_.end_round_later(*client);
    }
}

void RedisSubscriber::wake() {
    if (backend_ != nullptr || book_.empty()) return;
    try_open();
    arm();
}

void RedisSubscriber::follow_settings() {
    if (shard_ == nullptr || !shard_->pool().retired()) return;
    retry_at_ = {};
    if (backend_ != nullptr) backend_->lose();
    leave_shard();
    if (!book_.empty() && !enter_shard()) give_up();
}

/// Its clients are closed: they shall know that nothing comes any more.
void RedisSubscriber::give_up() {
    std::vector<resp::Owner> all;
    book_.for_each_member([&](resp::Owner owner) { all.push_back(owner); });
    log::warning("subscribers closed",
                 {{"redis", key_.database}, {"clients", all.size()}, {"error", unreachable()}});
    dismiss_members(all);
}

void RedisSubscriber::dismiss_members(const std::vector<resp::Owner>& owners) {
    for (const resp::Owner owner : owners) {
        if (RedisClient* const client = side_.client_of(owner)) {
            ++side_.refusals[static_cast<std::size_t>(RefusalReason::backend_lost)];
            client->leave(row_of(RefusalReason::backend_lost).label);
        }
    }
}

void RedisSubscriber::expired(net::TimePoint now) {
    const net::Duration patience = side_.settings().wait_timeout;
    if (lost_since_ && patience.count() > 0 && now - *lost_since_ >= patience) {
        lost_since_.reset();
        give_up();
    }
    if (backend_ == nullptr && !book_.empty()) try_open();
    if (is_open()) look_after_backend(now);
    arm();
}

/// One that is silent is asked whether it is there, for between two ends that only listen nothing
/// else would tell. One that has nothing to do is closed.
void RedisSubscriber::look_after_backend(net::TimePoint now) {
    const config::Redis& settings = side_.settings();
    if (settings.server_idle_timeout.count() == 0) return;
    if (asked_at_ && now - *asked_at_ >= settings.server_connect_timeout) {
        log::warning("backend lost", {{"backend", backend_->id()}, {"error", "does not answer"}});
        backend_->lose();
        return;
    }
    if (book_.empty()) {
        if (now - backend_->used_at() >= settings.server_idle_timeout) backend_->shut();
        return;
    }
    if (asked_at_ || now - heard_at_ < settings.server_idle_timeout / 10) return;
    asked_at_ = now;
    send_ping(resp::Owner::nobody);
}

void RedisSubscriber::arm() {
    const net::TimePoint now = side_.worker().engine().now();
    const config::Redis& settings = side_.settings();
    std::optional<net::TimePoint> due;
    const auto consider = [&due](net::TimePoint when) { due = due ? std::min(*due, when) : when; };
    if (backend_ == nullptr && !book_.empty() && retry_at_ > now) consider(retry_at_);
    if (lost_since_ && settings.wait_timeout.count() > 0) {
        consider(*lost_since_ + settings.wait_timeout);
    }
    if (is_open() && settings.server_idle_timeout.count() > 0) {
        consider(now + settings.server_idle_timeout / 10);
        if (asked_at_) consider(*asked_at_ + settings.server_connect_timeout);
    }
    if (due) {
        side_.worker().engine().timers().arm(*this, *due);
    } else {
        disarm();
    }
}

}  // namespace sluice::server
