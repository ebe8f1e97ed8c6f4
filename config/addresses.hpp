#pragma once

#include "config/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A socket's path holds at most 107 bytes (sun_path of unix(7), less the final zero).
inline constexpr std::size_t socket_path_bytes_max = 107;

/// "127.0.0.1:6432", "[::1]:6432", "name:6432", "*:6432" or ":6432" for every address,
/// "unix:/folder" for the file .s.PGSQL.6432 in it, "unix:/folder/.s.PGSQL.7000".
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

/// The same for clients of PostgreSQL: no name but localhost is looked up, and no zone is known.
[[nodiscard]] std::optional<ListenAddress> parse_client_address(std::string_view text);

/// For clients of Redis, who name the file itself: "unix:/folder/redis.sock". Else the same.
[[nodiscard]] std::optional<ListenAddress> parse_redis_client_address(std::string_view text);

/// "host", "host:5433", "[::1]:5433", "::1" or "/socket/folder". A port that is not said is 0.
[[nodiscard]] std::optional<HostPort> parse_host(std::string_view text);

/// A TCP port, 1 to 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text);

/// Whether only this machine can reach it.
[[nodiscard]] bool is_local(const ListenAddress& address);

[[nodiscard]] std::string show(const ListenAddress& address);
[[nodiscard]] std::string show(const HostPort& host);
[[nodiscard]] std::string show(const std::vector<ListenAddress>& addresses);
[[nodiscard]] std::string show(const std::vector<HostPort>& hosts);
[[nodiscard]] std::string show(const Peer& peer);
[[nodiscard]] std::string show(const std::vector<Peer>& peers);

}  // namespace sluice::config
