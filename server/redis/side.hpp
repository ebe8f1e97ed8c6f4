#pragma once

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/command_policy.hpp"

#include "pool/registry.hpp"

#include "config/settings.hpp"

#include "server/redis/client.hpp"
#include "server/redis/login_check.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/subscriber.hpp"
#include "server/snapshot.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::server {

class Worker;

/// What holds for the clients of one user, made of the settings.
struct RedisTerms {
    RedisTerms(const config::Redis& settings, const config::RedisUser* user,
               const RedisDirectory& directory);
    RedisTerms(const RedisTerms&) = delete;  // Its session points to its policy.
    RedisTerms& operator=(const RedisTerms&) = delete;

    std::string database;               ///< Where they go.
    std::string backend_user;           ///< Who logs in there for them. Empty: see next.
    bool own_backends = false;          ///< They themselves, else who the section names.
    RedisDirectory::Commands commands;  ///< Of the server there.
    resp::CommandPolicy policy;
    resp::SessionTerms session;
    std::string version;             ///< Of the server there, as far as it is known.
    net::Duration query_timeout{0};  ///< For the next reply. 0: as long as it takes.
    resp::LoginState login = resp::LoginState::done;
};

/// One worker's Redis clients and their shards.
///
/// Owned by its worker. Confined to: its worker.
class RedisSide {
  public:
    explicit RedisSide(Worker& worker);
    ~RedisSide();
    RedisSide(const RedisSide&) = delete;
    RedisSide& operator=(const RedisSide&) = delete;

    void accepted(int fd);
    /// The client has left: destroys it at the end of the turn.
    void dismiss(RedisClient& client);
    /// The settings have changed.
    void reconfigure();
    void drain();
    /// Every client leaves now.
    void dismiss_all(RefusalReason reason);
    void shut();
    [[nodiscard]] bool is_shut() const noexcept { return shut_; }

    [[nodiscard]] Worker& worker() const noexcept { return worker_; }
    [[nodiscard]] const config::Redis& settings() const noexcept;
    [[nodiscard]] std::size_t client_count() const noexcept { return client_count_; }
    [[nodiscard]] RedisClient* client_at(std::uint32_t slot) const noexcept {
        return slot < clients_.size() ? clients_[slot].get() : nullptr;
    }
    /// Null when it has left, whoever has its place now.
    [[nodiscard]] RedisClient* find_client(std::uint32_t slot, std::uint64_t id) noexcept;
    [[nodiscard]] RedisClient* client_of(resp::Owner owner) const noexcept {
        return client_at(static_cast<std::uint32_t>(owner) - 1);
    }
    template <typename Visit>
    void for_each_client(Visit visit) {
        // One that is visited may leave, and none comes.
        for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
            if (clients_[slot]) visit(*clients_[slot]);
        }
    }
    template <typename Visit>
    void for_each_shard(Visit visit) {
        for (auto& [entry, shard] : shards_)
            visit(*shard);
    }

    [[nodiscard]] const RedisTerms& terms_of(std::string_view user) const noexcept;
    /// Who is logged in to this client's backends. Empty: who its database section names.
    [[nodiscard]] std::string_view backend_user_of(const RedisClient& client) const noexcept;
    /// None: the server is asked, and the client is told login_judged().
    [[nodiscard]] resp::LoginVerdict judge(RedisClient& client, std::string_view user,
                                           std::string_view password);
    [[nodiscard]] RedisLoginChecks& login_checks() noexcept { return login_checks_; }
    [[nodiscard]] resp::ClientFacts facts_of(const RedisClient& client) const noexcept;
    /// The version of a server has become known.
    void refresh_versions();
    /// The commands of a server may have become known.
    void refresh_commands();

    /// Null when its database is not in the settings any more.
    [[nodiscard]] RedisShard* shard_for(const RedisClient& client);
    [[nodiscard]] RedisShard* shard_for(const RedisKey& key);
    [[nodiscard]] RedisSubscriber& subscriber_for(const RedisClient& client);
    /// A permit may have become free.
    void wake_subscribers();
    /// Other settings have retired pools.
    void pools_retired();
    [[nodiscard]] RedisShard& shard_of(const std::shared_ptr<pool::PoolEntry>& entry);
    [[nodiscard]] RedisShard* find_shard(const pool::PoolEntry* entry) noexcept;
    /// Of a retired pool, left by everybody: frees it in a later turn.
    void retire(RedisShard& shard);
    /// An answer that may not be given inside the loop that asked.
    void refuse_link_later(RedisClient& client);
    void refuse_pin_later(RedisClient& client, pool::Refused reason);
    /// The channels that it leaves are given up.
    void end_round_later(const RedisClient& client);

    [[nodiscard]] RedisCounters& counters_of(const RedisShard& shard) { return *shard.counters; }
    [[nodiscard]] RedisCounters& counters_of(const std::string& database) {
        return counters_[database];
    }
    void append_snapshot(WorkerSnapshot& snapshot, SnapshotDetail detail);

    std::uint64_t clients_accepted = 0;
    std::array<std::uint64_t, refusal_reason_count> refusals{};
    std::string room;  ///< For the relay: what is answered here. Empty between two calls.

  private:
    void make_terms();

    Worker& worker_;
    std::map<std::string, RedisTerms, std::less<>> terms_;
    std::map<std::string, RedisCounters> counters_;  ///< By database; never erased.
    std::unordered_map<const pool::PoolEntry*, std::unique_ptr<RedisShard>> shards_;
    std::map<RedisKey, RedisSubscriber> subscribers_;  ///< Never erased.
    RedisLoginChecks login_checks_;
    std::vector<std::unique_ptr<RedisClient>> clients_;  ///< By slot; null where one is free.
    std::vector<std::uint32_t> free_slots_;
    std::size_t client_count_ = 0;
    std::uint64_t commands_generation_ = 0;  ///< Of the commands that `terms_` were made with.
    bool shut_ = false;
};

}  // namespace sluice::server
