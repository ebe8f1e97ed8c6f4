#pragma once

#include "pool/shard.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::pool::sim {

/// Pools, their shards, clients and backends in one thread under virtual time. What travels
/// between shards takes random time; connects, resets and checks fail at random; backends die in
/// any state. After each event the promises of the pool engine are checked.
///
///     clients --acquire/release--> Shard --actions--> World (plays server and databases)
///                                    ^                  |
///                                    +---- events ------+   in the order of virtual time
class World {
  public:
    explicit World(std::uint64_t seed);
    ~World();

    /// Lives through the whole script. Empty, or the first broken promise.
    std::string run();
    [[nodiscard]] const Counters& totals() const noexcept { return totals_; }

  private:
    struct SimBackend : Backend {
        explicit SimBackend(std::uint32_t profile) : Backend(profile) {}
        std::uint64_t id = 0;
        unsigned pool = 0;
        unsigned shard = 0;
        std::uint64_t turn = 0;  // Counts its actions, so that late events know they are late.
        int client = -1;
        bool dead = false;  // Its peer closed it while it travelled.
    };
    struct Client {
        enum class State { thinking, waiting, holding };
        Waiter waiter;
        State state = State::thinking;
        std::uint64_t turn = 0;
        std::uint64_t backend = 0;
        unsigned pool = 0;
        unsigned shard = 0;
    };
    struct Pool {
        Limits limits;
        std::unique_ptr<Budget> budget;
        std::unique_ptr<PoolShared> shared;
        std::vector<std::unique_ptr<Shard>> shards;
        std::vector<TimePoint> ticks;  // When each shard's next tick is due; max without one.
        std::vector<bool> paused;
        std::uint32_t open_backends = 0;  // From Open to closed(), as the world counts them.
        std::uint32_t connecting = 0;
    };
    struct Event {
        TimePoint at;
        std::uint64_t order;
        std::function<void()> happens;
        bool operator<(const Event& other) const noexcept {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    struct Odds {
        double connect_fails = 0, rejected = 0, lost = 0, reset_fails = 0, needs_reset = 0,
               broken = 0, abandons = 0, meddles = 0;
    };

    // pool_sim_world.cpp: the script.
    void make_pools();
    void make_clients();
    void think(int client);
    void ask(int client);
    void hold(int client, Backend& backend);
    void let_go(int client);
    void answered(int client);
    void operator_acts();
    void wind_down();

    // pool_sim_server.cpp: the part of the server.
    void pump(unsigned pool, unsigned shard);
    void meddle(unsigned pool, unsigned shard);
    void perform(unsigned pool, unsigned shard, const Action& action);
    void open(unsigned pool, unsigned shard, const Open& order);
    void connect_ended(std::uint64_t id, std::uint64_t turn);
    void lose(SimBackend& backend);
    void close(SimBackend& backend);
    void after_turn(SimBackend& backend, std::int64_t micros_max, void (World::*then)(SimBackend&));
    void reset_ended(SimBackend& backend);
    void check_ended(SimBackend& backend);
    void arrives(SimBackend& backend);
    void tell(std::uint64_t shard_mask, unsigned pool, void (Shard::*what)(TimePoint));
    void tell_sharers(const Budget& budget, void (Shard::*what)(TimePoint));
    void arm_tick(unsigned pool, unsigned shard);

    // pool_sim_promises.cpp: what must hold.
    void check_bounds();
    void check_starvation();
    void check_pool_starvation(unsigned pool);
    void check_deadlines();
    void check_order(const Client& granted);
    void check_end();
    void broken(const std::string& promise);

    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most);
    [[nodiscard]] bool happens(double odds);
    void later(std::int64_t micros, std::function<void()> happens);
    /// As later(), for what promises may wait for: a message between shards, a socket closing.
    void deliver(std::function<void()> happens);
    [[nodiscard]] SimBackend* find(std::uint64_t id);

    std::mt19937_64 random_;
    TimePoint now_{std::chrono::hours{1}};
    TimePoint end_;
    std::uint64_t order_ = 0;
    std::uint64_t last_id_ = 0;
    unsigned in_delivery_ = 0;
    bool winding_down_ = false;
    Odds odds_;
    std::string failure_;
    std::unique_ptr<Budget> database_;  // Shared by all pools.
    std::unique_ptr<Budget> process_;
    std::vector<Pool> pools_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::unordered_map<std::uint64_t, std::unique_ptr<SimBackend>> backends_;
    std::priority_queue<Event> events_;
    Counters totals_;
};

}  // namespace sluice::pool::sim
