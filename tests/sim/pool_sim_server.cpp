#include "pool_sim_world.hpp"

#include <bit>
#include <utility>

namespace sluice::pool::sim {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

void World::pump(unsigned pool, unsigned shard) {
    Shard& self = *pools_[pool].shards[shard];
    while (failure_.empty()) {
        if (happens(odds_.meddles)) meddle(pool, shard);
        const std::optional<Action> action = self.next_action();
        if (!action) break;
        perform(pool, shard, *action);
    }
    arm_tick(pool, shard);
}

/// What a real server may do between two actions: a client vanishes, a backend dies.
void World::meddle(unsigned pool, unsigned shard) {
    if (happens(0.5)) {
        const auto at = static_cast<int>(between(0, std::ssize(clients_) - 1));
        Client& client = *clients_[static_cast<std::size_t>(at)];
        if (client.pool != pool || client.shard != shard ||
            client.state != Client::State::waiting) {
            return;
        }
        pools_[pool].shards[shard]->abandon(client.waiter, now_);
        if (client.waiter.waiting()) broken("an abandoned waiter still waits");
        think(at);
        return;
    }
    for (auto& [id, backend] : backends_) {
        if (backend->pool == pool && backend->shard == shard && happens(0.3)) {
            lose(*backend);
            return;
        }
    }
}

void World::perform(unsigned pool, unsigned shard, const Action& action) {
    const auto client_of = [this](const Waiter* waiter) {
        for (std::size_t at = 0; at < clients_.size(); ++at) {
            if (&clients_[at]->waiter == waiter) return static_cast<int>(at);
        }
        return -1;
    };
    const auto turn = [](Backend* backend) -> SimBackend& {
        auto& mine = static_cast<SimBackend&>(*backend);
        ++mine.turn;
        return mine;
    };
    std::visit(Overloaded{
                   [&](const Grant& grant) { hold(client_of(grant.waiter), *grant.backend); },
                   [&](const Refuse& refuse) { think(client_of(refuse.waiter)); },
                   [&](const Open& order) { open(pool, shard, order); },
                   [&](const Close& order) { close(turn(order.backend)); },
                   [&](const Reset& order) {
                       after_turn(turn(order.backend), 4'000, &World::reset_ended);
                   },
                   [&](const Check& order) {
                       after_turn(turn(order.backend), 1'000, &World::check_ended);
                   },
                   [&](const Send& order) {
                       SimBackend& backend = turn(order.backend);
                       backend.shard = order.shard;
                       const std::uint64_t id = backend.id;
                       deliver([this, id] { arrives(*find(id)); });
                   },
                   [&](const Wake& order) { tell(order.shard_mask, pool, &Shard::wake); },
                   [&](const NeedPermit& order) { tell_sharers(*order.budget, &Shard::evict_one); },
                   [&](const OfferPermit& order) { tell_sharers(*order.budget, &Shard::wake); },
               },
               action);
}

void World::open(unsigned pool, unsigned shard, const Open& order) {
    auto made = std::make_unique<SimBackend>(order.affinity);
    SimBackend& backend = *made;
    backend.id = ++last_id_;
    backend.pool = pool;
    backend.shard = shard;
    backends_.emplace(backend.id, std::move(made));
    ++pools_[pool].open_backends;
    ++pools_[pool].connecting;
    pools_[pool].shards[shard]->opening(backend, now_);
    const std::uint64_t id = backend.id;
    const std::uint64_t turn = ++backend.turn;
    later(between(100, happens(0.1) ? 50'000 : 3'000),
          [this, id, turn] { connect_ended(id, turn); });
    if (happens(odds_.lost)) {
        later(between(0, 200'000), [this, id] {
            SimBackend* victim = find(id);
            if (victim == nullptr) return;
            const unsigned at = victim->shard;
            const unsigned of = victim->pool;
            lose(*victim);
            pump(of, at);
        });
    }
}

void World::connect_ended(std::uint64_t id, std::uint64_t turn) {
    SimBackend* backend = find(id);
    if (backend == nullptr || backend->turn != turn) return;
    ++backend->turn;
    Pool& pool = pools_[backend->pool];
    Shard& shard = *pool.shards[backend->shard];
    const unsigned pool_at = backend->pool;
    const unsigned shard_at = backend->shard;
    --pool.connecting;
    // The databases get well in the end, or the last waiter might wait for ever.
    if (happens(winding_down_ ? 0 : odds_.connect_fails)) {
        shard.open_failed(*backend, OpenFailure::unavailable, now_);
        close(*backend);
    } else if (happens(winding_down_ ? 0 : odds_.rejected)) {
        shard.open_failed(*backend, OpenFailure::rejected, now_);
        close(*backend);
    } else {
        shard.opened(*backend, now_);
    }
    pump(pool_at, shard_at);
}

void World::lose(SimBackend& backend) {
    Shard& shard = *pools_[backend.pool].shards[backend.shard];
    const Backend::State state = backend.state();
    if (state == Backend::State::closing) {
        shard.lost(backend, now_);
        return;
    }
    if (state == Backend::State::travelling && !backend.linked()) {
        backend.dead = true;
        return;
    }
    ++backend.turn;
    if (state == Backend::State::opening) --pools_[backend.pool].connecting;
    const int client = std::exchange(backend.client, -1);
    shard.lost(backend, now_);
    close(backend);
    if (client != -1) think(client);
}

void World::close(SimBackend& backend) {
    const std::uint64_t id = backend.id;
    const auto gone = [this, id] {
        SimBackend* closing = find(id);
        const unsigned pool = closing->pool;
        const unsigned shard = closing->shard;
        pools_[pool].shards[shard]->closed(*closing, now_);
        --pools_[pool].open_backends;
        backends_.erase(id);
        pump(pool, shard);
    };
    // Some servers close at once, out of the middle of their loop, and some take their time.
    if (odds_.meddles == 0 && happens(0.5) && backend.turn % 2 == 0) {
        later(0, [gone, this] {
            --in_delivery_;
            gone();
        });
        ++in_delivery_;
    } else {
        deliver(gone);
    }
}

void World::after_turn(SimBackend& backend, std::int64_t micros_max,
                       void (World::*then)(SimBackend&)) {
    const std::uint64_t id = backend.id;
    const std::uint64_t turn = backend.turn;
    later(between(10, micros_max), [this, id, turn, then] {
        SimBackend* still = find(id);
        if (still == nullptr || still->turn != turn) return;
        ++still->turn;
        const unsigned pool = still->pool;
        const unsigned shard = still->shard;
        (this->*then)(*still);
        pump(pool, shard);
    });
}

void World::reset_ended(SimBackend& backend) {
    if (happens(odds_.reset_fails)) {
        lose(backend);
    } else {
        pools_[backend.pool].shards[backend.shard]->reset_done(backend, now_);
    }
}

void World::check_ended(SimBackend& backend) {
    if (happens(odds_.reset_fails)) {
        lose(backend);
    } else {
        pools_[backend.pool].shards[backend.shard]->check_done(backend, now_);
    }
}

void World::arrives(SimBackend& backend) {
    const unsigned pool = backend.pool;
    const unsigned shard = backend.shard;
    pools_[pool].shards[shard]->arrived(backend, now_);
    if (backend.dead && backend.state() != Backend::State::travelling) lose(backend);
    pump(pool, shard);
}

void World::tell(std::uint64_t shard_mask, unsigned pool, void (Shard::*what)(TimePoint)) {
    for (; shard_mask != 0; shard_mask &= shard_mask - 1) {
        const auto shard = static_cast<unsigned>(std::countr_zero(shard_mask));
        deliver([this, pool, shard, what] {
            (pools_[pool].shards[shard].get()->*what)(now_);
            pump(pool, shard);
        });
    }
}

void World::tell_sharers(const Budget& budget, void (Shard::*what)(TimePoint)) {
    for (unsigned pool = 0; pool < pools_.size(); ++pool) {
        const bool shares = &budget == database_.get() || &budget == process_.get() ||
                            &budget == pools_[pool].budget.get();
        if (shares) tell((std::uint64_t{1} << pools_[pool].shards.size()) - 1, pool, what);
    }
}

void World::arm_tick(unsigned pool, unsigned shard) {
    const std::optional<TimePoint> due = pools_[pool].shards[shard]->next_deadline();
    TimePoint& armed = pools_[pool].ticks[shard];
    if (!due || *due >= armed) return;
    const TimePoint at = std::max(*due, now_);
    armed = at;
    events_.push({at, ++order_, [this, pool, shard, at] {
                      if (pools_[pool].ticks[shard] != at) return;
                      pools_[pool].ticks[shard] = TimePoint::max();
                      Shard& self = *pools_[pool].shards[shard];
                      self.tick(now_);
                      const auto next = self.next_deadline();
                      if (next && *next <= now_) broken("a tick leaves its deadline in the past");
                      pump(pool, shard);
                  }});
}

}  // namespace sluice::pool::sim
