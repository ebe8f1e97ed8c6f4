#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace sluice::wire {

using Bytes = std::span<const std::byte>;

[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Big-endian integers at a place whose length the caller has checked.
[[nodiscard]] inline std::uint32_t load_u32(const std::byte* at) noexcept {
    return (std::to_integer<std::uint32_t>(at[0]) << 24U) |
           (std::to_integer<std::uint32_t>(at[1]) << 16U) |
           (std::to_integer<std::uint32_t>(at[2]) << 8U) | std::to_integer<std::uint32_t>(at[3]);
}

/// The one reader of untrusted bytes. Every read compares by subtraction (length against what is
/// left), so no peer's length can overflow a sum; after the first read past the end the cursor
/// is failed and every later read returns zero or an empty view.
class Cursor {
  public:
    explicit Cursor(Bytes bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }
    /// True when everything was read and nothing was read past the end.
    [[nodiscard]] bool finished() const noexcept { return !failed_ && bytes_.empty(); }

    std::uint8_t u8() noexcept {
        const Bytes taken = take(1);
        return taken.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(taken[0]);
    }
    std::uint16_t u16() noexcept {
        const Bytes taken = take(2);
        if (taken.empty()) return 0;
        return static_cast<std::uint16_t>((std::to_integer<unsigned>(taken[0]) << 8U) |
                                          std::to_integer<unsigned>(taken[1]));
    }
    std::uint32_t u32() noexcept {
        const Bytes taken = take(4);
        return taken.empty() ? 0 : load_u32(taken.data());
    }
    std::int32_t i32() noexcept { return static_cast<std::int32_t>(u32()); }

    Bytes take(std::size_t count) noexcept {
        if (failed_ || count > bytes_.size()) {
            fail();
            return {};
        }
        const Bytes taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }

    /// Text up to a zero byte, which is consumed and not part of it; fails when there is none.
    std::string_view c_string() noexcept {
        const void* const end =
            bytes_.empty() ? nullptr : std::memchr(bytes_.data(), 0, bytes_.size());
        if (end != nullptr) {
            const auto length =
                static_cast<std::size_t>(static_cast<const std::byte*>(end) - bytes_.data());
            const std::string_view text = as_text(bytes_.first(length));
            bytes_ = bytes_.subspan(length + 1);
            return text;
        }
        fail();
        return {};
    }

    [[nodiscard]] Bytes rest() const noexcept { return failed_ ? Bytes{} : bytes_; }

  private:
    void fail() noexcept {
        failed_ = true;
        bytes_ = {};
    }

    Bytes bytes_;
    bool failed_ = false;
};

}  // namespace sluice::wire
