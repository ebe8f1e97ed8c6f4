#pragma once

#include "protocol/pg/scram_client.hpp"

#include "pool/registry.hpp"

#include "config/resolve.hpp"

#include "server/pg/profile.hpp"
#include "server/pg/schema_clock.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::server {

/// What the workers share of one PostgreSQL pool besides the engine's own part: its settings, the
/// profiles of its clients, the keys of its backends' logins, and where its shards live.
///
/// Owned by the pool's registry entry. Thread-safe.
class PgPool final : public pool::PoolAttachment {
  public:
    PgPool(config::PoolSettings settings, std::vector<unsigned> workers,
           std::shared_ptr<SchemaClock> schema);

    [[nodiscard]] const config::PoolSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] PgProfiles& profiles() noexcept { return profiles_; }

    /// Workers that have a shard; the place in it is the shard's index.
    [[nodiscard]] const std::vector<unsigned>& workers() const noexcept { return workers_; }
    [[nodiscard]] std::optional<unsigned> shard_on(unsigned worker) const noexcept;
    /// The shard a new client goes to: its own worker's unless another has clearly fewer clients.
    [[nodiscard]] unsigned choose_shard(unsigned worker) const noexcept;
    void client_entered(unsigned shard) noexcept { ++clients_[shard]; }
    void client_left(unsigned shard) noexcept { --clients_[shard]; }

    /// A reload has put another pool in its place: who is there may stay, and nobody comes.
    void retire() noexcept { retired_ = true; }
    [[nodiscard]] bool retired() const noexcept { return retired_.load(std::memory_order_relaxed); }

    /// Keys for a salt and iteration count that a backend asked for before; deriving them anew
    /// would cost thousands of hashes a connect.
    [[nodiscard]] std::optional<pg::ScramClientKeys> keys_for(
        const pg::ScramChallenge& challenge) const;
    void remember_keys(const pg::ScramChallenge& challenge, const pg::ScramClientKeys& keys);

    /// Where the last connect succeeded, as an index of the settings' hosts.
    [[nodiscard]] std::uint32_t first_host() const noexcept { return first_host_; }
    void remember_host(std::uint32_t index) noexcept { first_host_ = index; }

    /// Shared with all pools of the same database.
    [[nodiscard]] SchemaClock& schema() noexcept { return *schema_; }

    /// The last error a backend's login or connect ended with, as the body of an ErrorResponse,
    /// for those who wait in vain.
    void remember_error(std::string body);
    [[nodiscard]] std::string last_error() const;

  private:
    config::PoolSettings settings_;
    std::vector<unsigned> workers_;
    std::unique_ptr<std::atomic<std::int32_t>[]> clients_;  ///< By shard.
    std::shared_ptr<SchemaClock> schema_;
    PgProfiles profiles_;
    std::atomic<std::uint32_t> first_host_{0};
    std::atomic<bool> retired_{false};
    mutable std::mutex mutex_;
    std::optional<pg::ScramChallenge> challenge_;
    pg::ScramClientKeys keys_;
    std::string last_error_;
};

/// Which database of which server the pool is of: pools that are of the same one answer alike.
[[nodiscard]] std::string server_database(const config::PoolSettings& settings);

/// The engine's limits out of the settings.
[[nodiscard]] pool::Limits limits_of(const config::PoolSettings& settings,
                                     const config::Postgres& postgres);

}  // namespace sluice::server
