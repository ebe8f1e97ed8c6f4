#include "tests/sim/redis_sim_world.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice::redis_sim {

namespace {

constexpr std::uint16_t redis_port = 6379;
/// Virtual time after which a run that has not ended is stuck.
constexpr milliseconds run_max{400'000};

config::Settings settings_of(const Family& family, test::Random& random) {
    config::Settings settings;
    settings.server.buffer_memory_max = family.buffer_memory_max;
    settings.log.log_connections = false;
    settings.log.log_disconnections = false;
    settings.redis = family.redis;
    if (settings.redis.max_connections == 0) {
        settings.redis.max_connections = static_cast<std::uint32_t>(random.between(2, 8));
    }
    if (settings.redis.pinned_connections == 0) {
        settings.redis.pinned_connections =
            static_cast<std::uint32_t>(random.between(1, settings.redis.max_connections - 1));
    }
    config::RedisDatabase database;
    database.name = "default";
    database.host = "127.0.0.1";
    database.port = redis_port;
    settings.redis.databases.emplace("default", database);
    if (!family.password.empty()) {
        config::RedisUser user;
        user.name = "default";
        user.password = config::Secret(family.password);
        settings.redis.users.emplace("default", user);
    }
    return settings;
}

}  // namespace

World::World(const Family& family, std::uint64_t seed, bool verbose)
    : family_(family), verbose_(verbose), network_(seed) {
    started_ = network_.now();
    network_.weather = family.weather;
    test::Random& random = network_.random;
    shared_.emplace(settings_of(family, random), control_);
    const std::size_t workers = random.between(1, family.workers_max);
    for (unsigned index = 0; index < workers; ++index) {
        auto engine = std::make_unique<test::SimEngine>(network_, shared_->buffers);
        engines_.push_back(engine.get());
        shared_->workers.push_back(
            std::make_unique<server::Worker>(*shared_, index, std::move(engine)));
    }
    redis_.emplace(network_, redis_port, [this](const std::string& what) { trace(what); });
    redis_->faults = family.faults;
    // Who is told that a reply is late may be served elsewhere before it comes.
    redis_->in_order = !family.timeouts;
    make_clients();
}

World::~World() {
    // As the program ends: the workers' streams close their sockets, so they go before the network.
    for (const auto& worker : shared_->workers)
        worker->shut();
    run_posted();
    shared_->workers.clear();
}

void World::run_posted() {
    for (bool posted = true; posted;) {
        posted = false;
        for (test::SimEngine* const engine : engines_)
            posted = engine->run_posted() || posted;
    }
}

void World::trace(const std::string& what) const {
    if (!verbose_) return;
    const auto at = std::chrono::duration_cast<milliseconds>(network_.now() - started_);
    std::printf("%7lld %s\n", static_cast<long long>(at.count()), what.c_str());
    std::fflush(stdout);
}

void World::broken(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
}

int World::connect_client() {
    const auto [theirs, ours] = network_.make_pair();
    server::Worker* const worker =
        shared_->workers[network_.random.below(shared_->workers.size())].get();
    worker->post([worker, fd = ours] { worker->redis().accepted(fd); });
    return theirs;
}

void World::make_clients() {
    client_world_.emplace(Client::World{
        network_,
        [this] { return connect_client(); },
        [this](const std::string& what) { trace(what); },
        [this](const std::string& what) { broken(what + state_now()); },
        family_.password,
    });
    const std::size_t count = network_.random.between(2, family_.clients_max);
    for (std::uint32_t id = 1; id <= count; ++id)
        clients_.push_back(std::make_unique<Client>(*client_world_, family_.habits, id));
    listener_world_.emplace(Listener::World{
        *client_world_,
        [this](const std::string& channel) -> const std::vector<std::string>& {
            return redis_->published(channel);
        },
        [this] { return faulty(); },
        [this](const std::string& name) {
            // Of who goes without a word the server hears when it can.
            if (family_.cuts || family_.habits.vanishes > 0) return false;
            return redis_->has_channel(name) &&
                   std::ranges::none_of(listeners_,
                                        [&](const auto& one) { return one->concerned_with(name); });
        },
    });
    const std::size_t listeners = network_.random.below(family_.habits.listeners_max + 1);
    for (std::uint32_t id = 1001; id <= 1000 + listeners; ++id)
        listeners_.push_back(std::make_unique<Listener>(*listener_world_, family_.habits, id));
}

void World::turn() {
    // In a quiet spell time passes faster.
    const std::uint64_t activity = network_.activity();
    quiet_turns_ = activity == activity_seen_ ? quiet_turns_ + 1 : 0;
    activity_seen_ = activity;
    const std::size_t stride = std::size_t{1} << std::min<std::size_t>(quiet_turns_ / 8, 6);
    network_.advance(milliseconds(network_.random.between(1, 2) * stride));
    const bool backwards = network_.random.below(2) == 0;
    for (std::size_t i = 0; i < engines_.size(); ++i)
        engines_[backwards ? engines_.size() - 1 - i : i]->turn();
    redis_->turn();
    for (const auto& client : clients_)
        client->turn();
    for (const auto& listener : listeners_)
        listener->turn();
    look();
}

bool World::over() const {
    const auto ended = [](const auto& client) { return client->end() != Client::End::none; };
    return std::ranges::all_of(clients_, ended) && std::ranges::all_of(listeners_, ended);
}

std::string World::run() {
    const test::TimePoint start = network_.now();
    const std::size_t drain_at = family_.drains_early ? network_.random.between(5, 200) : 0;
    std::size_t turns = 0;
    while (problem_.empty() && !over()) {
        turn();
        if (++turns == drain_at) {
            trace("shutdown begins");
            for (const auto& worker : shared_->workers)
                worker->post([worker = worker.get()] { worker->drain(); });
        }
        if (network_.now() - start > run_max) {
            broken("does not end:" + state_now());
        }
    }
    if (problem_.empty()) judge_ends();
    if (problem_.empty()) judge_rest();
    if (problem_.empty()) shut_down();
    return problem_;
}

void World::look() {
    if (!redis_->problem().empty()) broken(redis_->problem());
    if (network_.misuse_count() > 0) broken("a descriptor was used after its close");
    const config::Redis& settings = shared_->workers[0]->redis().settings();
    if (const std::size_t live = redis_->live_count(); live > settings.max_connections) {
        broken("the server has " + std::to_string(live) + " connections");
    }
    for (const auto& bound : shared_->redis.bounds()) {
        if (bound.used > bound.limit) broken("more backends than max_connections");
        if (bound.pinned_used > bound.pinned_limit) broken("more than pinned_connections");
    }
    for (const auto& worker : shared_->workers) {
        worker->redis().for_each_shard([&](server::RedisShard& shard) {
            for (const auto& backend : shard.backends())
                slow_links_seen_ += backend->lane() == server::RedisBackend::Lane::slow ? 1U : 0U;
        });
    }
}

void World::judge_ends() {
    for (const auto& client : clients_) {
        const std::string who = "client " + std::to_string(client->id()) + ' ';
        if (client->end() == Client::End::refused && !family_.refusals && !faulty()) {
            broken(who + "was turned away: " + client->last_error());
        }
        if (client->end() == Client::End::cut && !family_.cuts && !faulty()) {
            broken(who + "was cut off with " + client->description());
        }
        if (client->wait_errors() > 0 && !family_.wait_errors) {
            broken(who + "was told that it waited too long");
        }
        if (client->lost_errors() > 0 && !faulty() && !family_.refusals) {
            broken(who + "was told of a loss where there was none");
        }
        if (client->timeouts() > 0 && !family_.timeouts) {
            broken(who + "was told that its answer is late");
        }
    }
    for (const auto& listener : listeners_) {
        if (listener->end() == Client::End::cut && !family_.cuts && !faulty()) {
            broken("listener " + std::to_string(listener->id()) + " was cut off");
        }
    }
}

/// Those who have entered, without the worker's subscriber, which does so once and stays.
std::size_t World::clients_of(const server::RedisShard& shard) const {
    const server::RedisKey& key = shard.pool().key();
    const bool subscribers_place = key.number == 0 && key.version == resp::RespVersion::resp2;
    const std::uint32_t others = subscribers_place && !listeners_.empty() ? 1 : 0;
    return shard.clients_entered - std::min(shard.clients_entered, others);
}

bool World::resting() {
    using State = pool::Backend::State;
    using Use = server::RedisBackend::Use;
    bool all = true;
    for (const auto& worker : shared_->workers) {
        all = all && worker->redis().client_count() == 0;
        worker->redis().for_each_shard([&](server::RedisShard& shard) {
            std::size_t pinned = 0;
            for (const auto& backend : shard.backends()) {
                all = all && backend->settled() && backend->client() == nullptr;
                pinned += backend->use() == Use::pinned ? 1U : 0U;
            }
            all = all && clients_of(shard) == 0 && shard.engine().waiter_count() == 0 &&
                  shard.engine().count(State::idle) == pinned;
        });
    }
    return all;
}

/// What vanished clients left behind is cleaned up, late replies are taken off, nothing is held.
void World::judge_rest() {
    redis_->faults = {};
    const test::TimePoint start = network_.now();
    while (!resting() && problem_.empty()) {
        turn();
        if (network_.now() - start < milliseconds(120'000)) continue;
        const std::string held = "something is held for ever:" + state_now();
        broken(held);
    }
}

/// For the words about a broken promise: what everybody believes at this moment.
std::string World::state_now() const {
    std::string state;
    for (const auto& listener : listeners_) {
        if (listener->end() != Client::End::none) continue;
        state += "\n  listener " + std::to_string(listener->id()) + ' ' + listener->description();
    }
    for (const auto& client : clients_) {
        if (client->end() != Client::End::none) continue;
        state += "\n  client " + std::to_string(client->id()) + ' ' + client->description();
    }
    for (const auto& worker : shared_->workers) {
        state += "\n  worker " + std::to_string(worker->index());
        worker->redis().for_each_client([&](const server::RedisClient& theirs) {
            state +=
                "\n    client " + std::to_string(theirs.id()) + " phase " +
                std::to_string(static_cast<int>(theirs.phase())) + " backend " +
                (theirs.backend() == nullptr ? "none" : std::to_string(theirs.backend()->id()));
        });
        worker->redis().for_each_shard([&](server::RedisShard& shard) {
            state += "\n    shard " + shard.entry()->key.user + " entered " +
                     std::to_string(shard.clients_entered) + " waiters " +
                     std::to_string(shard.engine().waiter_count());
            for (const auto& backend : shard.backends()) {
                state += "\n      backend " + std::to_string(backend->id()) + " use " +
                         std::to_string(static_cast<int>(backend->use())) + " task " +
                         std::to_string(static_cast<int>(backend->task())) + " owes " +
                         std::to_string(backend->session.owed_count());
            }
        });
    }
    return state;
}

void World::shut_down() {
    for (const auto& worker : shared_->workers)
        worker->post([worker = worker.get()] { worker->drain(); });
    for (int i = 0; i < 100 && problem_.empty(); ++i)
        turn();
    for (const auto& worker : shared_->workers)
        worker->shut();
    // A round of the wheel and more, so that slots that have become empty are known to be.
    network_.advance(milliseconds(20'000));
    turn();
    turn();
    run_posted();
    if (problem_.empty()) judge_nothing_left();
}

void World::judge_nothing_left() {
    const auto expect = [this](std::uint64_t left, const char* what) {
        if (left > 0) broken(std::to_string(left) + ' ' + what + " left at the end");
    };
    expect(shared_->registry.process_budget().used(), "permits of the process");
    expect(shared_->redis_clients.used(), "permits of clients");
    for (const auto& bound : shared_->redis.bounds()) {
        expect(bound.used, "permits of a Redis");
        expect(bound.pinned_used, "permits of pinned backends");
    }
    expect(shared_->buffers.used(), "bytes of buffers");
    expect(redis_->live_count(), "backends");
    for (test::SimEngine* const engine : engines_) {
        expect(engine->stream_count(), "streams");
        expect(engine->has_tasks() ? 1U : 0U, "tasks");
        expect(engine->timers().next_due() ? 1U : 0U, "timers");
    }
    for (const auto& worker : shared_->workers) {
        worker->redis().for_each_shard([&](server::RedisShard& shard) {
            expect(clients_of(shard), "clients counted");
            expect(shard.engine().empty() ? 0U : 1U, "things in a pool's books");
        });
    }
}

World::Tally World::tally() const {
    Tally tally;
    for (const auto& client : clients_) {
        tally.finished += client->end() == Client::End::finished ? 1U : 0U;
        tally.refused += client->end() == Client::End::refused ? 1U : 0U;
        tally.cut += client->end() == Client::End::cut ? 1U : 0U;
        tally.replies += client->replies();
        tally.wait_errors += client->wait_errors();
        tally.lost_errors += client->lost_errors();
        tally.timeouts += client->timeouts();
        tally.memory_errors += client->memory_errors();
    }
    for (const auto& listener : listeners_) {
        tally.finished += listener->end() == Client::End::finished ? 1U : 0U;
        tally.cut += listener->end() == Client::End::cut ? 1U : 0U;
        tally.messages += listener->messages();
    }
    tally.slow_links = slow_links_seen_;
    for (const auto& worker : shared_->workers) {
        worker->redis().for_each_shard([&](server::RedisShard& shard) {
            for (const std::uint64_t pins : shard.counters->pins)
                tally.pins += pins;
        });
        tally.spared += worker->redis().counters_of("default").shed_commands;
    }
    tally.faults = redis_->fault_count();
    return tally;
}

World::Tally& World::Tally::operator+=(const Tally& other) {
    finished += other.finished;
    refused += other.refused;
    cut += other.cut;
    replies += other.replies;
    wait_errors += other.wait_errors;
    lost_errors += other.lost_errors;
    timeouts += other.timeouts;
    memory_errors += other.memory_errors;
    spared += other.spared;
    messages += other.messages;
    slow_links += other.slow_links;
    pins += other.pins;
    faults += other.faults;
    return *this;
}

}  // namespace sluice::redis_sim
