#pragma once

#include "protocol/wire/cursor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The few primitives that logins need, over OpenSSL. Nothing here allocates except where a
/// string is returned or appended to, and nothing here keeps state between calls.
namespace sluice::crypto {

using wire::Bytes;

using Sha256Digest = std::array<std::byte, 32>;
using Md5Hex = std::array<char, 32>;

/// Lower-case hexadecimal MD5 of the parts put together. Only PostgreSQL's md5 login needs it.
[[nodiscard]] Md5Hex md5_hex(std::initializer_list<Bytes> parts) noexcept;

[[nodiscard]] Sha256Digest sha256(Bytes message) noexcept;

/// HMAC (RFC 2104) over the parts put together.
[[nodiscard]] Sha256Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) noexcept;

/// PBKDF2 (RFC 8018) with HMAC-SHA-256 and an output of one block, in slices.
///
/// 4096 iterations take part of a millisecond, but a server may ask for a million: whoever runs on
/// a worker's loop calls advance() with a small count and gives way between two calls.
///
/// Confined to: its caller. Holds material as secret as the password.
class Pbkdf2Sha256 {
  public:
    /// Zero iterations count as one.
    Pbkdf2Sha256(Bytes password, Bytes salt, std::uint32_t iterations) noexcept;
    Pbkdf2Sha256(const Pbkdf2Sha256&) = default;
    Pbkdf2Sha256& operator=(const Pbkdf2Sha256&) = default;
    ~Pbkdf2Sha256();

    /// Runs at most so many iterations; true when the result is there.
    bool advance(std::uint32_t iterations_max) noexcept;

    /// The derived key; only after advance() returned true.
    [[nodiscard]] Sha256Digest digest() const noexcept;

  private:
    using State = std::array<std::uint32_t, 8>;

    State inner_{};
    State outer_{};
    State last_{};
    State sum_{};
    std::uint32_t iterations_left_ = 0;
};

/// The same at one go.
[[nodiscard]] Sha256Digest pbkdf2_sha256(Bytes password, Bytes salt,
                                         std::uint32_t iterations) noexcept;

/// Standard alphabet with padding, no line breaks.
void append_base64(std::string& out, Bytes bytes);
[[nodiscard]] std::string to_base64(Bytes bytes);

/// Strict: padding present, nothing outside the alphabet, unused bits zero. So each value has
/// exactly one accepted spelling.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// The same into a place of the exact size; false when text says anything of another size.
[[nodiscard]] bool from_base64(std::string_view text, std::span<std::byte> exact) noexcept;

/// Takes as long for a difference in the first byte as in the last. Lengths are not hidden.
[[nodiscard]] bool constant_time_equal(Bytes left, Bytes right) noexcept;

/// Fills `out` from the system's cryptographic generator. False means that no secret may be made
/// now: refuse the client, never go on with what is in `out`.
[[nodiscard]] bool random_bytes(std::span<std::byte> out) noexcept;

}  // namespace sluice::crypto
