#include "protocol/pg/password.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace sluice::pg {

namespace {

constexpr std::string_view md5_prefix = "md5";

std::optional<Md5Secret> parse_md5(std::string_view text) noexcept {
    if (!text.starts_with(md5_prefix)) return std::nullopt;
    text.remove_prefix(md5_prefix.size());
    Md5Secret secret;
    const bool is_hex = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (text.size() != secret.hex.size() || !is_hex) return std::nullopt;
    std::copy(text.begin(), text.end(), secret.hex.begin());
    return secret;
}

/// What stands before the separator, cut off with it; everything when there is none.
std::string_view cut(std::string_view& text, char separator) noexcept {
    const std::size_t at = text.find(separator);
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return taken;
}

std::optional<ScramVerifier> parse_scram(std::string_view text) {
    if (cut(text, '$') != scram_mechanism) return std::nullopt;
    const std::string_view iterations = cut(text, ':');
    const std::string_view salt_text = cut(text, '$');
    const std::string_view stored_key = cut(text, ':');
    ScramVerifier verifier;
    const char* const end = iterations.data() + iterations.size();
    const auto parsed = std::from_chars(iterations.data(), end, verifier.iterations);
    constexpr std::uint32_t most = std::numeric_limits<std::int32_t>::max();
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    if (verifier.iterations == 0 || verifier.iterations > most) return std::nullopt;
    std::optional<std::string> salt = crypto::from_base64(salt_text);
    if (!salt || salt->empty()) return std::nullopt;
    verifier.salt = std::move(*salt);
    if (!crypto::from_base64(stored_key, verifier.stored_key)) return std::nullopt;
    if (!crypto::from_base64(text, verifier.server_key)) return std::nullopt;
    return verifier;
}

bool same_secret(std::string_view left, std::string_view right) noexcept {
    return crypto::constant_time_equal(crypto::sha256(wire::as_bytes(left)),
                                       crypto::sha256(wire::as_bytes(right)));
}

}  // namespace

StoredSecret parse_stored_secret(std::string_view text) {
    if (const std::optional<Md5Secret> secret = parse_md5(text)) return *secret;
    if (std::optional<ScramVerifier> verifier = parse_scram(text)) return std::move(*verifier);
    return PlainPassword{std::string(text)};
}

std::string format_scram_verifier(const ScramVerifier& verifier) {
    std::string text(scram_mechanism);
    text.append("$").append(std::to_string(verifier.iterations)).append(":");
    crypto::append_base64(text, wire::as_bytes(verifier.salt));
    text.push_back('$');
    crypto::append_base64(text, verifier.stored_key);
    text.push_back(':');
    crypto::append_base64(text, verifier.server_key);
    return text;
}

Md5Secret derive_md5_secret(std::string_view password, std::string_view user) noexcept {
    return {crypto::md5_hex({wire::as_bytes(password), wire::as_bytes(user)})};
}

Md5Response md5_response(const Md5Secret& secret, const Md5Salt& salt) noexcept {
    const Bytes hex = std::as_bytes(std::span(secret.hex));
    const crypto::Md5Hex digits = crypto::md5_hex({hex, salt});
    Md5Response response;
    const auto after = std::copy(md5_prefix.begin(), md5_prefix.end(), response.begin());
    std::copy(digits.begin(), digits.end(), after);
    return response;
}

bool md5_response_matches(const Md5Secret& secret, const Md5Salt& salt,
                          std::string_view response) noexcept {
    const Md5Response expected = md5_response(secret, salt);
    return crypto::constant_time_equal(std::as_bytes(std::span(expected)),
                                       wire::as_bytes(response));
}

bool plain_password_matches(const StoredSecret& secret, std::string_view user,
                            std::string_view password) noexcept {
    if (const auto* const plain = std::get_if<PlainPassword>(&secret)) {
        return same_secret(plain->text, password);
    }
    if (const auto* const md5 = std::get_if<Md5Secret>(&secret)) {
        const Md5Secret given = derive_md5_secret(password, user);
        return crypto::constant_time_equal(std::as_bytes(std::span(given.hex)),
                                           std::as_bytes(std::span(md5->hex)));
    }
    const auto* const verifier = std::get_if<ScramVerifier>(&secret);
    if (verifier == nullptr) return false;
    const ScramClientKeys given =
        derive_scram_client_keys(password, wire::as_bytes(verifier->salt), verifier->iterations);
    return crypto::constant_time_equal(given.server_key, verifier->server_key);
}

ScramVerifier mock_scram_verifier(Bytes process_secret, std::string_view user,
                                  std::uint32_t iterations) {
    // Each use has its own label with a zero byte behind it, which no user name contains.
    using namespace std::string_view_literals;
    const auto made_up = [&](std::string_view label) {
        return crypto::hmac_sha256(process_secret, {wire::as_bytes(label), wire::as_bytes(user)});
    };
    ScramVerifier verifier;
    verifier.iterations = iterations;
    verifier.salt = wire::as_text(made_up("salt\0"sv)).substr(0, scram_salt_bytes);
    verifier.stored_key = made_up("stored key\0"sv);
    verifier.server_key = made_up("server key\0"sv);
    return verifier;
}

bool parse_password_message(Bytes body, std::string_view& password) noexcept {
    wire::Cursor cursor(body);
    password = cursor.c_string();
    return cursor.finished();
}

}  // namespace sluice::pg
