#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::server {

/// Puts together what is to leave in one send: long stretches of the bytes that came in, as they
/// lie there, with words of our own between them. Without such words nothing is copied.
class Departure {
  public:
    /// `room` is empty and stays in use until the departure is over.
    Departure(wire::Bytes bytes, std::string& room) noexcept : bytes_(bytes), room_(room) {}

    /// The next `count` bytes go along.
    void pass(std::size_t count) noexcept { at_ += count; }
    /// The next `count` bytes stay behind.
    void skip(std::size_t count) {
        if (count > 0) settle();
        at_ += count;
        stretch_begin_ = at_;
    }
    void insert(std::string_view words) {
        settle();
        room_.append(words);
    }
    /// The next `count` bytes, which are there.
    [[nodiscard]] wire::Bytes ahead(std::size_t count) const { return bytes_.subspan(at_, count); }
    /// Where the next byte lies.
    [[nodiscard]] std::size_t at() const noexcept { return at_; }

    /// Hands everything since the last time to `send(bytes)`, at most twice.
    template <typename Send>
    void leave(Send send) {
        const wire::Bytes stretch = bytes_.subspan(stretch_begin_, at_ - stretch_begin_);
        stretch_begin_ = at_;
        if (room_.empty()) {
            if (!stretch.empty()) send(stretch);
            return;
        }
        const bool joins = stretch.size() <= copied_bytes_max;
        if (joins) room_.append(wire::as_text(stretch));
        send(wire::as_bytes(room_));
        room_.clear();
        if (!joins) send(stretch);
    }

  private:
    /// A stretch that is longer costs less in a send of its own than in a copy.
    static constexpr std::size_t copied_bytes_max = 16U * 1024U;

    void settle() {
        room_.append(wire::as_text(bytes_.subspan(stretch_begin_, at_ - stretch_begin_)));
        stretch_begin_ = at_;
    }

    wire::Bytes bytes_;
    std::string& room_;
    std::size_t at_ = 0;
    std::size_t stretch_begin_ = 0;
};

}  // namespace sluice::server
