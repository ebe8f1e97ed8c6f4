#include "protocol/pg/scram_client.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/login_messages.hpp"

#include <charconv>
#include <utility>

namespace sluice::pg {

namespace {

/// No channel binding, no authorization identity.
constexpr std::string_view gs2_header = "n,,";
/// The startup packet has named the user; PostgreSQL ignores this name, and libpq sends none.
constexpr std::string_view user_and_nonce = "n=,r=";
/// "c=" with base64 of gs2_header.
constexpr std::string_view binding_and_nonce = "c=biws,r=";

ScramClientError fault(std::string text) {
    return {std::move(text)};
}

/// Decimal digits alone, no sign, no leading zero; zero for anything else or too much.
std::uint32_t parse_iterations(std::string_view text) noexcept {
    if (text.empty() || text.front() < '1' || text.front() > '9') return 0;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return 0;
    return value;
}

/// What of a hostile server's text may stand in a log line.
std::string printable(std::string_view text) {
    std::string shown(text.substr(0, 100));
    for (char& c : shown) {
        if (c < ' ' || c > '~') c = '?';
    }
    return shown;
}

}  // namespace

ScramClient::ScramClient(std::string_view nonce) : nonce_(nonce) {
    SLUICE_ASSERT(is_scram_nonce(nonce));
}

void ScramClient::start(std::string& out) const {
    std::string message(gs2_header);
    message.append(user_and_nonce).append(nonce_);
    append_sasl_initial_response(out, scram_mechanism, message);
}

ScramClient::Result<ScramChallenge> ScramClient::challenge_received(std::string_view message) {
    if (std::exchange(state_, State::ended) != State::awaiting_challenge) {
        return fault("SCRAM challenge out of turn");
    }
    if (message.size() > scram_message_bytes_max) return fault("SCRAM challenge is too long");
    ScramAttributes attributes(message);
    if (attributes.next_is('m')) return fault("server requires an unsupported SCRAM extension");
    const std::string_view nonce = attributes.take('r');
    const std::string_view salt_text = attributes.take('s');
    const std::string_view iterations_text = attributes.take('i');
    // Extensions may follow by the RFC, but no server sends any and libpq refuses them.
    if (!attributes.finished()) return fault("malformed SCRAM challenge");
    if (!is_scram_nonce(nonce) || nonce.size() <= nonce_.size() || !nonce.starts_with(nonce_)) {
        return fault("SCRAM nonce of the server does not continue ours");
    }
    std::optional<std::string> salt = crypto::from_base64(salt_text);
    if (!salt || salt->empty()) return fault("malformed salt in SCRAM challenge");
    const std::uint32_t iterations = parse_iterations(iterations_text);
    if (iterations == 0 || iterations > scram_iterations_max) {
        return fault("iteration count of SCRAM challenge is not between 1 and " +
                     std::to_string(scram_iterations_max));
    }
    server_first_ = message;
    state_ = State::awaiting_keys;
    return ScramChallenge{std::move(*salt), iterations};
}

void ScramClient::keys_derived(const ScramClientKeys& keys, std::string& out) {
    SLUICE_ASSERT(state_ == State::awaiting_keys);
    const std::string_view nonce =
        std::string_view(server_first_).substr(2, server_first_.find(',') - 2);
    std::string final_message(binding_and_nonce);
    final_message.append(nonce);

    std::string record(user_and_nonce);
    record.append(nonce_).append(",").append(server_first_).append(",").append(final_message);
    const Bytes record_bytes = wire::as_bytes(record);
    const crypto::Sha256Digest stored_key = crypto::sha256(keys.client_key);
    const crypto::Sha256Digest proof =
        scram_proof(keys.client_key, crypto::hmac_sha256(stored_key, {record_bytes}));
    server_signature_ = crypto::hmac_sha256(keys.server_key, {record_bytes});

    final_message.append(",p=");
    crypto::append_base64(final_message, proof);
    append_sasl_response(out, final_message);
    server_first_.clear();
    state_ = State::awaiting_final;
}

ScramClient::Result<void> ScramClient::final_received(std::string_view message) {
    if (std::exchange(state_, State::ended) != State::awaiting_final) {
        return fault("SCRAM final message out of turn");
    }
    if (message.size() > scram_message_bytes_max) return fault("SCRAM final message is too long");
    if (message.starts_with("e=")) {
        return fault("server reports SCRAM error: " + printable(message.substr(2)));
    }
    ScramAttributes attributes(message);
    const std::string_view signature_text = attributes.take('v');
    crypto::Sha256Digest signature;
    if (!attributes.finished() || !crypto::from_base64(signature_text, signature)) {
        return fault("malformed SCRAM final message");
    }
    if (!crypto::constant_time_equal(signature, server_signature_)) {
        return fault("server does not know the password's verifier: SCRAM signature is wrong");
    }
    return {};
}

}  // namespace sluice::pg
