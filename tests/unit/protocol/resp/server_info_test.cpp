#include "protocol/resp/server_info.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::resp {
namespace {

const std::string text =
    "# Server\r\nredis_version:7.0.15\r\n\r\n# Clients\r\nconnected_clients:12\r\n"
    "maxclients:10000\r\n\r\n# Memory\r\nused_memory:2097152\r\nused_memory_human:2.00M\r\n"
    "used_memory_rss:4194304\r\nmaxmemory:1048576\r\nmaxmemory_human:1.00M\r\n"
    "maxmemory_policy:noeviction\r\nmem_fragmentation_ratio:2.05\r\n"
    "mem_not_counted_for_evict:97152\r\n# Persistence\r\nloading:0\r\n# Stats\r\n"
    "evicted_keys:7\r\ntotal_eviction_exceeded_time:9000\r\ncurrent_eviction_exceeded_time:1500\r\n"
    "rejected_connections:3\r\n# Replication\r\nrole:slave\r\n";

TEST(ServerInfo, reads_what_a_server_tells) {
    const auto info = read_server_info(text);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->used_memory_bytes, 2'097'152U);
    EXPECT_EQ(info->counted_memory_bytes(), 2'000'000U);
    EXPECT_EQ(info->max_memory_bytes, 1'048'576U);
    EXPECT_EQ(info->resident_bytes, 4'194'304U);
    EXPECT_DOUBLE_EQ(info->fragmentation_ratio, 2.05);
    EXPECT_EQ(info->policy, EvictionPolicy::noeviction);
    EXPECT_EQ(info->role, ServerRole::replica);
    EXPECT_EQ(info->over_limit.count(), 1'500);
    EXPECT_EQ(info->over_limit_total.count(), 9'000);
    EXPECT_EQ(info->evicted_keys, 7U);
    EXPECT_EQ(info->connected_clients, 12U);
    EXPECT_EQ(info->max_clients, 10'000U);
    EXPECT_EQ(info->rejected_connections, 3U);
    EXPECT_FALSE(info->loading);
}

TEST(ServerInfo, takes_what_is_missing_or_odd_for_unsaid) {
    for (std::size_t length = 0; length <= text.size(); ++length)
        (void)read_server_info(std::string_view(text).substr(0, length));
    EXPECT_FALSE(read_server_info(""));
    EXPECT_FALSE(read_server_info("# Memory\r\nnothing here\r\nused_memory_human:1M\r\n"));
    const auto info = read_server_info(
        "used_memory:-5\nmaxmemory:99999999999999999999999\nmem_not_counted_for_evict:9\n"
        "maxmemory_policy:allkeys-magic\nrole:sentinel\nloading:1\n"
        "current_eviction_exceeded_time:-3\nmem_fragmentation_ratio:x");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->used_memory_bytes, 0U);
    EXPECT_EQ(info->counted_memory_bytes(), 0U);
    EXPECT_EQ(info->max_memory_bytes, 0U);
    EXPECT_EQ(info->policy, EvictionPolicy::unknown);
    EXPECT_EQ(info->role, ServerRole::unknown);
    EXPECT_EQ(info->over_limit.count(), 0);
    EXPECT_TRUE(info->loading);
}

TEST(ServerInfo, knows_every_policy_by_the_servers_name) {
    for (std::size_t at = 1; at < eviction_policy_count; ++at) {
        const auto policy = static_cast<EvictionPolicy>(at);
        const auto info =
            read_server_info("maxmemory_policy:" + std::string(name_of(policy)) + "\r\n");
        ASSERT_TRUE(info);
        EXPECT_EQ(info->policy, policy);
    }
}

}  // namespace
}  // namespace sluice::resp
