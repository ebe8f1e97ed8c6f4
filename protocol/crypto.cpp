// OpenSSL's direct SHA-256 and MD5 calls are marked deprecated in favour of EVP. They are used all
// the same: they allocate nothing and cannot fail, where EVP copies a heap object for each HMAC
// (4096 iterations of PBKDF2 took 1.01 ms by EVP and 0.41 ms so, OpenSSL 3.0, one core).
#define OPENSSL_API_COMPAT 0x10100000L

#include "protocol/crypto.hpp"

#include "protocol/assert.hpp"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <climits>

namespace sluice::crypto {

namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

unsigned char* raw(std::byte* at) noexcept {
    return reinterpret_cast<unsigned char*>(at);
}

Sha256Digest finish(SHA256_CTX& hash) noexcept {
    Sha256Digest digest;
    SHA256_Final(raw(digest.data()), &hash);
    return digest;
}

/// Both hashes of an HMAC after their first block, which depends on the key alone.
struct HmacStart {
    SHA256_CTX inner;
    SHA256_CTX outer;
};

HmacStart hmac_start(Bytes key) noexcept {
    std::array<std::byte, block_bytes> block{};
    if (key.size() > block_bytes) {
        const Sha256Digest shorter = sha256(key);
        std::copy(shorter.begin(), shorter.end(), block.begin());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    HmacStart start;
    for (std::byte& byte : block)
        byte ^= std::byte{0x36};
    SHA256_Init(&start.inner);
    SHA256_Update(&start.inner, block.data(), block.size());
    for (std::byte& byte : block)
        byte ^= std::byte{0x36 ^ 0x5c};
    SHA256_Init(&start.outer);
    SHA256_Update(&start.outer, block.data(), block.size());
    OPENSSL_cleanse(block.data(), block.size());
    return start;
}

Sha256Digest hmac_finish(HmacStart start, std::initializer_list<Bytes> parts) noexcept {
    for (const Bytes part : parts)
        SHA256_Update(&start.inner, part.data(), part.size());
    const Sha256Digest inner = finish(start.inner);
    SHA256_Update(&start.outer, inner.data(), inner.size());
    return finish(start.outer);
}

void store_state(std::byte* at, const std::array<std::uint32_t, 8>& state) noexcept {
    for (const std::uint32_t word : state) {
        for (unsigned shift = 24;; shift -= 8) {
            *at++ = static_cast<std::byte>((word >> shift) & 0xffU);
            if (shift == 0) break;
        }
    }
}

/// A value of the alphabet, or 64 and more for anything else.
constexpr auto base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(0xff);
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

/// How many bytes well-padded text of this length stands for; nothing when it cannot be base64.
std::optional<std::size_t> decoded_bytes(std::string_view text) noexcept {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.empty()) return 0;
    std::size_t padding = 0;
    if (text[text.size() - 1] == '=') padding = text[text.size() - 2] == '=' ? 2 : 1;
    return text.size() / 4 * 3 - padding;
}

}  // namespace

Md5Hex md5_hex(std::initializer_list<Bytes> parts) noexcept {
    MD5_CTX hash;
    MD5_Init(&hash);
    for (const Bytes part : parts)
        MD5_Update(&hash, part.data(), part.size());
    std::array<unsigned char, MD5_DIGEST_LENGTH> digest;
    MD5_Final(digest.data(), &hash);
    constexpr std::string_view digits = "0123456789abcdef";
    Md5Hex hex;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        hex[2 * i] = digits[digest[i] >> 4U];
        hex[2 * i + 1] = digits[digest[i] & 0x0fU];
    }
    return hex;
}

Sha256Digest sha256(Bytes message) noexcept {
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, message.data(), message.size());
    return finish(hash);
}

Sha256Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) noexcept {
    return hmac_finish(hmac_start(key), parts);
}

Pbkdf2Sha256::Pbkdf2Sha256(Bytes password, Bytes salt, std::uint32_t iterations) noexcept
    : iterations_left_(std::max(iterations, 1U) - 1) {
    const HmacStart start = hmac_start(password);
    std::copy(std::begin(start.inner.h), std::end(start.inner.h), inner_.begin());
    std::copy(std::begin(start.outer.h), std::end(start.outer.h), outer_.begin());
    constexpr std::array first_block{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
    const Sha256Digest first = hmac_finish(start, {salt, first_block});
    for (std::size_t i = 0; i < last_.size(); ++i)
        last_[i] = wire::load_u32(&first[4 * i]);
    sum_ = last_;
}

Pbkdf2Sha256::~Pbkdf2Sha256() {
    OPENSSL_cleanse(this, sizeof *this);
}

bool Pbkdf2Sha256::advance(std::uint32_t iterations_max) noexcept {
    // From here on each hash is one block: a digest, then the padding of a message of 64 + 32
    // bytes. The block is laid out once and only its digest changes.
    std::array<std::byte, block_bytes> block{};
    block[32] = std::byte{0x80};
    block[62] = std::byte{(block_bytes + 32) * 8 / 256};
    SHA256_CTX hash{};
    const auto one_block = [&](const State& from) {
        store_state(block.data(), last_);
        std::copy(from.begin(), from.end(), std::begin(hash.h));
        SHA256_Transform(&hash, raw(block.data()));
        std::copy(std::begin(hash.h), std::end(hash.h), last_.begin());
    };
    const std::uint32_t count = std::min(iterations_max, iterations_left_);
    for (std::uint32_t i = 0; i < count; ++i) {
        one_block(inner_);
        one_block(outer_);
        for (std::size_t word = 0; word < sum_.size(); ++word)
            sum_[word] ^= last_[word];
    }
    iterations_left_ -= count;
    return iterations_left_ == 0;
}

Sha256Digest Pbkdf2Sha256::digest() const noexcept {
    SLUICE_ASSERT(iterations_left_ == 0);
    Sha256Digest digest;
    store_state(digest.data(), sum_);
    return digest;
}

Sha256Digest pbkdf2_sha256(Bytes password, Bytes salt, std::uint32_t iterations) noexcept {
    Pbkdf2Sha256 derivation(password, salt, iterations);
    derivation.advance(iterations);
    return derivation.digest();
}

void append_base64(std::string& out, Bytes bytes) {
    const auto symbol = [](std::uint32_t word, unsigned shift) {
        return base64_alphabet[(word >> shift) & 0x3fU];
    };
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(bytes.size(), 3);
        std::uint32_t word = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            word = (word << 8U) | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
        }
        out.push_back(symbol(word, 18));
        out.push_back(symbol(word, 12));
        out.push_back(count > 1 ? symbol(word, 6) : '=');
        out.push_back(count > 2 ? symbol(word, 0) : '=');
        bytes = bytes.subspan(count);
    }
}

std::string to_base64(Bytes bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    append_base64(out, bytes);
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    const std::optional<std::size_t> size = decoded_bytes(text);
    if (!size) return std::nullopt;
    std::string out(*size, '\0');
    if (!from_base64(text, std::as_writable_bytes(std::span(out)))) return std::nullopt;
    return out;
}

bool from_base64(std::string_view text, std::span<std::byte> exact) noexcept {
    if (decoded_bytes(text) != exact.size()) return false;
    std::size_t at = 0;
    std::uint32_t word = 0;
    unsigned bit_count = 0;
    // What is behind the last symbol is padding, by decoded_bytes' count.
    const std::size_t symbol_count = (exact.size() * 8 + 5) / 6;
    for (const char symbol : text.substr(0, symbol_count)) {
        const std::uint8_t value = base64_values[static_cast<unsigned char>(symbol)];
        if (value >= 64) return false;
        word = (word << 6U) | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            exact[at++] = static_cast<std::byte>((word >> bit_count) & 0xffU);
        }
    }
    return (word & ((1U << bit_count) - 1U)) == 0;
}

bool constant_time_equal(Bytes left, Bytes right) noexcept {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool random_bytes(std::span<std::byte> out) noexcept {
    return out.size() <= INT_MAX && RAND_bytes(raw(out.data()), static_cast<int>(out.size())) == 1;
}

}  // namespace sluice::crypto
