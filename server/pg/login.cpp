#include "server/pg/login.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/login_messages.hpp"

#include "config/resolve.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/console.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <pwd.h>
#include <sys/socket.h>

#include <array>

namespace sluice::server {

namespace {

constexpr std::uint32_t iterations_per_turn = 512;

}  // namespace

PgLogin::PgLogin(PgClient& client, const net::SocketAddress& peer) : client_(client), peer_(peer) {}
PgLogin::~PgLogin() = default;

void PgLogin::proceed() {
    while (client_.phase() == PgClient::Phase::login) {
        bool goes_on = false;
        if (stage_ == Stage::startup) {
            goes_on = read_startup();
        } else if (stage_ == Stage::authenticating) {
            goes_on = read_password();
        } else if (client_.inbox_.size() > client_.worker().settings().max_startup_bytes) {
            client_.refuse(RefusalReason::startup_invalid, "too many bytes before login");
            return;
        }
        if (!goes_on) return;
    }
}

bool PgLogin::read_startup() {
    const wire::Bytes bytes = client_.inbox_.bytes();
    pg::StartupResult result =
        pg::parse_startup(bytes, client_.worker().settings().max_startup_bytes);
    if (std::holds_alternative<pg::StartupIncomplete>(result.packet)) return false;
    if (const auto* violation = std::get_if<pg::StartupViolation>(&result.packet)) {
        std::string frame;
        pg::append_startup_violation(frame, *violation);
        client_.refuse_with(RefusalReason::startup_invalid, std::move(frame));
        return false;
    }
    if (std::holds_alternative<pg::SslRequest>(result.packet)) {
        if (encryption_refused_[0]) {
            client_.refuse(RefusalReason::startup_invalid, "SSLRequest came twice");
            return false;
        }
        encryption_refused_[0] = true;
        encryption_asked(result.packet_bytes);
        return true;
    }
    if (std::holds_alternative<pg::GssEncRequest>(result.packet)) {
        if (encryption_refused_[1]) {
            client_.refuse(RefusalReason::startup_invalid, "GSSENCRequest came twice");
            return false;
        }
        encryption_refused_[1] = true;
        encryption_asked(result.packet_bytes);
        return true;
    }
    if (const auto* cancel = std::get_if<pg::CancelRequest>(&result.packet)) {
        cancel_asked(*cancel);
        return false;
    }
    startup_received(std::get<pg::StartupMessage>(result.packet));
    if (client_.phase() == PgClient::Phase::leaving) return false;
    client_.inbox_.consume(result.packet_bytes, client_.worker().shared().buffers);
    return ask_for_password();
}

void PgLogin::encryption_asked(std::size_t packet_bytes) {
    // What arrived behind the request came in clear before we answered: anyone on the path may
    // have written it. Source: PostgreSQL 17 manual, "SSL Session Encryption".
    if (client_.inbox_.size() > packet_bytes) {
        client_.refuse_with(RefusalReason::startup_invalid, {});
        return;
    }
    client_.inbox_.consume(packet_bytes, client_.worker().shared().buffers);
    client_.send(std::string_view("N"));
}

void PgLogin::cancel_asked(const pg::CancelRequest& request) {
    Worker& worker = client_.worker();
    ++worker.counters.cancels_received;
    stage_ = Stage::cancelling;
    // PostgreSQL closes this connection once the signal is sent, and clients wait for that.
    worker.cancel(request.process_id, request.key,
                  [&worker, id = client_.id(), slot = client_.slot()] {
                      if (PgClient* const client = worker.find_client(slot, id)) {
                          client->leave("cancel request");
                      }
                  });
}

void PgLogin::startup_received(const pg::StartupMessage& message) {
    user_ = message.user;
    database_ = message.database;
    const config::Postgres& settings = client_.worker().settings();
    if (client_.worker().draining()) {
        client_.refuse(RefusalReason::shutdown);
        return;
    }
    // Counted before anything is asked, so that those who never answer are bounded as well.
    if (!client_.take_place(PgConsole::is_console(database_) ? PgConsole::reserve : 0)) return;
    if (message.needs_negotiation()) {
        pg::append_negotiate_protocol_version(reply_, message.minor(), message.protocol_options);
    }
    cancel_key_form_ = message.minor() == pg::ProtocolMinor::two ? CancelKeyForm::long_form
                                                                 : CancelKeyForm::short_form;
    if (const auto replication = message.find("replication");
        !replication.empty() && replication != "false" && replication != "off" &&
        replication != "0" && replication != "no") {
        replication_ = replication;
    }
    auto parsed = pg::StartupSettings::from_parameters(message.parameters);
    if (!parsed) {
        std::string frame;
        pg::append_error(frame, pg::Severity::fatal, parsed.error().sqlstate, parsed.error().text);
        client_.refuse_with(RefusalReason::startup_parameter_invalid, std::move(frame));
        return;
    }
    settings_ = std::move(*parsed);
    for (const std::string& name : settings.ignore_startup_parameters)
        settings_.erase(name);
    if (settings.application_name_add_host) {
        std::string name(settings_.find("application_name").value_or("app"));
        name += " - " + peer_.text();
        settings_.set("application_name", name.substr(0, pg::name_bytes_max));
    }
}

bool PgLogin::ask_for_password() {
    const config::Postgres& settings = client_.worker().settings();
    const auto verdict = client_.worker().shared().login_guard.login_begins(
        net::client_address(peer_), client_.engine().now());
    if (verdict == LoginGuard::Verdict::blocked) {
        client_.refuse(RefusalReason::login_blocked);
        return false;
    }
    if (verdict == LoginGuard::Verdict::too_fast) {
        client_.refuse(RefusalReason::too_many_logins);
        return false;
    }
    stage_ = Stage::authenticating;
    if (peer_.is_unix() && settings.unix_peer_login && peer_is(user_)) {
        admitted();
        return false;
    }
    method_ = settings.auth;
    switch (method_) {
        case config::AuthMethod::trust:
            if (client_.worker().configuration().authenticator.admits_by_trust(user_)) {
                admitted();
            } else {
                login_failed();
            }
            return false;
        case config::AuthMethod::password:
            pg::append_authentication_cleartext_password(reply_);
            break;
        case config::AuthMethod::md5:
            if (client_.worker().configuration().authenticator.asks_for_scram(user_)) {
                method_ = config::AuthMethod::scram_sha_256;
                begin_scram();
                return true;
            }
            client_.worker().fill_random(md5_salt_);
            pg::append_authentication_md5_password(reply_, md5_salt_);
            break;
        case config::AuthMethod::scram_sha_256: begin_scram(); return true;
    }
    client_.send(reply_);
    reply_.clear();
    return true;
}

void PgLogin::begin_scram() {
    static constexpr std::array<std::string_view, 1> mechanisms{pg::scram_mechanism};
    pg::append_authentication_sasl(reply_, mechanisms);
    client_.send(reply_);
    reply_.clear();
    const Authenticator& authenticator = client_.worker().configuration().authenticator;
    auto user = pg::ScramUser::known;
    if (const auto known = authenticator.scram_verifier(user_)) {
        verifier_ = *known;
    } else {
        // Keys of a plain password are made when there is a proof to be checked. Before, whoever
        // asks is told the same, and after the same work, as of a user who does not exist.
        verifier_ = authenticator.mock_verifier(user_);
        keys_due_ = authenticator.plain_password_of(user_) != nullptr;
        if (!keys_due_) user = pg::ScramUser::unknown;
    }
    std::array<std::byte, pg::scram_nonce_random_bytes> random{};
    client_.worker().fill_random(random);
    scram_.emplace(verifier_, user, crypto::to_base64(random));
}

/// The client's proof has come, and stays where it is until there are keys to check it with.
void PgLogin::make_scram_keys() {
    keys_due_ = false;
    const Authenticator& authenticator = client_.worker().configuration().authenticator;
    const pg::PlainPassword* const password = authenticator.plain_password_of(user_);
    if (password == nullptr) return;  // A reload: nothing satisfies the verifier as it is.
    if (const auto known = authenticator.scram_verifier(user_)) {
        verifier_ = *known;
        return;
    }
    hashed_password_ = password->text;
    hash_later(crypto::Pbkdf2Sha256(wire::as_bytes(hashed_password_),
                                    wire::as_bytes(verifier_.salt), verifier_.iterations));
}

void PgLogin::hash_later(const crypto::Pbkdf2Sha256& hash) {
    Worker& worker = client_.worker();
    if (stage_ != Stage::hashing) asked_at_ = client_.engine().now();
    stage_ = Stage::hashing;
    worker.post([&worker, id = client_.id(), slot = client_.slot(), hash] {
        PgClient* const client = worker.find_client(slot, id);
        if (client != nullptr && client->login_) client->login_->advance_hash(hash);
    });
}

void PgLogin::advance_hash(crypto::Pbkdf2Sha256 hash) {
    if (client_.phase() != PgClient::Phase::login) return;
    if (!hash.advance(iterations_per_turn)) {
        hash_later(hash);
        return;
    }
    const pg::ScramClientKeys keys = pg::scram_client_keys(hash.digest());
    if (method_ == config::AuthMethod::password) {
        password_hashed(keys);
    } else {
        scram_keys_made(keys);
    }
}

void PgLogin::scram_keys_made(const pg::ScramClientKeys& keys) {
    const Authenticator& authenticator = client_.worker().configuration().authenticator;
    // A reload meanwhile may have given the user another secret, or none.
    const pg::PlainPassword* const password = authenticator.plain_password_of(user_);
    if (password != nullptr && password->text == hashed_password_) {
        verifier_ = pg::scram_verifier(keys, wire::as_bytes(verifier_.salt), verifier_.iterations);
        authenticator.remember(user_, verifier_);
    }
    hashed_password_.clear();
    stage_ = Stage::authenticating;
    proceed();
}

void PgLogin::password_hashed(const pg::ScramClientKeys& keys) {
    if (crypto::constant_time_equal(keys.server_key, verifier_.server_key)) {
        stage_ = Stage::entering;
        admitted();
    } else {
        login_failed();
    }
}

bool PgLogin::read_password() {
    const wire::Bytes bytes = client_.inbox_.bytes();
    if (bytes.size() < pg::frame_header_bytes) return false;
    const pg::FrameHeader header = pg::read_frame_header(bytes);
    const std::uint64_t bytes_max = client_.worker().settings().max_startup_bytes;
    if (header.type == static_cast<char>(pg::ClientMessage::Terminate)) {
        client_.leave("closed by client during login");
        return false;
    }
    if (!header.valid || header.type != static_cast<char>(pg::ClientMessage::PasswordMessage) ||
        header.body_bytes > bytes_max) {
        client_.refuse(RefusalReason::startup_invalid, "expected a password message");
        return false;
    }
    if (bytes.size() - pg::frame_header_bytes < header.body_bytes) return false;
    const wire::Bytes body = bytes.subspan(pg::frame_header_bytes, header.body_bytes);
    if (keys_due_ && scram_->awaits_proof()) {
        make_scram_keys();
        if (stage_ == Stage::hashing) return false;
    }
    if (scram_) {
        scram_received(body);
    } else {
        password_received(body);
    }
    if (client_.phase() == PgClient::Phase::leaving) return false;
    client_.inbox_.consume(pg::frame_header_bytes + header.body_bytes,
                           client_.worker().shared().buffers);
    if (stage_ == Stage::entering) {
        admitted();
        return false;  // The client may be on its way to another worker.
    }
    return client_.phase() == PgClient::Phase::login && stage_ == Stage::authenticating;
}

void PgLogin::password_received(wire::Bytes body) {
    std::string_view password;
    if (!pg::parse_password_message(body, password)) {
        client_.refuse(RefusalReason::startup_invalid, "invalid password message");
        return;
    }
    const Authenticator& authenticator = client_.worker().configuration().authenticator;
    const pg::StoredSecret* const secret = authenticator.secret_of(user_);
    bool right = false;
    if (method_ == config::AuthMethod::md5) {
        pg::Md5Secret md5;  // Of an unknown user: compared with, and never equal in the end.
        bool usable = false;
        if (secret != nullptr) {
            if (const auto* stored = std::get_if<pg::Md5Secret>(secret)) {
                md5 = *stored;
                usable = true;
            } else if (const auto* plain = std::get_if<pg::PlainPassword>(secret)) {
                md5 = pg::derive_md5_secret(plain->text, user_);
                usable = true;
            }
        }
        right = pg::md5_response_matches(md5, md5_salt_, password) && usable;
    } else {
        const auto* const verifier =
            secret == nullptr ? nullptr : std::get_if<pg::ScramVerifier>(secret);
        if (verifier != nullptr || (secret == nullptr && authenticator.holds_verifiers())) {
            const bool usable = verifier != nullptr && !password.empty();
            verifier_ = usable ? *verifier : authenticator.mock_verifier(user_);
            hash_later(crypto::Pbkdf2Sha256(wire::as_bytes(password),
                                            wire::as_bytes(verifier_.salt), verifier_.iterations));
            return;
        }
        const pg::StoredSecret nobody{pg::PlainPassword{std::string(password.size() + 1, 'x')}};
        right = pg::plain_password_matches(secret == nullptr ? nobody : *secret, user_, password) &&
                secret != nullptr && !password.empty();
    }
    if (right) {
        stage_ = Stage::entering;
    } else {
        login_failed();
    }
}

void PgLogin::scram_received(wire::Bytes body) {
    const pg::ScramServerStep step = scram_->message_received(body, reply_);
    switch (step.outcome) {
        case pg::ScramServerStep::Outcome::challenged:
            client_.send(reply_);
            reply_.clear();
            return;
        case pg::ScramServerStep::Outcome::verified: stage_ = Stage::entering; return;
        case pg::ScramServerStep::Outcome::failed: login_failed(); return;
        case pg::ScramServerStep::Outcome::violation:
            client_.refuse(RefusalReason::startup_invalid, step.text);
            return;
    }
}

void PgLogin::login_failed() {
    Worker& worker = client_.worker();
    const auto delay = worker.shared().login_guard.login_failed(net::client_address(peer_),
                                                                client_.engine().now());
    stage_ = Stage::delayed;
    // From when the client had said all: how long a hash took does not show.
    worker.engine().timers().arm(*this, asked_at_.value_or(worker.engine().now()) + delay);
}

void PgLogin::expired(net::TimePoint) {
    client_.refuse(RefusalReason::login_failed,
                   "password authentication failed for user \"" + user_ + "\"");
}

bool PgLogin::peer_is(const std::string& user) const {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(client_.fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(credentials.uid, &entry, buffer, sizeof buffer, &found) != 0) return false;
    return found != nullptr && user == found->pw_name;
}

}  // namespace sluice::server
