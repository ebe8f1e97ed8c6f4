#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::resp {

/// What a server does about new keys when its memory is spent (`maxmemory-policy`).
enum class EvictionPolicy : std::uint8_t {
    unknown,
    noeviction,
    allkeys_lru,
    allkeys_lfu,
    allkeys_random,
    volatile_lru,
    volatile_lfu,
    volatile_random,
    volatile_ttl,
};
inline constexpr std::size_t eviction_policy_count = 9;
/// As the server writes it.
[[nodiscard]] std::string_view name_of(EvictionPolicy policy) noexcept;

enum class ServerRole : std::uint8_t { unknown, master, replica };
inline constexpr std::size_t server_role_count = 3;
[[nodiscard]] std::string_view name_of(ServerRole role) noexcept;

/// What a server tells of itself in its answer to INFO. What it does not tell is zero.
/// Source: "INFO", redis.io, Redis 7.0.
struct ServerInfo {
    std::uint64_t used_memory_bytes = 0;
    /// Of those, what the server does not hold against its limit: buffers of replicas and of the
    /// append-only file.
    std::uint64_t uncounted_memory_bytes = 0;
    std::uint64_t max_memory_bytes = 0;  ///< 0: no limit.
    std::uint64_t resident_bytes = 0;
    double fragmentation_ratio = 0;
    std::uint64_t evicted_keys = 0;
    std::chrono::milliseconds over_limit{0};        ///< For how long it has been so; 0: it is not.
    std::chrono::milliseconds over_limit_total{0};  ///< Since the server's start.
    std::uint32_t connected_clients = 0;
    std::uint32_t max_clients = 0;
    std::uint64_t rejected_connections = 0;
    EvictionPolicy policy = EvictionPolicy::unknown;
    ServerRole role = ServerRole::unknown;
    bool loading = false;

    /// What the server compares with its limit.
    [[nodiscard]] std::uint64_t counted_memory_bytes() const noexcept {
        return used_memory_bytes - (uncounted_memory_bytes < used_memory_bytes
                                        ? uncounted_memory_bytes
                                        : used_memory_bytes);
    }
};

/// Nothing when this is no answer to INFO.
[[nodiscard]] std::optional<ServerInfo> read_server_info(std::string_view text);

}  // namespace sluice::resp
