#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::resp {

/// Reads an answer that is there in full, value by value, in either version of RESP. Whoever asks
/// for another kind of value than comes next gets nothing, and nothing from then on.
class ValueReader {
  public:
    explicit ValueReader(wire::Bytes answer) noexcept : rest_(answer) {}

    /// The number of elements of the array, set or push that begins here.
    [[nodiscard]] std::optional<std::uint64_t> aggregate() noexcept;
    /// Of a bulk or a simple string.
    [[nodiscard]] std::optional<std::string_view> text() noexcept;
    [[nodiscard]] std::optional<std::int64_t> integer() noexcept;
    /// Over a value of whatever kind, with all that it contains.
    [[nodiscard]] bool skip() noexcept;
    [[nodiscard]] bool ended() const noexcept { return rest_.empty(); }

  private:
    wire::Bytes rest_;
};

}  // namespace sluice::resp
