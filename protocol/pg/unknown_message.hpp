#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::pg {

namespace unknown_message {

/// The sentence for one type of message, and how long it is.
struct Sentence {
    std::array<char, 40> text{};
    std::size_t bytes = 0;
};

constexpr Sentence sentence_of(unsigned type) noexcept {
    Sentence sentence;
    const auto add = [&sentence](char byte) { sentence.text[sentence.bytes++] = byte; };
    for (const char byte : std::string_view("invalid frontend message type "))
        add(byte);
    if (type >= 100) add(static_cast<char>('0' + type / 100));
    if (type >= 10) add(static_cast<char>('0' + type / 10 % 10));
    add(static_cast<char>('0' + type % 10));
    return sentence;
}

inline constexpr std::array<Sentence, 256> sentences = [] {
    std::array<Sentence, 256> all{};
    for (unsigned type = 0; type < all.size(); ++type)
        all[type] = sentence_of(type);
    return all;
}();

}  // namespace unknown_message

/// What PostgreSQL says of a type of message that no client sends. Static lifetime.
[[nodiscard]] constexpr std::string_view unknown_message_sentence(char type) noexcept {
    const auto& sentence = unknown_message::sentences[static_cast<unsigned char>(type)];
    return {sentence.text.data(), sentence.bytes};
}

}  // namespace sluice::pg
