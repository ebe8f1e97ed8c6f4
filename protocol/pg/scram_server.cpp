#include "protocol/pg/scram_server.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/login_messages.hpp"

#include <charconv>

namespace sluice::pg {

namespace {

using Outcome = ScramServerStep::Outcome;

constexpr std::string_view malformed = "malformed SCRAM message";
/// Base64 of "n,," and "y,,".
constexpr std::string_view no_binding = "biws";
constexpr std::string_view no_binding_offered = "eSws";

constexpr std::uint32_t no_initial_response = 0xffff'ffffU;

void append_number(std::string& out, std::uint32_t number) {
    char digits[10];
    const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
    SLUICE_ASSERT(error == std::errc{});
    out.append(digits, end);
}

}  // namespace

ScramServer::ScramServer(const ScramVerifier& verifier, ScramUser user, std::string_view nonce)
    : verifier_(verifier), user_(user), nonce_(nonce) {
    SLUICE_ASSERT(is_scram_nonce(nonce));
}

const crypto::Sha256Digest& ScramServer::client_key() const noexcept {
    return client_key_;
}

ScramServerStep ScramServer::violation(std::string_view text) noexcept {
    state_ = State::ended;
    return {Outcome::violation, text};
}

ScramServerStep ScramServer::message_received(Bytes body, std::string& out) {
    const std::string_view message = wire::as_text(body);
    switch (state_) {
        case State::awaiting_initial: return initial_received(body, out);
        case State::awaiting_first: return first_received(message, out);
        case State::awaiting_final: return final_received(message, out);
        case State::ended: break;
    }
    return violation("SASL message after the end of the dialogue");
}

ScramServerStep ScramServer::initial_received(Bytes body, std::string& out) {
    wire::Cursor cursor(body);
    const std::string_view mechanism = cursor.c_string();
    const std::uint32_t length = cursor.u32();
    if (cursor.failed()) return violation("malformed SASLInitialResponse");
    if (mechanism != scram_mechanism) {
        return violation("client selected an invalid SASL authentication mechanism");
    }
    if (length == no_initial_response) {
        if (!cursor.finished()) return violation("malformed SASLInitialResponse");
        state_ = State::awaiting_first;
        append_authentication_sasl_continue(out, {});
        return {Outcome::challenged};
    }
    const std::string_view message = wire::as_text(cursor.take(length));
    if (!cursor.finished()) return violation("malformed SASLInitialResponse");
    return first_received(message, out);
}

ScramServerStep ScramServer::first_received(std::string_view message, std::string& out) {
    if (message.size() > scram_message_bytes_max) return violation("SCRAM message is too long");
    if (message.find('\0') != std::string_view::npos) return violation(malformed);
    // gs2-header: flag, comma, authorization identity, comma.
    if (message.starts_with("p=")) {
        return violation("client requires SCRAM channel binding, which is not offered");
    }
    if (!message.starts_with("n,") && !message.starts_with("y,")) return violation(malformed);
    binding_flag_ = message.front();
    message.remove_prefix(2);
    if (message.starts_with("a=")) {
        return violation("client uses authorization identity, but it is not supported");
    }
    if (!message.starts_with(",")) return violation(malformed);
    message.remove_prefix(1);

    ScramAttributes attributes(message);
    if (attributes.next_is('m')) return violation("client requires an unsupported SCRAM extension");
    // The startup packet has named the user. libpq leaves this empty, others write anything.
    attributes.take('n');
    const std::string_view nonce = attributes.take('r');
    attributes.skip_to('\0');
    if (!attributes.finished()) return violation(malformed);
    if (!is_scram_nonce(nonce)) return violation("non-printable characters in SCRAM nonce");

    nonce_.insert(0, nonce);
    std::string& record = auth_message_;
    record.reserve(2 * (message.size() + nonce_.size()) + 128);
    record.append(message).push_back(',');
    const std::size_t answer_at = record.size();
    record.append("r=").append(nonce_).append(",s=");
    crypto::append_base64(record, wire::as_bytes(verifier_.salt));
    record.append(",i=");
    append_number(record, verifier_.iterations);
    append_authentication_sasl_continue(out, std::string_view(record).substr(answer_at));
    record.push_back(',');
    state_ = State::awaiting_final;
    return {Outcome::challenged};
}

ScramServerStep ScramServer::final_received(std::string_view message, std::string& out) {
    if (message.size() > scram_message_bytes_max) return violation("SCRAM message is too long");
    if (message.find('\0') != std::string_view::npos) return violation(malformed);
    ScramAttributes attributes(message);
    const std::string_view binding = attributes.take('c');
    const std::string_view nonce = attributes.take('r');
    attributes.skip_to('p');
    const std::size_t proof_at = message.size() - attributes.rest().size();
    const std::string_view proof_text = attributes.take('p');
    crypto::Sha256Digest proof;
    if (!attributes.finished() || !crypto::from_base64(proof_text, proof)) {
        return violation(malformed);
    }
    if (binding != (binding_flag_ == 'n' ? no_binding : no_binding_offered)) {
        return violation("unexpected SCRAM channel-binding attribute in client-final-message");
    }
    if (nonce != nonce_) return violation("SCRAM nonce does not match");

    // The proof is the last attribute; a comma stands before it, since c= and r= do.
    auth_message_.append(message.substr(0, proof_at - 1));
    const Bytes record = wire::as_bytes(auth_message_);
    state_ = State::ended;
    const crypto::Sha256Digest client_key =
        scram_proof(proof, crypto::hmac_sha256(verifier_.stored_key, {record}));
    const crypto::Sha256Digest signature = crypto::hmac_sha256(verifier_.server_key, {record});
    const bool proven =
        crypto::constant_time_equal(crypto::sha256(client_key), verifier_.stored_key);
    if (!proven || user_ == ScramUser::unknown) return {Outcome::failed};

    client_key_ = client_key;
    std::string final_message = "v=";
    crypto::append_base64(final_message, signature);
    append_authentication_sasl_final(out, final_message);
    return {Outcome::verified};
}

}  // namespace sluice::pg
