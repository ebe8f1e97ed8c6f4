#include "server/metrics/label_value.hpp"

namespace sluice::server {

namespace {

/// Bytes of the UTF-8 character at the front of `text`; 0 when there is none.
std::size_t utf8_character_bytes(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    if (lead < 0x80U) return 1;
    const std::size_t length = lead >= 0xf0U ? 4 : lead >= 0xe0U ? 3 : 2;
    if (lead < 0xc2U || lead > 0xf4U || text.size() < length) return 0;
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0U) != 0x80U) return 0;
    }
    // Overlong forms, surrogates, and what lies above U+10FFFF show in the second byte.
    const unsigned second = byte(1);
    if (lead == 0xe0U && second < 0xa0U) return 0;
    if (lead == 0xedU && second > 0x9fU) return 0;
    if (lead == 0xf0U && second < 0x90U) return 0;
    if (lead == 0xf4U && second > 0x8fU) return 0;
    return length;
}

}  // namespace

std::string label_value(std::string_view name) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string value;
    while (!name.empty()) {
        std::size_t taken = utf8_character_bytes(name);
        std::string piece(name.substr(0, taken));
        if (taken == 0) {
            const auto byte = static_cast<unsigned char>(name[0]);
            piece = {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
            taken = 1;
        }
        if (value.size() + piece.size() > label_bytes_max) return value + "...";
        value += piece;
        name.remove_prefix(taken);
    }
    return value;
}

}  // namespace sluice::server
