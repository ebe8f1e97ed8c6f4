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
           std::shared_ptr<SchemaClock> schema, pool::TimePoint now);

    [[nodiscard]] const config::PoolSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] PgProfiles& profiles() noexcept { return profiles_; }

    /// Workers that have a shard; the place in it is the shard's index.
    [[nodiscard]] const std::vector<unsigned>& workers() const noexcept { return workers_; }
    [[nodiscard]] std::optional<unsigned> shard_on(unsigned worker) const noexcept;
    /// The shard a new client goes to: its own worker's unless another has clearly fewer clients.
    [[nodiscard]] unsigned choose_shard(unsigned worker) const noexcept;
    void client_entered(unsigned shard) noexcept { ++clients_[shard]; }
    void client_left(unsigned shard, pool::TimePoint now) noexcept {
        used_at_ = now;
        --clients_[shard];
    }
    [[nodiscard]] bool has_clients() const noexcept;
    /// When a client left last, or the pool was made.
    [[nodiscard]] pool::TimePoint used_at() const noexcept { return used_at_; }
    void backend_opened() noexcept { had_backend_.store(true, std::memory_order_relaxed); }
    /// Its database has let us in at least once.
    [[nodiscard]] bool had_backend() const noexcept {
        return had_backend_.load(std::memory_order_relaxed);
    }

    /// Who is there may stay, and nobody comes. `replaced`: by a reload; what it has counted goes
    /// on in its successor. `forgotten`: its name, perhaps made up, is no longer of interest.
    enum class Standing : std::uint8_t { serving, replaced, forgotten };
    void retire(Standing as) noexcept { standing_ = as; }
    [[nodiscard]] bool retired() const noexcept { return standing() != Standing::serving; }
    [[nodiscard]] Standing standing() const noexcept {
        return standing_.load(std::memory_order_relaxed);
    }

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
    std::atomic<Standing> standing_{Standing::serving};
    std::atomic<bool> had_backend_{false};
    std::atomic<pool::TimePoint> used_at_;
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
