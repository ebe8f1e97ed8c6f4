#include "pool_sim_world.hpp"

#include <algorithm>

namespace sluice::pool::sim {

World::World(std::uint64_t seed) : random_(seed) {
    end_ = now_ + std::chrono::milliseconds{between(50, 500)};
    if (happens(0.7)) odds_.connect_fails = happens(0.3) ? 0.6 : 0.1;
    if (happens(0.3)) odds_.rejected = 0.3;
    if (happens(0.7)) odds_.lost = happens(0.3) ? 0.5 : 0.05;
    if (happens(0.5)) odds_.reset_fails = 0.2;
    if (happens(0.7)) odds_.needs_reset = happens(0.3) ? 1.0 : 0.2;
    if (happens(0.5)) odds_.broken = 0.05;
    if (happens(0.6)) odds_.abandons = 0.2;
    if (happens(0.3)) odds_.meddles = 0.02;
    make_pools();
    make_clients();
    if (happens(0.4)) later(between(1'000, 300'000), [this] { operator_acts(); });
}

World::~World() {
    // After a broken promise nothing is in order, and the destructors of the pool would say so.
    if (failure_.empty()) return;
    for (auto& [id, backend] : backends_)
        static_cast<void>(backend.release());
    for (auto& client : clients_)
        static_cast<void>(client.release());
    for (Pool& pool : pools_) {
        for (auto& shard : pool.shards)
            static_cast<void>(shard.release());
        static_cast<void>(pool.shared.release());
    }
}

void World::make_pools() {
    const auto pool_count = static_cast<std::size_t>(between(1, 3));
    const auto shard_count = static_cast<unsigned>(between(1, 4));
    const bool shared_limit = happens(0.5);
    database_ = std::make_unique<Budget>(shared_limit ? between(1, 8) : 0);
    process_ = std::make_unique<Budget>(happens(0.3) ? between(1, 12) : 0);
    pools_.resize(pool_count);
    for (std::size_t at = 0; at < pool_count; ++at) {
        Pool& pool = pools_[at];
        Limits& limits = pool.limits;
        limits.pool_size = static_cast<std::uint32_t>(between(happens(0.1) ? 0 : 1, 12));
        limits.min_pool_size = happens(0.3) ? static_cast<std::uint32_t>(between(1, 4)) : 0;
        limits.reserve_pool_size = happens(0.3) ? static_cast<std::uint32_t>(between(1, 3)) : 0;
        limits.reserve_pool_timeout = Duration{between(1, 60)};
        limits.max_waiters = happens(0.2) ? static_cast<std::uint32_t>(between(1, 8)) : 0;
        limits.max_connects = static_cast<std::uint32_t>(between(happens(0.2) ? 0 : 1, 4));
        limits.wait_timeout = Duration{happens(0.8) ? between(5, 300) : 0};
        limits.server_idle_timeout = Duration{happens(0.5) ? between(5, 200) : 0};
        limits.server_lifetime = Duration{happens(0.5) ? between(20, 400) : 0};
        limits.server_check_delay = Duration{happens(0.6) ? between(0, 40) : 30'000};
        limits.connect_retry_min = Duration{between(1, 20)};
        limits.connect_retry_max = Duration{between(20, 100)};
        pool.budget = std::make_unique<Budget>(limits.pool_size);
        pool.shared = std::make_unique<PoolShared>(
            PermitChain(pool.budget.get(), database_.get(), nullptr, process_.get()), shard_count,
            limits);
        pool.ticks.assign(shard_count, TimePoint::max());
        pool.paused.assign(shard_count, false);
        for (unsigned shard = 0; shard < shard_count; ++shard) {
            pool.shards.push_back(std::make_unique<Shard>(*pool.shared, shard, limits, random_()));
            arm_tick(static_cast<unsigned>(at), shard);
        }
    }
}

void World::make_clients() {
    const std::int64_t client_count = between(1, 40);
    for (std::int64_t at = 0; at < client_count; ++at) {
        auto client = std::make_unique<Client>();
        client->pool = static_cast<unsigned>(between(0, std::ssize(pools_) - 1));
        client->shard =
            static_cast<unsigned>(between(0, std::ssize(pools_[client->pool].shards) - 1));
        client->waiter.set_affinity(static_cast<std::uint32_t>(between(0, 2)));
        clients_.push_back(std::move(client));
        think(static_cast<int>(at));
    }
}

void World::think(int at) {
    Client& client = *clients_[static_cast<std::size_t>(at)];
    client.state = Client::State::thinking;
    client.backend = 0;
    const std::uint64_t turn = ++client.turn;
    if (winding_down_) return;
    later(between(0, happens(0.1) ? 100'000 : 8'000), [this, at, turn] {
        if (clients_[static_cast<std::size_t>(at)]->turn == turn) ask(at);
    });
}

void World::ask(int at) {
    if (winding_down_) return;
    Client& client = *clients_[static_cast<std::size_t>(at)];
    const std::uint64_t turn = ++client.turn;
    const Shard::Acquired got =
        pools_[client.pool].shards[client.shard]->acquire(client.waiter, now_);
    switch (got.kind) {
        case Shard::Acquired::Kind::granted: hold(at, *got.backend); break;
        case Shard::Acquired::Kind::refused: think(at); break;
        case Shard::Acquired::Kind::queued:
            client.state = Client::State::waiting;
            if (happens(odds_.abandons)) {
                later(between(0, 20'000), [this, at, turn] {
                    Client& waits = *clients_[static_cast<std::size_t>(at)];
                    if (waits.turn != turn) return;
                    pools_[waits.pool].shards[waits.shard]->abandon(waits.waiter, now_);
                    think(at);
                    pump(waits.pool, waits.shard);
                });
            }
            break;
    }
    pump(client.pool, client.shard);
}

void World::hold(int at, Backend& granted) {
    Client& client = *clients_[static_cast<std::size_t>(at)];
    auto& backend = static_cast<SimBackend&>(granted);
    if (backend.client != -1) broken("a backend is leased to two clients");
    if (backend.pool != client.pool || backend.shard != client.shard) {
        broken("a backend is leased to a client of another shard");
    }
    // Meddling may undo what the decision was based on before it is performed.
    if (odds_.meddles == 0) check_order(client);
    backend.client = at;
    client.backend = backend.id;
    client.state = Client::State::holding;
    const std::uint64_t turn = ++client.turn;
    later(between(0, happens(0.1) ? 40'000 : 3'000), [this, at, turn] {
        if (clients_[static_cast<std::size_t>(at)]->turn == turn) let_go(at);
    });
}

void World::let_go(int at) {
    Client& client = *clients_[static_cast<std::size_t>(at)];
    SimBackend& backend = *find(client.backend);
    backend.client = -1;
    ++backend.turn;
    Outcome outcome = happens(odds_.needs_reset) ? Outcome::needs_reset : Outcome::clean;
    if (happens(odds_.broken)) outcome = Outcome::broken;
    pools_[client.pool].shards[client.shard]->release(backend, outcome, now_);
    think(at);
    pump(client.pool, client.shard);
}

void World::operator_acts() {
    if (winding_down_) return;
    const auto at = static_cast<unsigned>(between(0, std::ssize(pools_) - 1));
    Pool& pool = pools_[at];
    const auto everywhere = (std::uint64_t{1} << pool.shards.size()) - 1;
    if (happens(0.5)) {
        tell(everywhere, at, &Shard::recycle);
    } else {
        for (unsigned shard = 0; shard < pool.shards.size(); ++shard) {
            pool.paused[shard] = true;
            pool.shards[shard]->pause(now_);
            pump(at, shard);
            later(between(1'000, 50'000), [this, at, shard] {
                pools_[at].paused[shard] = false;
                pools_[at].shards[shard]->resume(now_);
                pump(at, shard);
            });
        }
    }
    later(between(1'000, 300'000), [this] { operator_acts(); });
}

void World::wind_down() {
    winding_down_ = true;
    for (unsigned at = 0; at < pools_.size(); ++at) {
        for (unsigned shard = 0; shard < pools_[at].shards.size(); ++shard) {
            pools_[at].shards[shard]->drain(now_);
            pools_[at].paused[shard] = false;
            pump(at, shard);
        }
    }
}

std::string World::run() {
    constexpr std::uint64_t events_max = 200'000;
    std::uint64_t events = 0;
    while (failure_.empty() && !events_.empty()) {
        if (!winding_down_ && events_.top().at >= end_) {
            now_ = std::max(now_, end_);
            wind_down();
            continue;
        }
        const Event event = events_.top();
        events_.pop();
        now_ = event.at;
        event.happens();
        check_bounds();
        if (in_delivery_ == 0) check_starvation();
        if (++events % 16 == 0) check_deadlines();
        if (events > events_max) broken("the script does not end");
    }
    if (failure_.empty()) check_end();
    return failure_;
}

std::int64_t World::between(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
}

bool World::happens(double odds) {
    return odds > 0 && static_cast<double>(random_() >> 11U) * 0x1.0p-53 < odds;
}

void World::later(std::int64_t micros, std::function<void()> happens) {
    events_.push({now_ + std::chrono::microseconds{micros}, ++order_, std::move(happens)});
}

void World::deliver(std::function<void()> happens) {
    ++in_delivery_;
    later(between(0, this->happens(0.05) ? 10'000 : 300), [this, happens = std::move(happens)] {
        --in_delivery_;
        happens();
    });
}

World::SimBackend* World::find(std::uint64_t id) {
    const auto found = backends_.find(id);
    return found == backends_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::pool::sim
