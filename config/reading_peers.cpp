#include "config/addresses.hpp"
#include "config/limits.hpp"
#include "config/reading.hpp"

namespace sluice::config {

namespace {

constexpr std::uint16_t port_usual = 6432;

/// "host:port" or a name that stands for several peers.
std::optional<HostPort> address_of(const Value& value) {
    const auto* text = std::get_if<std::string>(&value.content);
    if (text == nullptr || text->starts_with('/')) return std::nullopt;
    auto host = parse_host(*text);
    if (host && host->port == 0) host->port = port_usual;
    return host;
}

/// { instance = 2, address = "10.0.0.2:6432" }
std::optional<Peer> peer_of(const Table& table) {
    Peer peer;
    bool sound = table.size() == 2;
    for (const Entry& entry : table) {
        const auto* number = std::get_if<std::int64_t>(&entry.value.content);
        if (entry.key == "instance" && number != nullptr) {
            sound = sound && *number >= 1 && *number <= std::int64_t{instance_max};
            peer.instance = static_cast<std::uint32_t>(*number);
        } else if (entry.key == "address") {
            const auto address = address_of(entry.value);
            sound = sound && address;
            peer.address = address.value_or(HostPort{});
        } else {
            sound = false;
        }
    }
    return sound && peer.instance != 0 ? std::optional(peer) : std::nullopt;
}

std::optional<Peer> one_peer(const Value& value) {
    if (const auto* table = std::get_if<Table>(&value.content)) return peer_of(*table);
    const auto address = address_of(value);
    return address ? std::optional(Peer{0, *address}) : std::nullopt;
}

}  // namespace

bool take(const Found& found, std::vector<Peer>& out) {
    const auto wanted = [&found](const Value& value) {
        return found.reject_item(value,
                                 "wanted { instance = 1 to 255, address = \"host:port\" }, a name "
                                 "that resolves to all peers, or a list of those");
    };
    std::vector<Peer> peers;
    const auto take_one = [&](const Value& value) {
        const auto peer = one_peer(value);
        if (!peer) return wanted(value);
        peers.push_back(*peer);
        return true;
    };
    const auto* list = std::get_if<List>(&found.value.content);
    bool sound = true;
    if (list == nullptr) {
        sound = take_one(found.value);
    } else {
        for (const Value& value : *list)
            sound = take_one(value) && sound;
    }
    if (sound) out = std::move(peers);
    return sound;
}

}  // namespace sluice::config
