#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::server {

/// An address as SHOW CLIENTS and SHOW SERVERS have it, in two columns.
struct SocketColumns {
    std::string_view addr;  ///< "unix" for a Unix socket.
    std::uint16_t port = 0;
};

/// Splits "127.0.0.1:5432", "[::1]:5432", "unix" and "unix:/path/.s.PGSQL.5432".
[[nodiscard]] SocketColumns socket_columns(std::string_view address) noexcept;

/// "2026-01-31 23:59:59 UTC"
[[nodiscard]] std::string timestamp_text(std::chrono::system_clock::time_point time);

/// An id as the column `ptr` has it: "0x2a", empty for none.
[[nodiscard]] std::string pointer_text(std::uint64_t id);

}  // namespace sluice::server
