#pragma once

#include "server/pg/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::server {

/// Where a text of constant SETs leads from one profile, as a backend once said: the next client
/// that sends it needs no question.
///
/// Owned by a shard. Confined to: its worker.
class SettingMemo {
  public:
    static constexpr std::size_t entries_max = 1024;
    static constexpr std::size_t text_bytes_max = 1024;

    /// `start` and `from` are ids of profiles. Null when it is not known.
    [[nodiscard]] const ProfileRef* find(std::uint32_t start, std::uint32_t from,
                                         std::string_view text);
    void learn(std::uint32_t start, std::uint32_t from, std::string_view text, ProfileRef to);

  private:
    [[nodiscard]] const std::string& key_of(std::uint32_t start, std::uint32_t from,
                                            std::string_view text);

    std::unordered_map<std::string, ProfileRef> entries_;
    std::string key_;
};

}  // namespace sluice::server
