#include "tests/sim/relay_sim_world.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice::sim {

namespace {

constexpr std::uint16_t database_port = 5432;
/// Virtual time after which a run that has not ended is stuck.
constexpr milliseconds run_max{400'000};

config::Settings settings_of(const Family& family, test::Random& random) {
    config::Settings settings;
    settings.server.max_backends = family.max_backends;
    settings.server.buffer_memory_max = family.buffer_memory_max;
    settings.log.log_connections = false;
    settings.log.log_disconnections = false;
    settings.postgres = family.postgres;
    settings.postgres.auth = config::AuthMethod::trust;
    if (settings.postgres.pool_size == 0) {
        settings.postgres.pool_size = static_cast<std::uint32_t>(random.between(1, 4));
    }
    config::Database database;
    database.name = "app";
    database.hosts = {{"127.0.0.1", database_port}};
    settings.postgres.databases.emplace("app", database);
    // Pools of users by name are kept, so that nothing is left to be waited for at the end.
    for (unsigned number = 0; number < family.users; ++number) {
        const std::string name = "user" + std::to_string(number);
        settings.postgres.users[name].name = name;
    }
    return settings;
}

}  // namespace

World::World(const Family& family, std::uint64_t seed, bool verbose)
    : family_(family), verbose_(verbose), network_(seed) {
    started_ = network_.now();
    network_.weather = family.weather;
    test::Random& random = network_.random;
    const config::Settings settings = settings_of(family, random);
    pool_max_ = settings.postgres.pool_size + settings.postgres.reserve_pool_size;
    shared_.emplace(settings, control_);
    const std::size_t workers = random.between(1, family.workers_max);
    for (unsigned index = 0; index < workers; ++index) {
        auto engine = std::make_unique<test::SimEngine>(network_, shared_->buffers);
        engines_.push_back(engine.get());
        shared_->workers.push_back(
            std::make_unique<server::Worker>(*shared_, index, std::move(engine)));
    }
    Database::Witness witness;
    witness.cancel_expected = [this](std::uint32_t client) {
        // A client that the program leaves may not know it yet.
        const bool left = family_.cuts || !family_.refusals.empty();
        // What is read ahead and does not fit is cancelled too; no client is told of that.
        const bool ahead = family_.habits.stalls > 0 && family_.postgres.spool_bytes_max > 0;
        return client > clients_.size() || clients_[client - 1]->cancel_expected() || left || ahead;
    };
    witness.settings_of = [this](std::uint32_t client) {
        return client > clients_.size() ? Settings{} : clients_[client - 1]->settings();
    };
    if (verbose_) witness.trace = [this](const std::string& what) { trace(what); };
    database_.emplace(network_, database_port, std::move(witness));
    database_->faults = family.faults;
    make_clients();
}

World::~World() {
    // As the program ends: the workers' streams close their sockets, so they go before the network.
    for (const auto& worker : shared_->workers)
        worker->shut();
    for (bool posted = true; posted;) {
        posted = false;
        for (test::SimEngine* const engine : engines_)
            posted = engine->run_posted() || posted;
    }
    shared_->workers.clear();
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
    worker->post([worker, fd = ours] { worker->accepted(fd, {}); });
    return theirs;
}

void World::make_clients() {
    client_world_.emplace(Client::World{
        network_,
        [this] { return connect_client(); },
        {},
        [this](std::string what) { broken(std::move(what)); },
        family_.faults.outdated > 0,
        family_.postgres.query_timeout.count() > 0,
    });
    if (verbose_) client_world_->trace = [this](const std::string& what) { trace(what); };
    test::Random& random = network_.random;
    const std::size_t count = random.between(2, family_.clients_max);
    for (std::uint32_t id = 1; id <= count; ++id) {
        Settings settings;
        const std::size_t profile = random.below(family_.profiles);
        if (profile > 0) settings["application_name"] = "app" + std::to_string(profile);
        if (profile > 1) settings["search_path"] = "path" + std::to_string(profile);
        if (profile > 2) settings["role"] = "role" + std::to_string(profile);
        const std::string user = "user" + std::to_string(random.below(family_.users));
        clients_.push_back(std::make_unique<Client>(*client_world_, family_.habits, id, user,
                                                    std::move(settings)));
    }
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
    database_->turn();
    for (const auto& client : clients_)
        client->turn();
    look();
}

bool World::over() const {
    return std::ranges::all_of(
        clients_, [](const auto& client) { return client->end() != Client::End::none; });
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
            std::string stuck = "does not end:";
            for (const auto& client : clients_) {
                if (client->end() == Client::End::none) {
                    stuck += " [client " + std::to_string(client->id()) + ' ' +
                             client->description() + ']';
                }
            }
            broken(stuck);
        }
    }
    if (problem_.empty()) judge_ends();
    if (problem_.empty()) judge_rest();
    if (problem_.empty()) shut_down();
    return problem_;
}

void World::look() {
    if (!database_->problem().empty()) broken(database_->problem());
    if (network_.misuse_count() > 0) broken("a descriptor was used after its close");
    look_at_pools();
}

void World::look_at_pools() {
    for (std::size_t user = 0; user < family_.users; ++user) {
        const std::size_t live = database_->live_count("user" + std::to_string(user));
        if (live > pool_max_) broken("a pool has " + std::to_string(live) + " backends");
    }
    const std::size_t live = database_->live_count();
    if (family_.max_backends > 0 && live > family_.max_backends) {
        broken("the process has " + std::to_string(live) + " backends");
    }
}

void World::judge_ends() {
    std::size_t unexplained = 0;
    for (const auto& client : clients_) {
        if (client->end() == Client::End::refused) {
            if (!family_.refusals.contains(client->last_error())) ++unexplained;
        } else if (client->end() == Client::End::cut && !family_.cuts) {
            ++unexplained;
        }
        if (client->wait_errors() > 0 && !family_.wait_errors) {
            broken("client " + std::to_string(client->id()) + " was refused a backend");
        }
    }
    if (unexplained > database_->fault_count()) {
        broken(std::to_string(unexplained) + " clients were lost, but the database had " +
               std::to_string(database_->fault_count()) + " faults");
    }
}

void World::judge_rest() {
    // What vanished clients left behind is cleaned up, and then nothing is held.
    database_->faults = {};
    const auto resting = [this] {
        bool all = true;
        for (const auto& worker : shared_->workers) {
            all = all && worker->client_count() == 0 && worker->cancel_calls() == 0;
            worker->for_each_shard([&](server::PgShard& shard) {
                using State = pool::Backend::State;
                all = all && shard.engine().waiter_count() == 0 &&
                      shard.engine().count(State::idle) == shard.backends().size();
            });
        }
        return all;
    };
    const test::TimePoint start = network_.now();
    while (!resting() && problem_.empty()) {
        turn();
        if (network_.now() - start < milliseconds(120'000)) continue;
        std::string held = "something is held for ever:";
        for (const auto& worker : shared_->workers) {
            held += " worker " + std::to_string(worker->index()) + " clients " +
                    std::to_string(worker->client_count()) + " cancels " +
                    std::to_string(worker->cancel_calls());
            worker->for_each_shard([&](server::PgShard& shard) {
                held += " waiters " + std::to_string(shard.engine().waiter_count());
                for (const auto& backend : shard.backends()) {
                    held += " backend " + std::to_string(backend->key().process_id) + " state " +
                            std::to_string(static_cast<int>(backend->state())) + " task " +
                            std::to_string(static_cast<int>(backend->task()));
                }
            });
        }
        broken(held);
    }
}

void World::shut_down() {
    for (const auto& worker : shared_->workers)
        worker->post([worker = worker.get()] { worker->drain(); });
    for (int i = 0; i < 200 && problem_.empty(); ++i)
        turn();
    // A round of the wheel and more, so that slots that have become empty are known to be.
    network_.advance(milliseconds(20'000));
    turn();
    turn();
    if (problem_.empty()) judge_nothing_left();
}

void World::judge_nothing_left() {
    const auto expect = [this](std::uint64_t left, const char* what) {
        if (left > 0) broken(std::to_string(left) + ' ' + what + " left at the end");
    };
    expect(shared_->registry.process_budget().used(), "permits of the process");
    for (const auto& entry : shared_->registry.entries())
        expect(entry->pool->used(), "permits of a pool");
    expect(shared_->clients.used(), "permits of clients");
    expect(shared_->buffers.used(), "bytes of buffers");
    expect(database_->live_count(), "backends");
    for (test::SimEngine* const engine : engines_) {
        expect(engine->stream_count(), "streams");
        expect(engine->has_tasks() ? 1U : 0U, "tasks");
        expect(engine->timers().next_due() ? 1U : 0U, "timers");
    }
    for (const auto& worker : shared_->workers) {
        worker->for_each_shard([&](server::PgShard& shard) {
            expect(shard.clients_idle, "idle clients counted");
            expect(shard.clients_waiting, "waiting clients counted");
            expect(shard.clients_active, "active clients counted");
            expect(shard.spool_bytes, "bytes of spools counted");
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
        tally.answers += client->answers();
        tally.wait_errors += client->wait_errors();
        tally.cancelled += client->cancelled();
        tally.lost += client->lost();
        tally.outdated += client->outdated();
    }
    for (const auto& worker : shared_->workers) {
        worker->for_each_shard([&](const server::PgShard& shard) {
            tally.spooled_bytes += shard.counters.spooled_bytes;
            tally.begins_sent += shard.counters.begins_sent;
            tally.begins_spared += shard.counters.begins_spared;
        });
    }
    tally.faults = database_->fault_count();
    tally.database_cancels = database_->cancel_count();
    return tally;
}

World::Tally& World::Tally::operator+=(const Tally& other) {
    finished += other.finished;
    refused += other.refused;
    cut += other.cut;
    answers += other.answers;
    wait_errors += other.wait_errors;
    cancelled += other.cancelled;
    lost += other.lost;
    outdated += other.outdated;
    spooled_bytes += other.spooled_bytes;
    begins_sent += other.begins_sent;
    begins_spared += other.begins_spared;
    faults += other.faults;
    database_cancels += other.database_cancels;
    return *this;
}

}  // namespace sluice::sim
