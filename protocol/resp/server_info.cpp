#include "protocol/resp/server_info.hpp"

#include <array>
#include <charconv>

namespace sluice::resp {

namespace {

constexpr std::array<std::string_view, eviction_policy_count> policy_names{
    "unknown",      "noeviction",   "allkeys-lru",     "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"};
constexpr std::array<std::string_view, server_role_count> role_names{"unknown", "master",
                                                                     "replica"};

template <class Number>
void read(std::string_view text, Number& number) {
    Number found{};
    const auto result = std::from_chars(text.data(), text.data() + text.size(), found);
    // A server that says something else here is one that does not say it.
    if (result.ec == std::errc{}) number = found;
}

void read(std::string_view text, std::chrono::milliseconds& time) {
    std::int64_t count = 0;
    read(text, count);
    time = std::chrono::milliseconds(count > 0 ? count : 0);
}

void read(std::string_view text, bool& truth) {
    truth = text == "1";
}

void read(std::string_view text, EvictionPolicy& policy) {
    for (std::size_t at = 1; at < policy_names.size(); ++at) {
        if (text == policy_names[at]) policy = static_cast<EvictionPolicy>(at);
    }
}

void read(std::string_view text, ServerRole& role) {
    if (text == "master") role = ServerRole::master;
    // The server's own word is older than the one its manual uses.
    if (text == "slave" || text == "replica") role = ServerRole::replica;
}

/// True when the field is one of ours.
bool take(ServerInfo& info, std::string_view name, std::string_view value) {
    const auto into = [&](std::string_view wanted, auto& field) {
        if (name != wanted) return false;
        read(value, field);
        return true;
    };
    return into("used_memory", info.used_memory_bytes) ||
           into("mem_not_counted_for_evict", info.uncounted_memory_bytes) ||
           into("maxmemory", info.max_memory_bytes) ||
           into("used_memory_rss", info.resident_bytes) ||
           into("mem_fragmentation_ratio", info.fragmentation_ratio) ||
           into("evicted_keys", info.evicted_keys) ||
           into("current_eviction_exceeded_time", info.over_limit) ||
           into("total_eviction_exceeded_time", info.over_limit_total) ||
           into("connected_clients", info.connected_clients) ||
           into("maxclients", info.max_clients) ||
           into("rejected_connections", info.rejected_connections) ||
           into("maxmemory_policy", info.policy) || into("role", info.role) ||
           into("loading", info.loading);
}

}  // namespace

std::string_view name_of(EvictionPolicy policy) noexcept {
    return policy_names[static_cast<std::size_t>(policy)];
}

std::string_view name_of(ServerRole role) noexcept {
    return role_names[static_cast<std::size_t>(role)];
}

std::optional<ServerInfo> read_server_info(std::string_view text) {
    ServerInfo info;
    bool any = false;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        any = take(info, line.substr(0, colon), line.substr(colon + 1)) || any;
    }
    return any ? std::optional(info) : std::nullopt;
}

}  // namespace sluice::resp
