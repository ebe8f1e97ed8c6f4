#include "server/redis/shard.hpp"

#include "protocol/assert.hpp"

#include "server/redis/client.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

/// After a failed connect whoever asks is refused at once for so long: a server that is away is not
/// asked by each of its clients.
constexpr std::chrono::milliseconds link_pause{250};

using Lane = RedisBackend::Lane;

template <typename... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Match(Cases...) -> Match<Cases...>;

}  // namespace

RedisShard::RedisShard(Worker& worker, std::shared_ptr<pool::PoolEntry> entry,
                       RedisCounters& counts)
    : counters(&counts),
      worker_(worker),
      entry_(std::move(entry)),
      pool_(redis_pool_of(*entry_)),
      link_permits_(&pool_.links(), entry_->database.get(), nullptr, entry_->process.get()),
      engine_(entry_->shared, worker.index(), entry_->limits,
              worker.next_id() ^
                  static_cast<std::uint64_t>(worker.engine().now().time_since_epoch().count())) {}

RedisShard::~RedisShard() = default;

const config::Redis& RedisShard::settings() const noexcept {
    return worker_.configuration().settings.redis;
}

void RedisShard::perform_orders() {
    if (performing_) return;  // The loop below, further up the stack, sees to it.
    performing_ = true;
    while (const auto action = engine_.next_action())
        perform(*action);
    performing_ = false;
    arm();
    if (clients_entered == 0 && pool_.retired()) worker_.redis().retire(*this);
}

void RedisShard::arm() {
    auto due = engine_.next_deadline();
    if (!links_.empty() && settings().server_idle_timeout.count() > 0) {
        // A coarse look suffices for what lies idle for minutes.
        const auto look = worker_.engine().now() + settings().server_idle_timeout / 4;
        due = due ? std::min(*due, look) : look;
    }
    if (due) {
        worker_.engine().timers().arm(*this, *due);
    } else {
        disarm();
    }
}

void RedisShard::expired(net::TimePoint now) {
    engine_.tick(now);
    const auto timeout = settings().server_idle_timeout;
    for (RedisBackend* const link : std::vector<RedisBackend*>(links_)) {
        const bool idle = link->settled() && now - link->used_at() >= timeout;
        if (timeout.count() > 0 && idle) link->shut();
    }
    perform_orders();
}

void RedisShard::perform(const pool::Action& action) {
    std::visit(
        Match{
            [](const pool::Grant& grant) {
                static_cast<RedisClient*>(grant.waiter)
                    ->granted(static_cast<RedisBackend&>(*grant.backend));
            },
            [](const pool::Refuse& refuse) {
                static_cast<RedisClient*>(refuse.waiter)->refused(refuse.reason);
            },
            [this](const pool::Open&) { open_pinned(); },
            [](const pool::Close& order) { static_cast<RedisBackend*>(order.backend)->shut(); },
            // Nothing is given back that would need one: see RedisRelay::release_if_settled.
            [](const pool::Reset& order) { static_cast<RedisBackend*>(order.backend)->lose(); },
            [](const pool::Check& order) { static_cast<RedisBackend*>(order.backend)->check(); },
            [this](const pool::Send& order) {
                send(static_cast<RedisBackend&>(*order.backend), order.shard);
            },
            [this](const pool::Wake& order) {
                for (unsigned shard = 0; shard < worker_.shared().workers.size(); ++shard) {
                    if ((order.shard_mask >> shard & 1U) == 0) continue;
                    Worker* const target = worker_.shared().workers[shard].get();
                    target->post([target, entry = entry_.get()] {
                        RedisShard* const found = target->redis().find_shard(entry);
                        if (found != nullptr) found->wake();
                    });
                }
            },
            [this](const pool::NeedPermit&) { wake_redis(worker_.shared(), true); },
            [this](const pool::OfferPermit&) { wake_redis(worker_.shared(), false); },
        },
        action);
}

void wake_redis(Shared& shared, bool wants_room) {
    for (const auto& worker : shared.workers) {
        worker->post([worker = worker.get(), wants_room] {
            worker->redis().for_each_shard([wants_room](RedisShard& shard) {
                if (wants_room) shard.make_room();
                shard.wake();
            });
            worker->redis().wake_subscribers();
        });
    }
}

void RedisShard::open_pinned() {
    backends_.push_back(
        std::make_unique<RedisBackend>(*this, RedisBackend::Use::pinned, worker_.next_id()));
    RedisBackend& backend = *backends_.back();
    engine_.opening(backend, worker_.engine().now());
    backend.connect();
}

void RedisShard::open_subscriber(RedisSubscriber& subscriber) {
    if (!take_link_permit(pool::Budget::Hunger::starving)) return;
    backends_.push_back(
        std::make_unique<RedisBackend>(*this, RedisBackend::Use::subscriber, worker_.next_id()));
    RedisBackend& backend = *backends_.back();
    backend.serve(subscriber);
    subscriber.opening(backend);
    backend.connect();
}

bool RedisShard::try_link_permit() {
    const pool::PermitChain::Attempt attempt = link_permits_.try_take(0);
    if (attempt.wanted != 0) wake_redis(worker_.shared(), false);
    return attempt.taken == pool::PermitChain::Taken::yes;
}

bool RedisShard::take_link_permit(pool::Budget::Hunger hunger) {
    using Taken = pool::PermitChain::Taken;
    const pool::PermitChain::Attempt attempt = link_permits_.try_take(0);
    if (attempt.wanted != 0) wake_redis(worker_.shared(), false);
    if (attempt.taken == Taken::yes) return true;
    // Said first and looked again after: what came back in between is not missed.
    if (link_permits_.at(attempt.spent_at).want(hunger)) wake_redis(worker_.shared(), true);
    return link_permits_.try_take(0).taken == Taken::yes;
}

void RedisShard::give_link_permit_back() {
    if (link_permits_.give_back() != 0) wake_redis(worker_.shared(), false);
}

void RedisShard::leave(RedisClient& client) noexcept {
    std::erase(waiting_, &client);
    std::erase(turns_, &client);
}

void RedisShard::serve_turns() {
    // Who finds none stands again where it stood, before whoever comes now.
    for (RedisClient* const client : std::exchange(turns_, {}))
        client->turn_come();
}

void RedisShard::opened(RedisBackend& backend) {
    if (backend.use() == RedisBackend::Use::pinned) {
        engine_.opened(backend, worker_.engine().now());
        perform_orders();
        return;
    }
    worker_.redis().refresh_versions();
    if (backend.use() == RedisBackend::Use::subscriber) {
        backend.subscriber()->opened();
    } else {
        links_held_until_ = {};
        serve_waiting();
        perform_orders();
    }
    // Whoever asked for room while this one was on its way found nothing that could go.
    yield();
}

void RedisShard::open_failed(RedisBackend& backend, pool::OpenFailure failure) {
    const net::TimePoint now = worker_.engine().now();
    if (backend.use() == RedisBackend::Use::pinned) {
        engine_.open_failed(backend, failure, now);
        engine_.closed(backend, now);
        bury(backend);
    } else if (backend.use() == RedisBackend::Use::subscriber) {
        bury(backend);
        give_link_permit_back();
        backend.subscriber()->open_failed();
    } else {
        std::erase(links_, &backend);
        bury(backend);
        links_held_until_ = now + link_pause;
        give_link_permit_back();
        if (link_count(Lane::quick) == 0) refuse_waiting();
    }
    perform_orders();
}

void RedisShard::closed(RedisBackend& backend) {
    if (backend.use() == RedisBackend::Use::pinned) {
        engine_.closed(backend, worker_.engine().now());
        bury(backend);
        return;
    }
    if (backend.use() == RedisBackend::Use::subscriber) {
        bury(backend);
        give_link_permit_back();
        backend.subscriber()->backend_gone();
        return;
    }
    worker_.redis().for_each_client([&backend](RedisClient& client) { client.unlink(backend); });
    std::erase(links_, &backend);
    bury(backend);
    give_link_permit_back();
    if (!waiting_.empty() && link_count(Lane::quick) == 0) open_link();
}

void RedisShard::lost(RedisBackend& backend) {
    if (backend.use() == RedisBackend::Use::pinned &&
        backend.state() != pool::Backend::State::closing) {
        engine_.lost(backend, worker_.engine().now());
    }
    closed(backend);
}

void RedisShard::make_room() {
    engine_.evict_one(worker_.engine().now());
    perform_orders();
    yield();
}

void RedisShard::close_idle_link() {
    const auto at = std::ranges::find_if(backends_, [this](const auto& backend) {
        if (!backend->settled() || backend->use() == RedisBackend::Use::pinned) return false;
        if (backend->use() == RedisBackend::Use::shared) return waiting_.empty();
        return backend->subscriber()->is_idle();
    });
    if (at != backends_.end() && link_permits_.claim_shared_want()) (*at)->shut();
}

void RedisShard::wake() {
    if (!waiting_.empty() && link_count(Lane::quick) == 0) open_link();
    serve_turns();
    engine_.wake(worker_.engine().now());
    perform_orders();
}

void RedisShard::send(RedisBackend& backend, unsigned shard) {
    Worker* const target = worker_.shared().workers[shard].get();
    backend.depart();
    const auto at = std::ranges::find(backends_, &backend, &std::unique_ptr<RedisBackend>::get);
    SLUICE_ASSERT(at != backends_.end());
    RedisBackend* const travelling = at->release();
    backends_.erase(at);
    // The entry, held by the task, keeps the pool alive on the way.
    target->post([target, travelling, entry = entry_] {
        RedisShard& there = target->redis().shard_of(entry);
        there.backends_.emplace_back(travelling);
        travelling->move_to(there);
        travelling->arrive(target->engine());
        there.engine_.arrived(*travelling, target->engine().now());
        there.perform_orders();
    });
}

RedisBackend* RedisShard::find_backend(std::uint64_t id) noexcept {
    const auto at =
        std::ranges::find(backends_, id, [](const auto& backend) { return backend->id(); });
    return at == backends_.end() ? nullptr : at->get();
}

void RedisShard::bury(RedisBackend& backend) {
    const auto at = std::ranges::find(backends_, &backend, &std::unique_ptr<RedisBackend>::get);
    SLUICE_ASSERT(at != backends_.end());
    for (std::size_t kind = 0; kind < resp::error_kind_count; ++kind)
        counters->errors[kind] += backend.session.errors()[kind];
    worker_.engine().bury(std::move(*at));
    backends_.erase(at);
}

bool RedisShard::is_deserted() const noexcept {
    return clients_entered == 0 && engine_.empty() && backends_.empty();
}

void RedisShard::close_all() {
    engine_.drain(worker_.engine().now());
    perform_orders();
    while (!backends_.empty())
        backends_.back()->lose();
    perform_orders();
}

}  // namespace sluice::server
