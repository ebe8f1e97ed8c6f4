#include "protocol/pg/backend_login.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/login_messages.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::pg {

namespace {

/// Most mechanism names that are read and named in a refusal.
constexpr std::size_t mechanism_count_max = 16;

std::string unsupported(AuthenticationCode code) {
    std::string text("backend asks for authentication by ");
    switch (code) {
        case AuthenticationCode::kerberos_v5: text.append("Kerberos V5"); break;
        case AuthenticationCode::scm_credential: text.append("SCM credential"); break;
        case AuthenticationCode::gss: text.append("GSSAPI"); break;
        case AuthenticationCode::sspi: text.append("SSPI"); break;
        case AuthenticationCode::ok:
        case AuthenticationCode::cleartext_password:
        case AuthenticationCode::md5_password:
        case AuthenticationCode::gss_continue:
        case AuthenticationCode::sasl:
        case AuthenticationCode::sasl_continue:
        case AuthenticationCode::sasl_final:
        default:  // A number that this protocol does not know.
            text.append("method ").append(std::to_string(static_cast<std::uint32_t>(code)));
    }
    return text.append(", which is not supported; use trust, password, md5 or scram-sha-256");
}

/// What of a hostile backend's text may stand in a log line.
std::string printable(std::string_view text) {
    std::string shown(text.substr(0, 60));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return shown;
}

std::string no_secret_for(std::string_view method, const BackendSecret& secret) {
    std::string text("backend asks for ");
    text.append(method);
    if (std::holds_alternative<NoSecret>(secret)) {
        return text.append(", but no password is configured for it");
    }
    if (std::holds_alternative<Md5Secret>(secret)) {
        return text.append(", which an md5 secret cannot answer; configure its password");
    }
    return text.append(", which a SCRAM secret cannot answer; configure its password");
}

}  // namespace

BackendLogin::BackendLogin(ProtocolMinor minor, std::string user, std::string database,
                           const StartupSettings& settings, BackendSecret secret,
                           std::string_view scram_nonce)
    : minor_(minor),
      user_(std::move(user)),
      database_(std::move(database)),
      settings_(settings),
      secret_(std::move(secret)),
      scram_nonce_(scram_nonce) {}

void BackendLogin::start(std::string& out) {
    std::vector<StartupParameter> parameters = settings_.parameters();
    if (!replication_.empty()) parameters.push_back({"replication", replication_});
    append_startup_message(out, minor_, user_, database_, parameters);
}

BackendLogin::Step BackendLogin::failed(std::string text) {
    state_ = Ended{};
    return Failed{std::move(text)};
}

BackendLogin::Step BackendLogin::frame_received(char type, Bytes body, std::string& out) {
    SLUICE_ASSERT(!std::holds_alternative<Ended>(state_));
    if (body.size() > login_frame_bytes_max) return failed("backend sent an overlong login frame");
    if (++frame_count_ > login_frame_count_max) return failed("backend's login does not end");
    switch (type) {
        case 'R': return authentication_received(body, out);
        case 'K': return key_data_received(body);
        case 'S': return parameter_status_received(body);
        case 'Z': return ready_received(body);
        case 'v': return negotiation_received(body);
        case 'N': return notice_received(body);
        case 'E': state_ = Ended{}; return Refused{body};
        default: break;
    }
    return failed("backend sent an unexpected frame of type '" +
                  printable(std::string_view(&type, 1)) + "' during login");
}

BackendLogin::Step BackendLogin::authentication_received(Bytes body, std::string& out) {
    wire::Cursor fields(body);
    const auto code = static_cast<AuthenticationCode>(fields.u32());
    if (fields.failed()) return failed("backend sent a malformed authentication request");
    if (std::holds_alternative<AwaitingAuthentication>(state_)) {
        return authentication_asked(code, fields, out);
    }
    if (auto* const waiting = std::get_if<AwaitingChallenge>(&state_);
        waiting != nullptr && code == AuthenticationCode::sasl_continue) {
        auto challenge = waiting->scram.challenge_received(wire::as_text(fields.rest()));
        if (!challenge) return failed(std::move(challenge.error().text));
        // In two steps: the new state is made from the one it replaces.
        ScramClient scram = std::move(waiting->scram);
        state_ = AwaitingKeys{std::move(scram)};
        return std::move(*challenge);
    }
    if (auto* const waiting = std::get_if<AwaitingSignature>(&state_);
        waiting != nullptr && code == AuthenticationCode::sasl_final) {
        const auto verified = waiting->scram.final_received(wire::as_text(fields.rest()));
        if (!verified) return failed(verified.error().text);
        state_ = SignatureVerified{};
        return Continue{};
    }
    const bool may_be_let_in = std::holds_alternative<PasswordSent>(state_) ||
                               std::holds_alternative<SignatureVerified>(state_);
    if (may_be_let_in && code == AuthenticationCode::ok) {
        return authentication_asked(code, fields, out);
    }
    return failed("backend sent an authentication request out of turn");
}

BackendLogin::Step BackendLogin::authentication_asked(AuthenticationCode code, wire::Cursor fields,
                                                      std::string& out) {
    const auto* const plain = std::get_if<PlainPassword>(&secret_);
    switch (code) {
        case AuthenticationCode::ok:
            if (!fields.finished()) break;
            state_ = AwaitingReady{};
            return Continue{};
        case AuthenticationCode::cleartext_password:
            if (!fields.finished()) break;
            if (plain == nullptr) return failed(no_secret_for("a cleartext password", secret_));
            append_password(out, plain->text);
            state_ = PasswordSent{};
            return Continue{};
        case AuthenticationCode::md5_password: {
            Md5Salt salt;
            const Bytes given = fields.take(salt.size());
            if (!fields.finished()) break;
            std::copy(given.begin(), given.end(), salt.begin());
            const auto* md5 = std::get_if<Md5Secret>(&secret_);
            if (plain == nullptr && md5 == nullptr) {
                return failed(no_secret_for("an md5 password", secret_));
            }
            const Md5Response response =
                md5_response(md5 ? *md5 : derive_md5_secret(plain->text, user_), salt);
            append_password(out, std::string_view(response.data(), response.size()));
            state_ = PasswordSent{};
            return Continue{};
        }
        case AuthenticationCode::sasl: return sasl_asked(fields, out);
        case AuthenticationCode::sasl_continue:
        case AuthenticationCode::sasl_final:
        case AuthenticationCode::gss_continue:
            return failed("backend sent an authentication request out of turn");
        case AuthenticationCode::kerberos_v5:
        case AuthenticationCode::scm_credential:
        case AuthenticationCode::gss:
        case AuthenticationCode::sspi:
        default: return failed(unsupported(code));
    }
    return failed("backend sent a malformed authentication request");
}

BackendLogin::Step BackendLogin::sasl_asked(wire::Cursor fields, std::string& out) {
    std::string others;
    bool offered = false;
    std::size_t count = 0;
    for (std::string_view name = fields.c_string(); !name.empty(); name = fields.c_string()) {
        if (++count > mechanism_count_max) return failed("backend offers too many SASL mechanisms");
        offered = offered || name == scram_mechanism;
        others.append(others.empty() ? "" : ", ").append(printable(name));
    }
    if (!fields.finished()) return failed("backend sent a malformed list of SASL mechanisms");
    if (!offered) {
        return failed("backend offers only these SASL mechanisms: " + others + "; none is " +
                      std::string(scram_mechanism));
    }
    if (std::holds_alternative<NoSecret>(secret_) || std::holds_alternative<Md5Secret>(secret_)) {
        return failed(no_secret_for(scram_mechanism, secret_));
    }
    ScramClient scram(scram_nonce_);
    scram.start(out);
    state_ = AwaitingChallenge{std::move(scram)};
    return Continue{};
}

void BackendLogin::scram_keys_derived(const ScramClientKeys& keys, std::string& out) {
    auto* const waiting = std::get_if<AwaitingKeys>(&state_);
    SLUICE_ASSERT(waiting != nullptr);
    ScramClient scram = std::move(waiting->scram);
    scram.keys_derived(keys, out);
    state_ = AwaitingSignature{std::move(scram)};
}

BackendLogin::Step BackendLogin::key_data_received(Bytes body) {
    wire::Cursor fields(body);
    const std::uint32_t process_id = fields.u32();
    const Bytes key = fields.rest();
    if (!std::holds_alternative<AwaitingReady>(state_) || !key_.key.empty()) {
        return failed("backend sent BackendKeyData out of turn");
    }
    if (key.empty() || key.size() > cancel_key_bytes_max) {
        return failed("backend sent a cancel key of " + std::to_string(key.size()) +
                      " bytes; 1 to " + std::to_string(cancel_key_bytes_max) + " are allowed");
    }
    key_ = {process_id, std::string(wire::as_text(key))};
    return Continue{};
}

/// Before it has let us in, a server has nothing to say that would be meant for a client.
BackendLogin::Step BackendLogin::notice_received(Bytes body) {
    const bool kept = std::holds_alternative<AwaitingReady>(state_) &&
                      notices_.size() + frame_header_bytes + body.size() <= login_notice_bytes_max;
    if (kept) {
        wire::Writer(notices_)
            .begin_frame(static_cast<char>(BackendMessage::NoticeResponse))
            .raw(wire::as_text(body))
            .end_frame();
    }
    return Continue{};
}

BackendLogin::Step BackendLogin::parameter_status_received(Bytes body) {
    wire::Cursor fields(body);
    const std::string_view name = fields.c_string();
    const std::string_view value = fields.c_string();
    if (!fields.finished()) return failed("backend sent a malformed ParameterStatus");
    if (!statuses_.set(name, value)) return failed("backend reports too many parameters");
    return Continue{};
}

BackendLogin::Step BackendLogin::negotiation_received(Bytes body) {
    // We ask for no options. Of the version PostgreSQL says the whole number and some poolers, who
    // also answer where nothing is to be negotiated, only the minor one. Later than this it would
    // be an answer to nothing.
    wire::Cursor fields(body);
    const std::uint32_t version = fields.u32();
    const std::uint32_t option_count = fields.u32();
    for (std::uint32_t i = 0; i < option_count && !fields.failed(); ++i)
        fields.c_string();
    const std::uint32_t minor = version >= protocol_3_0 ? version - protocol_3_0 : version;
    if (!fields.finished() || minor > static_cast<std::uint32_t>(minor_)) {
        return failed("backend sent a malformed NegotiateProtocolVersion");
    }
    if (!std::holds_alternative<AwaitingAuthentication>(state_) ||
        std::exchange(negotiation_, Negotiation::seen) == Negotiation::seen) {
        return failed("backend sent NegotiateProtocolVersion out of turn");
    }
    return Continue{};
}

BackendLogin::Step BackendLogin::ready_received(Bytes body) {
    if (!std::holds_alternative<AwaitingReady>(state_)) {
        return failed("backend sent ReadyForQuery before AuthenticationOk");
    }
    if (wire::as_text(body) != "I") return failed("backend is not idle after login");
    state_ = Ended{};
    return Ready{};
}

}  // namespace sluice::pg
