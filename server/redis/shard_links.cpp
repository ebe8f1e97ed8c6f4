// The shared backends of a shard: which client is served by which, and when there are more or
// fewer.

#include "server/redis/client.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

/// Replies owed on each of the shared backends before one more is opened.
constexpr std::size_t busy_replies = 32;

/// A server that takes no writes is not asked for its address by each of them.
constexpr std::chrono::milliseconds doubt_pause{1'000};

using Lane = RedisBackend::Lane;

}  // namespace

void RedisShard::open_link(Lane lane) {
    const auto hunger =
        link_count(lane) == 0 ? pool::Budget::Hunger::starving : pool::Budget::Hunger::some;
    // Without one of the quick ones nobody is served; one of the others is a luxury, for which
    // nobody is asked to make room.
    if (lane == Lane::slow ? !try_link_permit() : !take_link_permit(hunger)) return;
    backends_.push_back(
        std::make_unique<RedisBackend>(*this, RedisBackend::Use::shared, worker_.next_id(), lane));
    links_.push_back(backends_.back().get());
    arm();
    backends_.back()->connect();
}

RedisBackend* RedisShard::best_link(Lane lane) const noexcept {
    RedisBackend* best = nullptr;
    for (RedisBackend* const link : links_) {
        if (link->task() != RedisBackend::Task::ready || link->lane() != lane) continue;
        if (link->retiring()) continue;
        if (best == nullptr || link->session.owed_count() < best->session.owed_count()) best = link;
    }
    return best;
}

std::size_t RedisShard::link_count(Lane lane) const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        links_, [lane](const auto* link) { return link->lane() == lane && !link->retiring(); }));
}

bool RedisShard::may_open(Lane lane, std::size_t count_max) const noexcept {
    if (worker_.engine().now() < links_held_until_ || link_count(lane) >= count_max) return false;
    return std::ranges::none_of(links_, [lane](const RedisBackend* link) {
        return link->lane() == lane && link->task() != RedisBackend::Task::ready;
    });
}

/// Null while there is none: until then its clients are served among the others.
RedisBackend* RedisShard::slow_link() {
    RedisBackend* const best = best_link(Lane::slow);
    const bool busy = best == nullptr || best->session.owed_count() > busy_replies;
    const bool spare = link_count(Lane::quick) > 0;
    if (busy && spare && may_open(Lane::slow, pool_.bounds().slow_connections))
        open_link(Lane::slow);
    return best;
}

RedisShard::Link RedisShard::join(RedisClient& client, Lane lane) {
    if (lane == Lane::slow) {
        if (RedisBackend* const link = slow_link()) {
            client.linked(*link);
            return Link::ready;
        }
    }
    RedisBackend* const best = best_link(Lane::quick);
    const bool busy = best == nullptr || best->session.owed_count() > busy_replies;
    if (busy && may_open(Lane::quick, pool_.bounds().shared_connections)) open_link();
    if (best != nullptr) {
        client.linked(*best);
        return Link::ready;
    }
    // Opening one may have failed in there at once.
    const bool failing = worker_.engine().now() < links_held_until_;
    if (failing && link_count(Lane::quick) == 0) return Link::refused;
    waiting_.push_back(&client);
    return Link::waits;
}

void RedisShard::doubt(RedisBackend& backend) {
    const net::TimePoint now = worker_.engine().now();
    if (backend.use() == RedisBackend::Use::subscriber || now < doubted_until_) return;
    doubted_until_ = now + doubt_pause;
    engine_.recycle(now);
    std::vector<RedisBackend*> idle;
    for (RedisBackend* const link : links_) {
        link->retire();
        // The one at hand is in the middle of its replies.
        if (link != &backend && link->settled()) idle.push_back(link);
    }
    worker_.redis().for_each_client([](RedisClient& client) { client.leave_retiring(); });
    for (RedisBackend* const link : idle)
        link->shut();
}

void RedisShard::serve_waiting() {
    // Who is served may ask again, behind the others.
    for (std::size_t count = waiting_.size(); count > 0 && !waiting_.empty(); --count) {
        if (best_link(Lane::quick) == nullptr) return;
        RedisClient* const client = waiting_.front();
        waiting_.erase(waiting_.begin());
        client->link_ready();
    }
}

void RedisShard::refuse_waiting() {
    while (!waiting_.empty()) {
        RedisClient* const client = waiting_.front();
        waiting_.erase(waiting_.begin());
        client->link_refused();
    }
}

}  // namespace sluice::server
