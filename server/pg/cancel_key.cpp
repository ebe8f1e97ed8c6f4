#include "server/pg/cancel_key.hpp"

#include "protocol/assert.hpp"
#include "protocol/crypto.hpp"

#include <algorithm>
#include <span>

namespace sluice::server {

namespace {

constexpr std::size_t short_bytes = 4;

void store_u32(std::span<std::byte> out, std::uint32_t value) noexcept {
    for (unsigned i = 0; i < 4; ++i)
        out[i] = static_cast<std::byte>(value >> (24U - 8U * i));
}

}  // namespace

CancelKeys::CancelKeys() {
    SLUICE_ASSERT(crypto::random_bytes(digest_key_));
}

CancelKey CancelKeys::key_of(std::uint32_t process_id, std::uint32_t secret,
                             CancelKeyForm form) const noexcept {
    CancelKey key;
    store_u32(key.bytes, secret);
    key.byte_count = short_bytes;
    if (form == CancelKeyForm::short_form) return key;
    std::array<std::byte, 4> process{};
    store_u32(process, process_id);
    const wire::Bytes own = wire::Bytes(key.bytes).first(short_bytes);
    const crypto::Sha256Digest digest = crypto::hmac_sha256(digest_key_, {process, own});
    std::ranges::copy(std::span(digest).first(key.bytes.size() - short_bytes),
                      key.bytes.begin() + short_bytes);
    key.byte_count = key.bytes.size();
    return key;
}

}  // namespace sluice::server
