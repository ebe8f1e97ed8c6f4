#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg {

/// What NotificationResponse says. The views are those of the frame it was read from.
struct Notification {
    std::uint32_t process_id = 0;  ///< Of the session that notified.
    std::string_view channel;
    std::string_view payload;
};

/// Longest body that is believed. PostgreSQL's own are below 8,100 bytes.
inline constexpr std::size_t notification_bytes_max = 64 * 1024;

/// PostgreSQL cuts longer names, with a NOTICE.
inline constexpr std::size_t channel_bytes_max = 63;

/// False when the body is no notification.
[[nodiscard]] bool parse_notification(wire::Bytes body, Notification& out) noexcept;
/// Appends the whole frame.
void append_notification(std::string& out, const Notification& notification);
/// Appends the channel as a quoted identifier.
void append_channel(std::string& sql, std::string_view channel);

}  // namespace sluice::pg
