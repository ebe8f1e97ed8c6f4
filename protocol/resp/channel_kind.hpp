#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::resp {

/// What a subscription names. Source: "Redis Pub/Sub", redis.io.
enum class ChannelKind : std::uint8_t {
    channel,
    pattern,  ///< Of channels' names.
    shard,    ///< Of a cluster; elsewhere a name space of its own.
};
inline constexpr std::size_t channel_kind_count = 3;

/// The words of the protocol for one kind.
struct ChannelWords {
    std::string_view subscribe;
    std::string_view unsubscribe;
    std::string_view message;
};
/// In the order of ChannelKind.
inline constexpr std::array<ChannelWords, channel_kind_count> channel_words{{
    {"subscribe", "unsubscribe", "message"},
    {"psubscribe", "punsubscribe", "pmessage"},
    {"ssubscribe", "sunsubscribe", "smessage"},
}};
[[nodiscard]] constexpr const ChannelWords& words_of(ChannelKind kind) noexcept {
    return channel_words[static_cast<std::size_t>(kind)];
}

}  // namespace sluice::resp
