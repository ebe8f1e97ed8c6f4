#pragma once

#include "protocol/resp/backend_login.hpp"
#include "protocol/resp/client_session.hpp"
#include "protocol/resp/command_catalogue.hpp"

#include "pool/permit_chain.hpp"
#include "pool/registry.hpp"

#include "config/resolve.hpp"
#include "config/settings.hpp"

#include "server/redis/health.hpp"
#include "server/redis/logins.hpp"

#include <atomic>
#include <chrono>
#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::server {

/// Whoever agrees in these may share backends: nothing else of a client's state lies there.
struct RedisKey {
    std::string database;  ///< The section's name.
    std::uint32_t number = 0;
    resp::RespVersion version = resp::RespVersion::resp2;
    std::string user;  ///< Who is logged in there. Empty: who the section names.
    auto operator<=>(const RedisKey&) const = default;
};

/// What the backends of one Redis have in common whatever their key. Outlives its pools.
struct RedisShared {
    RedisHealth health;
    pool::Budget blocking{0};  ///< Pinned backends by reason, beside the bound of all of them.
    pool::Budget watch{0};
    pool::Budget tracking{0};
    RedisLogins logins;
};

/// What the workers share of the backends of one key besides the engine's own part.
/// Owned by its registry entry. Thread-safe.
class RedisPool final : public pool::PoolAttachment {
  public:
    /// `shared` outlives it.
    RedisPool(RedisKey key, const config::RedisDatabase& database,
              const config::RedisPoolSettings& bounds, resp::BackendIdentity identity,
              RedisShared& shared);

    [[nodiscard]] const RedisKey& key() const noexcept { return key_; }
    [[nodiscard]] const config::RedisDatabase& database() const noexcept { return database_; }
    [[nodiscard]] const config::RedisPoolSettings& bounds() const noexcept { return bounds_; }
    [[nodiscard]] const resp::BackendIdentity& identity() const noexcept { return identity_; }
    [[nodiscard]] pool::Budget& links() noexcept { return links_; }
    [[nodiscard]] MemoryGate& gate() noexcept { return shared_.health.gate; }
    /// What a pin for this reason counts against by itself; null when nothing.
    [[nodiscard]] pool::Budget* limit_of(resp::PinReason reason) noexcept {
        if (reason == resp::PinReason::blocking) return &shared_.blocking;
        if (reason == resp::PinReason::tracking) return &shared_.tracking;
        return reason == resp::PinReason::watch ? &shared_.watch : nullptr;
    }

    /// A reload has put another in its place.
    void retire() noexcept { retired_ = true; }
    [[nodiscard]] bool retired() const noexcept { return retired_; }

    /// Of the last backend that could not be opened.
    void remember_error(std::string text);
    [[nodiscard]] std::string last_error() const;

  private:
    const RedisKey key_;
    const config::RedisDatabase database_;
    const config::RedisPoolSettings bounds_;
    const resp::BackendIdentity identity_;
    RedisShared& shared_;
    pool::Budget links_{0};  ///< Shared backends of this key; bounded by each shard's own count.
    std::atomic<bool> retired_{false};
    mutable std::mutex mutex_;
    std::string last_error_;
};

/// What a client may have done on the control connection, since whatever shares a backend may stand
/// behind what it is to end.
enum class RedisOrder : std::uint8_t { kill_script, kill_function };

/// What the control connection to one Redis counts against, and whom it tells.
struct RedisControlPart {
    pool::Budget* all;
    pool::Budget* process;
    RedisHealth* health;
};

/// The pools of the Redis side, found by key, and the bounds of each Redis over all its keys and
/// kinds of backends. Asked when a client's key changes, so a mutex serves.
///
/// Thread-safe. Bounds go by name and outlive a retired pool, so they hold across a reload.
class RedisDirectory {
  public:
    explicit RedisDirectory(pool::Budget& process) : process_(process) {}

    /// Null when the settings have no such database, or nobody knows that user's password.
    [[nodiscard]] std::shared_ptr<pool::PoolEntry> find(const config::Redis& settings,
                                                        const RedisKey& key, unsigned workers);
    /// Retires the pools that these settings change.
    void reconfigure(const config::Redis& settings);

    /// Of one database section; takes over what the settings say of it. What it names lives as long
    /// as this does.
    [[nodiscard]] RedisControlPart control_part(const config::Redis& settings,
                                                const config::RedisDatabase& database);

    /// What one Redis says of a user's password. `refused` also when a backend is told so.
    void login_accepted(const std::string& database, std::string_view user,
                        std::string_view password, net::TimePoint now);
    void login_refused(const std::string& database, std::string_view user,
                       std::string_view password);
    /// Not longer ago than the settings say.
    [[nodiscard]] bool knows_login(const config::Redis& settings, const std::string& database,
                                   std::string_view user, std::string_view password,
                                   net::TimePoint now) const;

    /// What the server said of itself at the last login; "7.0.15" before the first.
    void remember_version(const std::string& database, std::string version);
    [[nodiscard]] std::string version_of(const std::string& database) const;

    /// The commands of one server.
    struct Commands {
        std::shared_ptr<const resp::CommandCatalogue> catalogue;  ///< Null: those of our own list.
        bool asked = false;  ///< The server was, and may have refused to say.
    };
    [[nodiscard]] Commands commands_of(const std::string& database) const;
    /// Whether the next login shall ask: for the first time, or after a while, since modules come
    /// and servers are replaced.
    [[nodiscard]] resp::CommandsAsked commands_due(const std::string& database,
                                                   std::chrono::steady_clock::time_point now) const;
    enum class Learned : std::uint8_t { nothing_new, other_commands, unreadable };
    [[nodiscard]] Learned learn_commands(const std::string& database, const std::string& answer,
                                         std::chrono::steady_clock::time_point now);
    /// Another number whenever the commands of some server have changed.
    [[nodiscard]] std::uint64_t commands_generation() const noexcept {
        return commands_generation_.load(std::memory_order_acquire);
    }
    struct Bound {
        std::string database;
        std::uint32_t used = 0;
        std::uint32_t limit = 0;
        std::uint32_t pinned_used = 0;
        std::uint32_t pinned_limit = 0;
        RedisHealth::Facts health;
    };
    [[nodiscard]] std::vector<Bound> bounds() const;

  private:
    static constexpr std::string_view version_before_login = "7.0.15";

    struct Database {
        std::shared_ptr<pool::Budget> all = std::make_shared<pool::Budget>(0);
        std::shared_ptr<pool::Budget> pinned = std::make_shared<pool::Budget>(0);
        std::string version{version_before_login};
        RedisShared shared;
        Commands commands;
        std::size_t answer_hash = 0;  ///< Of what `commands` is made of.
        std::chrono::steady_clock::time_point asked_at;
    };

    [[nodiscard]] Database& database_of(const config::Redis& settings,
                                        const config::RedisDatabase& section);
    /// Of those that satisfy the condition.
    template <typename Condition>
    void retire_pools(Condition condition);

    pool::Budget& process_;
    mutable std::mutex mutex_;
    std::map<RedisKey, std::shared_ptr<pool::PoolEntry>> pools_;
    std::map<std::string, Database, std::less<>> databases_;
    config::Redis settings_;
    std::atomic<std::uint64_t> commands_generation_{0};
};

[[nodiscard]] pool::Limits redis_limits_of(const config::Redis& settings,
                                           const config::RedisPoolSettings& bounds);
[[nodiscard]] inline RedisPool& redis_pool_of(const pool::PoolEntry& entry) noexcept {
    return static_cast<RedisPool&>(*entry.attachment);
}

}  // namespace sluice::server
