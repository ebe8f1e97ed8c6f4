#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::resp {

/// A decimal number that ends with CRLF, as it stands behind every type byte of RESP.
struct LengthLine {
    enum class State : std::uint8_t { incomplete, read, invalid };
    State state = State::incomplete;
    std::size_t bytes = 0;  ///< With the CRLF, when read.
    std::int64_t value = 0;
};

/// See read_length_line(): a number of any length, step by step.
[[nodiscard, gnu::noinline]] inline LengthLine read_any_length_line(wire::Bytes bytes,
                                                                    std::size_t at) noexcept {
    using State = LengthLine::State;
    constexpr std::size_t digits_max = 18;  // Beyond any length there is, within 64 bits.
    const auto letter = [&bytes](std::size_t index) {
        return std::to_integer<unsigned char>(bytes[index]);
    };
    std::size_t place = at;
    const bool negative = place < bytes.size() && letter(place) == '-';
    if (negative) ++place;
    const std::size_t first = place;
    std::int64_t value = 0;
    for (; place < bytes.size(); ++place) {
        const unsigned digit = letter(place) - static_cast<unsigned>('0');
        if (digit > 9) break;
        if (place - first == digits_max || (place > first && value == 0)) {
            return {State::invalid, 0, 0};
        }
        value = value * 10 + static_cast<std::int64_t>(digit);
    }
    if (place == bytes.size()) return {};
    if (letter(place) != '\r' || place == first || (negative && value == 0)) {
        return {State::invalid, 0, 0};
    }
    if (place + 1 == bytes.size()) return {};
    if (letter(place + 1) != '\n') return {State::invalid, 0, 0};
    return {State::read, place + 2 - at, negative ? -value : value};
}

/// Reads the number at `at`, which is at most the size. As strict as the server: no blank, no plus,
/// no leading zero, no minus zero; nothing outside of 64 bits.
///
/// A command and its reply have five such lines or more, and nearly all are of one or two digits:
/// those are told at a glance, and without a call.
[[nodiscard, gnu::always_inline]] inline LengthLine read_length_line(wire::Bytes bytes,
                                                                     std::size_t at) noexcept {
    if (bytes.size() - at >= 4) {
        const std::byte* const line = bytes.data() + at;
        const unsigned first = std::to_integer<unsigned>(line[0]) - static_cast<unsigned>('0');
        const unsigned second = std::to_integer<unsigned>(line[1]) - static_cast<unsigned>('0');
        if (first <= 9 && line[1] == std::byte{'\r'} && line[2] == std::byte{'\n'}) {
            return {LengthLine::State::read, 3, static_cast<std::int64_t>(first)};
        }
        if (first - 1U < 9 && second <= 9 && line[2] == std::byte{'\r'} &&
            line[3] == std::byte{'\n'}) {
            return {LengthLine::State::read, 4, static_cast<std::int64_t>(first * 10 + second)};
        }
    }
    return read_any_length_line(bytes, at);
}

}  // namespace sluice::resp
