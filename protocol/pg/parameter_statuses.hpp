#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// Most entries a backend may report, and most bytes of names and values together.
inline constexpr std::size_t parameter_status_count_max = 256;
inline constexpr std::size_t parameter_status_bytes_max = 64 * 1024;

/// What a backend has reported by ParameterStatus: one value a name, in order of first report.
/// Remembered per pool, and sent to clients that log in without a backend.
///
/// Confined to: its owner; a plain value.
class ParameterStatuses {
  public:
    struct Entry {
        std::string name;
        std::string value;
        bool operator==(const Entry&) const = default;
    };

    /// Adds or replaces; false, and nothing changes, when that would pass a limit.
    [[nodiscard]] bool set(std::string_view name, std::string_view value);

    /// Null when it was never reported. Names are compared as sent: `DateStyle`, `TimeZone`.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

    /// One ParameterStatus frame an entry. Worth keeping as bytes: a login then copies them.
    void append_frames(std::string& out) const;

    bool operator==(const ParameterStatuses&) const = default;

  private:
    std::vector<Entry> entries_;
    std::size_t byte_count_ = 0;
};

}  // namespace sluice::pg
