#pragma once

#include "config/settings.hpp"

#include "server/shared.hpp"

#include "tests/harness/sim_engine.hpp"
#include "tests/harness/sim_network.hpp"
#include "tests/sim/relay_sim_client.hpp"
#include "tests/sim/relay_sim_database.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::sim {

/// One family of runs: the program's settings, how its peers behave, and what may come of it.
struct Family {
    config::Postgres postgres;
    std::uint32_t max_backends = 0;
    std::uint64_t buffer_memory_max = 16ULL * 1024 * 1024;
    unsigned workers_max = 2;
    std::size_t users = 1;
    std::size_t clients_max = 10;
    std::size_t profiles = 2;  ///< Different sets of startup parameters.
    Habits habits;
    Database::Faults faults;
    test::SimNetwork::Weather weather;

    /// SQLSTATEs of FATAL errors that no fault of the database needs to explain.
    std::set<std::string> refusals;
    bool wait_errors = false;   ///< 53300 as an ERROR.
    bool cuts = false;          ///< The program may cut a client off without a word.
    bool drains_early = false;  ///< Shutdown while clients are at work.
};

/// The real workers, clients, backends and pools of the program between scripted clients and a
/// simulated database, in one thread under virtual time. Everything follows from the seed.
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
        std::size_t answers = 0;
        std::size_t wait_errors = 0;
        std::size_t cancelled = 0;
        std::size_t lost = 0;      ///< Transactions, to portal_stall_timeout.
        std::size_t outdated = 0;  ///< Errors for what changed past the program.
        std::size_t spooled_bytes = 0;
        std::size_t begins_sent = 0;  ///< Of blocks that were deferred.
        std::size_t begins_spared = 0;
        std::size_t faults = 0;
        std::size_t database_cancels = 0;

        Tally& operator+=(const Tally& other);
    };
    [[nodiscard]] Tally tally() const;

  private:
    [[nodiscard]] int connect_client();
    void make_clients();
    void turn();
    void look();
    void look_at_pools();
    void judge_ends();
    void judge_rest();
    void shut_down();
    void judge_nothing_left();
    [[nodiscard]] bool over() const;
    void broken(std::string what);
    void trace(const std::string& what) const;

    const Family& family_;
    const bool verbose_;
    test::SimNetwork network_;
    boost::asio::io_context control_;
    std::optional<server::Shared> shared_;
    std::vector<test::SimEngine*> engines_;  ///< Owned by their workers.
    std::optional<Database> database_;
    std::optional<Client::World> client_world_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::string problem_;
    std::size_t pool_max_ = 0;
    std::uint64_t activity_seen_ = 0;
    std::size_t quiet_turns_ = 0;
    test::TimePoint started_{};
};

}  // namespace sluice::sim
