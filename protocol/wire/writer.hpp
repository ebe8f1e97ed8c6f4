#pragma once

#include "protocol/assert.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::wire {

/// Builds outgoing bytes at the end of a string that the caller owns.
///
/// `begin_frame` and `end_frame` bracket one PostgreSQL frame: the length is filled in at its end.
/// Frames do not nest.
class Writer {
  public:
    explicit Writer(std::string& out) noexcept : out_(out) {}

    Writer& u8(std::uint8_t value) {
        out_.push_back(static_cast<char>(value));
        return *this;
    }
    Writer& u16(std::uint16_t value) {
        return u8(static_cast<std::uint8_t>(value >> 8U)).u8(static_cast<std::uint8_t>(value));
    }
    Writer& u32(std::uint32_t value) {
        return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value));
    }
    Writer& i32(std::int32_t value) { return u32(static_cast<std::uint32_t>(value)); }
    Writer& raw(std::string_view bytes) {
        out_.append(bytes);
        return *this;
    }
    Writer& raw(Bytes bytes) { return raw(as_text(bytes)); }
    Writer& c_string(std::string_view text) {
        out_.append(text);
        out_.push_back('\0');
        return *this;
    }

    /// A type of zero starts a frame without a type byte (startup packet, CancelRequest).
    Writer& begin_frame(char type) {
        if (type != '\0') out_.push_back(type);
        frame_at_ = out_.size();
        return u32(0);
    }
    Writer& end_frame() {
        const std::size_t length = out_.size() - frame_at_;
        SLUICE_ASSERT(length <= 0x7fffffffU);
        for (unsigned i = 0; i < 4; ++i) {
            out_[frame_at_ + i] = static_cast<char>((length >> (24U - 8U * i)) & 0xffU);
        }
        return *this;
    }

  private:
    std::string& out_;
    std::size_t frame_at_ = 0;
};

}  // namespace sluice::wire
