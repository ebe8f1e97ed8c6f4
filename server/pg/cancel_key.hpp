#pragma once

#include "protocol/wire/cursor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::server {

/// How long the secret of a client's cancel key is: 4 bytes up to protocol 3.0, 32 from 3.2 on, as
/// PostgreSQL 18 has it.
enum class CancelKeyForm : std::uint8_t { short_form, long_form };

/// The secret of one client's cancel key as it goes over the wire.
struct CancelKey {
    std::array<std::byte, 32> bytes{};
    std::size_t byte_count = 0;

    [[nodiscard]] wire::Bytes view() const noexcept { return wire::Bytes(bytes).first(byte_count); }
};

/// Makes the secrets, so that a client need keep only four bytes of its own: the long form goes on
/// with a digest of them under a key that never leaves this process.
///
/// Confined to: nothing; it does not change.
class CancelKeys {
  public:
    /// With a random key.
    CancelKeys();

    [[nodiscard]] CancelKey key_of(std::uint32_t process_id, std::uint32_t secret,
                                   CancelKeyForm form) const noexcept;

  private:
    std::array<std::byte, 32> digest_key_{};
};

}  // namespace sluice::server
