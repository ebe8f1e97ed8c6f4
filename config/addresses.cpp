#include "config/addresses.hpp"

#include "config/values.hpp"

#include <algorithm>
#include <utility>

namespace sluice::config {

namespace {

constexpr std::string_view socket_name = ".s.PGSQL.";

bool is_host_name(std::string_view text) {
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return !text.empty() && text.size() <= 253 &&
           text.find_first_not_of(letters) == std::string_view::npos;
}

/// Four numbers, as inet_pton(3) takes them: a zero in front could mean octal.
bool is_ipv4(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        const auto dot = part < 3 ? text.find('.') : text.size();
        if (dot > 3) return false;  // No dot at all is farther still.
        const auto digits = text.substr(0, dot);
        const auto number = parse_number(digits);
        if (!number || *number > 255 || (digits.size() > 1 && digits.front() == '0')) return false;
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return text.empty();
}

/// Groups of an IPv6 address in a row without "::"; an IPv4 address at the end is two of them.
std::optional<std::size_t> count_groups(std::string_view text) {
    if (text.empty()) return 0;
    for (std::size_t count = 1;; ++count) {
        const auto colon = text.find(':');
        const auto group = text.substr(0, colon);
        if (colon == std::string_view::npos && is_ipv4(group)) return count + 1;
        if (group.empty() || group.size() > 4 ||
            group.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
            return std::nullopt;
        }
        if (colon == std::string_view::npos) return count;
        text.remove_prefix(colon + 1);
    }
}

/// Eight groups, or fewer around one "::".
bool is_zoneless_ipv6(std::string_view text) {
    constexpr std::size_t group_count = 8;
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) return count_groups(text) == group_count;
    // An IPv4 address ends the whole, not what stands before the gap.
    const auto front = text.substr(0, gap);
    const auto before = count_groups(front);
    const auto behind = count_groups(text.substr(gap + 2));
    return before && behind && front.find('.') == std::string_view::npos &&
           *before + *behind < group_count;
}

bool is_ipv6(std::string_view text) {
    const auto zone = text.find('%');
    if (zone != std::string_view::npos && !is_host_name(text.substr(zone + 1))) return false;
    return is_zoneless_ipv6(text.substr(0, zone));
}

struct Split {
    std::string_view host;
    std::optional<std::string_view> port;  ///< Without its colon.
};

/// Cuts the port off and takes the brackets of an IPv6 address away.
std::optional<Split> split_port(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const auto host = text.substr(1, close - 1);
        const auto rest = text.substr(close + 1);
        if (!is_ipv6(host)) return std::nullopt;
        if (rest.empty()) return Split{host, std::nullopt};
        if (rest.front() != ':') return std::nullopt;
        return Split{host, rest.substr(1)};
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return Split{text, std::nullopt};
    return Split{text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<ListenAddress> parse_socket(std::string_view path) {
    if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    ListenAddress address;
    address.kind = ListenAddress::Kind::unix_socket;
    address.path = path;
    if (!path.substr(path.rfind('/') + 1).starts_with(socket_name)) {
        if (!path.ends_with('/')) address.path += '/';
        address.path += std::string(socket_name) + "6432";
    }
    if (address.path.size() > socket_path_bytes_max) return std::nullopt;
    return address;
}

std::string with_port(const std::string& host, std::uint16_t port) {
    const bool bare = host.find(':') == std::string::npos;
    return (bare ? host : "[" + host + "]") + ":" + std::to_string(port);
}

template <class Item>
std::string show_list(const std::vector<Item>& items) {
    std::string text;
    for (const auto& item : items)
        text += (text.empty() ? "" : ", ") + show(item);
    return text;
}

}  // namespace

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    if (text.starts_with("unix:")) return parse_socket(text.substr(5));
    const auto split = split_port(text);
    if (!split || !split->port) return std::nullopt;
    const auto port = *split->port == "0" ? std::uint16_t{0} : parse_port(*split->port);
    const bool every = split->host.empty() || split->host == "*";
    if (!port || !(every || is_ipv6(split->host) || is_host_name(split->host))) return std::nullopt;
    ListenAddress address;
    address.host = every ? "*" : split->host;
    address.port = *port;
    return address;
}

std::optional<ListenAddress> parse_client_address(std::string_view text) {
    auto address = parse_listen_address(text);
    if (!address || address->kind == ListenAddress::Kind::unix_socket) return address;
    const std::string& host = address->host;
    const bool is_known =
        host == "*" || host == "localhost" || is_ipv4(host) || is_zoneless_ipv6(host);
    return is_known ? address : std::nullopt;
}

std::optional<ListenAddress> parse_redis_client_address(std::string_view text) {
    if (!text.starts_with("unix:")) return parse_client_address(text);
    const auto path = text.substr(5);
    const bool is_file = path.starts_with('/') && !path.ends_with('/');
    if (!is_file || path.size() > socket_path_bytes_max ||
        path.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    return ListenAddress{ListenAddress::Kind::unix_socket, {}, 0, std::string(path)};
}

std::optional<HostPort> parse_host(std::string_view text) {
    if (text.starts_with('/')) {
        const auto longest = text.size() + socket_name.size() + std::string_view("/65535").size();
        if (longest > socket_path_bytes_max || text.find('\0') != std::string_view::npos) {
            return std::nullopt;
        }
        return HostPort{std::string(text), 0};
    }
    if (is_ipv6(text)) return HostPort{std::string(text), 0};
    const auto split = split_port(text);
    if (!split || !(is_ipv6(split->host) || is_host_name(split->host))) return std::nullopt;
    if (!split->port) return HostPort{std::string(split->host), 0};
    const auto port = parse_port(*split->port);
    if (!port) return std::nullopt;
    return HostPort{std::string(split->host), *port};
}

bool is_local(const ListenAddress& address) {
    if (address.kind == ListenAddress::Kind::unix_socket) return true;
    if (address.host == "localhost" || address.host == "::1") return true;
    return address.host.starts_with("127.") &&
           address.host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string show(const ListenAddress& address) {
    if (address.kind == ListenAddress::Kind::unix_socket) return "unix:" + address.path;
    return with_port(address.host, address.port);
}

std::string show(const HostPort& host) {
    return host.host.starts_with('/') ? host.host + ":" + std::to_string(host.port)
                                      : with_port(host.host, host.port);
}

std::string show(const std::vector<ListenAddress>& addresses) {
    return show_list(addresses);
}
std::string show(const std::vector<HostPort>& hosts) {
    return show_list(hosts);
}

std::string show(const Peer& peer) {
    return (peer.instance == 0 ? "" : std::to_string(peer.instance) + "=") + show(peer.address);
}
std::string show(const std::vector<Peer>& peers) {
    return show_list(peers);
}

}  // namespace sluice::config
