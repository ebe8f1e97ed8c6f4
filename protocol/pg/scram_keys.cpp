#include "protocol/pg/scram_keys.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

crypto::Sha256Digest labelled(const crypto::Sha256Digest& key, std::string_view label) noexcept {
    return crypto::hmac_sha256(key, {wire::as_bytes(label)});
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

ScramClientKeys scram_client_keys(const crypto::Sha256Digest& salted) noexcept {
    return {labelled(salted, "Client Key"), labelled(salted, "Server Key")};
}

ScramClientKeys derive_scram_client_keys(std::string_view password, Bytes salt,
                                         std::uint32_t iterations) noexcept {
    return scram_client_keys(crypto::pbkdf2_sha256(wire::as_bytes(password), salt, iterations));
}

ScramVerifier scram_verifier(const ScramClientKeys& keys, Bytes salt, std::uint32_t iterations) {
    return {iterations, std::string(wire::as_text(salt)), crypto::sha256(keys.client_key),
            keys.server_key};
}

ScramVerifier derive_scram_verifier(std::string_view password, Bytes salt,
                                    std::uint32_t iterations) {
    return scram_verifier(derive_scram_client_keys(password, salt, iterations), salt, iterations);
}

crypto::Sha256Digest scram_proof(const crypto::Sha256Digest& key,
                                 const crypto::Sha256Digest& signature) noexcept {
    crypto::Sha256Digest proof;
    std::transform(key.begin(), key.end(), signature.begin(), proof.begin(),
                   [](std::byte a, std::byte b) { return a ^ b; });
    return proof;
}

bool is_scram_nonce(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](char c) { return c >= '!' && c <= '~' && c != ','; });
}

std::string_view ScramAttributes::take(char name) noexcept {
    if (failed_ || rest_.size() < 2 || rest_[0] != name || rest_[1] != '=') {
        failed_ = true;
        rest_ = {};
        return {};
    }
    const std::size_t comma = rest_.find(',');
    const std::string_view value =
        rest_.substr(2, comma == std::string_view::npos ? comma : comma - 2);
    if (comma == std::string_view::npos) {
        rest_ = {};
    } else {
        rest_.remove_prefix(comma + 1);
        // A comma promises one more attribute.
        if (rest_.empty()) failed_ = true;
    }
    return value;
}

void ScramAttributes::skip_to(char name) noexcept {
    while (!failed_ && !rest_.empty() && rest_.front() != name) {
        if (is_letter(rest_.front())) {
            take(rest_.front());
        } else {
            failed_ = true;
        }
    }
}

}  // namespace sluice::pg
