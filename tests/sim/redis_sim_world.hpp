#pragma once

#include "config/settings.hpp"

#include "server/shared.hpp"

#include "tests/harness/sim_engine.hpp"
#include "tests/harness/sim_network.hpp"
#include "tests/sim/redis_sim_client.hpp"
#include "tests/sim/redis_sim_listener.hpp"
#include "tests/sim/redis_sim_server.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::server {
class RedisShard;
}  // namespace sluice::server

namespace sluice::redis_sim {

/// One family of runs: the program's settings, how its peers behave, and what may come of it.
struct Family {
    config::Redis redis;
    std::uint64_t buffer_memory_max = 64ULL * 1024 * 1024;
    unsigned workers_max = 2;
    std::size_t clients_max = 12;
    Habits habits;
    Server::Faults faults;
    test::SimNetwork::Weather weather;
    std::string password;

    bool timeouts = false;      ///< A command may be told that its answer is late.
    bool wait_errors = false;   ///< A command may be told that it waited too long.
    bool refusals = false;      ///< A client may be turned away with words.
    bool cuts = false;          ///< The program may cut a client off without a word.
    bool drains_early = false;  ///< Shutdown while clients are at work.
};

/// The real workers, clients, backends and pools of the program's Redis side between scripted
/// clients and a simulated Redis, in one thread under virtual time. All follows from the seed.
class World {
  public:
    World(const Family& family, std::uint64_t seed, bool verbose);
    ~World();

    /// Runs to the end. The first broken promise, or empty.
    [[nodiscard]] std::string run();

    struct Tally {
        std::size_t finished = 0;
        std::size_t refused = 0;
        std::size_t cut = 0;
        std::size_t replies = 0;
        std::size_t wait_errors = 0;
        std::size_t lost_errors = 0;
        std::size_t timeouts = 0;
        std::size_t memory_errors = 0;
        std::size_t spared = 0;  ///< Commands that the server was spared while it had no memory.
        std::size_t messages = 0;
        std::size_t slow_links = 0;  ///< Seen at a turn.
        std::size_t pins = 0;
        std::size_t faults = 0;

        Tally& operator+=(const Tally& other);
    };
    [[nodiscard]] Tally tally() const;

  private:
    [[nodiscard]] int connect_client();
    void make_clients();
    void turn();
    void look();
    void judge_ends();
    [[nodiscard]] bool faulty() const { return redis_->fault_count() > 0; }
    void judge_rest();
    [[nodiscard]] bool resting();
    [[nodiscard]] std::size_t clients_of(const server::RedisShard& shard) const;
    void shut_down();
    void run_posted();
    void judge_nothing_left();
    [[nodiscard]] std::string state_now() const;
    [[nodiscard]] bool over() const;
    void broken(std::string what);
    void trace(const std::string& what) const;

    const Family& family_;
    const bool verbose_;
    test::SimNetwork network_;
    boost::asio::io_context control_;
    std::optional<server::Shared> shared_;
    std::vector<test::SimEngine*> engines_;  ///< Owned by their workers.
    std::optional<Server> redis_;
    std::optional<Client::World> client_world_;
    std::optional<Listener::World> listener_world_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::string problem_;
    std::size_t slow_links_seen_ = 0;
    std::uint64_t activity_seen_ = 0;
    std::size_t quiet_turns_ = 0;
    test::TimePoint started_{};
};

}  // namespace sluice::redis_sim
