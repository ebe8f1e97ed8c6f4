#pragma once

#include "config/document.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

/// PostgreSQL cuts longer names off (NAMEDATALEN - 1), and then two names are one.
inline constexpr std::size_t name_bytes_max = 63;
/// Access tokens used as passwords are the longest secrets in use.
inline constexpr std::size_t secret_bytes_max = 64 * 1024;

/// Where each key was written, and which values could not be read. A cross-check keeps silent
/// about a key that could not be read: its default is not what was meant.
class Places {
  public:
    void record(const std::string& path, const Place& place) { places_[path] = place; }
    void mark_broken(const std::string& path) { broken_.insert(path); }
    [[nodiscard]] bool is_broken(const std::string& path) const { return broken_.contains(path); }
    /// The key's place, else its section's, else the file named first.
    [[nodiscard]] Place find(std::string_view path) const;
    void set_file(std::string file) { file_ = std::move(file); }

  private:
    std::string file_;
    std::map<std::string, Place, std::less<>> places_;
    std::set<std::string, std::less<>> broken_;
};

/// What the reading of one document shares between its sections.
struct Reading {
    std::vector<Problem>& problems;
    Places& places;
    std::filesystem::path folder;  ///< Relative paths of the document start here.

    void error(const Place& place, std::string text) const {
        problems.push_back(error_at(place, std::move(text)));
    }
};

/// Bounds of a number, both included. Milliseconds for a duration, bytes for a size.
struct Range {
    std::uint64_t low = 0;
    std::uint64_t high = std::numeric_limits<std::uint64_t>::max();
};

/// One key as found in a document.
struct Found {
    const Value& value;
    std::string path;  ///< "postgres.databases.app.pool_size".
    Range range;
    const Reading& reading;

    /// Reports the value, with the key's path before the text. Always false.
    bool reject(const std::string& text) const;
    /// The same for one element of a list.
    bool reject_item(const Value& item, const std::string& text) const;
};

/// Each take() reads one kind of value into `out`, or rejects it and leaves `out` as it was.
bool take(const Found& found, bool& out);
bool take(const Found& found, std::uint16_t& out);
bool take(const Found& found, std::uint32_t& out);
bool take(const Found& found, std::uint64_t& out);
bool take(const Found& found, Duration& out);
bool take(const Found& found, std::string& out);
bool take(const Found& found, std::vector<std::string>& out);
bool take(const Found& found, std::vector<ListenAddress>& out);
/// What clients of Redis name a socket by is not what those of PostgreSQL do.
bool take_redis_listen(const Found& found, std::vector<ListenAddress>& out);
bool take(const Found& found, std::vector<HostPort>& out);
bool take(const Found& found, std::vector<Peer>& out);
bool take(const Found& found, Secret& out);
bool take(const Found& found, PoolMode& out);
bool take(const Found& found, AutoPrepare& out);
bool take(const Found& found, MemoryGate& out);
bool take(const Found& found, TrackPolicy& out);
bool take(const Found& found, ListenPolicy& out);
bool take(const Found& found, KeepPolicy& out);
bool take(const Found& found, Probe& out);
bool take(const Found& found, ProtocolVersion& out);
bool take(const Found& found, AuthMethod& out);
bool take(const Found& found, LogLevel& out);
bool take(const Found& found, LogFormat& out);

/// A value that may be left unsaid.
template <class Item>
bool take(const Found& found, std::optional<Item>& out) {
    Item item{};
    if (!take(found, item)) return false;
    out = std::move(item);
    return true;
}

}  // namespace sluice::config
