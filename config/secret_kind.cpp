#include "config/secret_kind.hpp"

#include "config/values.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::config {

namespace {

constexpr std::string_view scram_name = "SCRAM-SHA-256$";
constexpr std::size_t key_letters = 44;  ///< 32 bytes in base64.

bool is_base64(std::string_view text) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.empty() || text.size() % 4 != 0) return false;
    const auto end = text.find_last_not_of('=');
    return end != std::string_view::npos && text.size() - 1 - end <= 2 &&
           text.substr(0, end + 1).find_first_not_of(letters) == std::string_view::npos;
}

/// Takes what stands before the separator off the front; all of it when there is none.
std::string_view take_until(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

/// "SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>".
bool is_scram(std::string_view text) {
    if (!text.starts_with(scram_name)) return false;
    text.remove_prefix(scram_name.size());
    const auto iterations = parse_number(take_until(text, ':'));
    const auto salt = take_until(text, '$');
    const auto stored_key = take_until(text, ':');
    return iterations && *iterations > 0 && is_base64(salt) && is_base64(stored_key) &&
           stored_key.size() == key_letters && is_base64(text) && text.size() == key_letters;
}

bool is_md5(std::string_view text) {
    return text.size() == 35 && text.starts_with("md5") &&
           text.find_first_not_of("0123456789abcdef", 3) == std::string_view::npos;
}

}  // namespace

SecretKind kind_of(const Secret& secret) {
    const std::string_view text = secret.reveal();
    if (text.empty()) return SecretKind::none;
    if (is_md5(text)) return SecretKind::md5;
    return is_scram(text) ? SecretKind::scram : SecretKind::plain;
}

bool looks_like_broken_scram(const Secret& secret) {
    const std::string_view text = secret.reveal();
    return text.starts_with(scram_name) && !is_scram(text);
}

}  // namespace sluice::config
