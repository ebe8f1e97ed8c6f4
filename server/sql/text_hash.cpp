#include "server/sql/text_hash.hpp"

#include <cstddef>
#include <cstring>

namespace sluice::sql {
namespace {

__extension__ using Wide = unsigned __int128;

// Odd numbers with as many ones as zeros: the fractions of the roots of 2 and 3.
constexpr std::uint64_t first_key = 0x6a09'e667'f3bc'c909U;
constexpr std::uint64_t second_key = 0xbb67'ae85'84ca'a73bU;

std::uint64_t folded(std::uint64_t a, std::uint64_t b) noexcept {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t word_at(const char* at, std::size_t bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, bytes);
    return word;
}

}  // namespace

std::uint64_t text_hash(std::string_view text, std::uint64_t seed) noexcept {
    std::uint64_t hash = seed ^ folded(text.size() ^ first_key, seed ^ second_key);
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 16; at += 16, left -= 16)
        hash = folded(word_at(at, 8) ^ first_key ^ hash, word_at(at + 8, 8) ^ second_key ^ seed);
    const std::size_t head = left < 8 ? left : 8;
    if (left > 0) {
        hash = folded(word_at(at, head) ^ first_key ^ hash,
                      word_at(at + head, left - head) ^ second_key ^ seed);
    }
    return folded(hash ^ first_key, seed ^ second_key);
}

}  // namespace sluice::sql
