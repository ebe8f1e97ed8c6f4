// How a backend comes to be: hosts in their order, addresses of a host in theirs, the login.

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/net/socket_options.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <array>
#include <cerrno>
#include <system_error>

namespace sluice::server {

namespace {

/// PBKDF2 iterations between two looks at the other sockets: about 0.1 ms.
constexpr std::uint32_t iterations_per_turn = 512;

pg::BackendSecret secret_of(const config::PoolSettings& settings) {
    if (settings.server_password.empty()) return pg::NoSecret{};
    auto stored = pg::parse_stored_secret(settings.server_password.reveal());
    if (auto* plain = std::get_if<pg::PlainPassword>(&stored)) return std::move(*plain);
    if (auto* md5 = std::get_if<pg::Md5Secret>(&stored)) return *md5;
    return pg::NoSecret{};
}

std::string fresh_nonce() {
    std::array<std::byte, pg::scram_nonce_random_bytes> random{};
    SLUICE_ASSERT(crypto::random_bytes(random));
    return crypto::to_base64(random);
}

/// The body of an ErrorResponse in our own words.
std::string error_body(std::string_view text) {
    std::string frame;
    pg::append_error(frame, pg::Severity::fatal, "08006", text);
    return frame.substr(pg::frame_header_bytes);
}

pg::ProtocolMinor minor_of(const config::Postgres& settings) {
    return settings.max_protocol_version == config::ProtocolVersion::v3_2 ? pg::ProtocolMinor::two
                                                                          : pg::ProtocolMinor::zero;
}

/// Whether the server's refusal holds for every client of the pool, or may be gone in a moment.
pool::OpenFailure failure_of(std::string_view sqlstate) {
    const std::string_view error_class = sqlstate.substr(0, 2);
    // 28: invalid authorization; 3D: no such database; 42: no privilege to connect; 0A: asked for
    // something the server does not have. The rest (53 too many, 57 starting up) passes.
    const bool verdict =
        error_class == "28" || error_class == "3D" || error_class == "42" || error_class == "0A";
    return verdict ? pool::OpenFailure::rejected : pool::OpenFailure::unavailable;
}

}  // namespace

void PgBackend::connect() {
    task_ = Task::connecting;
    hosts_tried_ = 0;
    addresses_.clear();
    connect_error_.clear();
    try_next_host();
}

void PgBackend::reopen(ProfileRef profile) {
    close();
    startup_profile_ = std::move(profile);
    profile_ = {};
    session_ = {};
    inbox_.clear(shard_->worker().shared().buffers);
    connect();
}

void PgBackend::try_next_host() {
    const auto& hosts = shard_->settings().hosts;
    if (hosts_tried_ == hosts.size()) {
        connect_failed(connect_error_.empty() ? "no host" : connect_error_);
        return;
    }
    arm(shard_->worker().settings().server_connect_timeout);
    const std::uint32_t index =
        (shard_->pool().first_host() + hosts_tried_++) % static_cast<std::uint32_t>(hosts.size());
    const config::HostPort& host = hosts[index];
    if (host.host.starts_with('/')) {
        const auto path = host.host + "/.s.PGSQL." + std::to_string(host.port);
        if (const auto address = net::unix_address(path)) addresses_ = {*address};
        try_next_address();
        return;
    }
    if (const auto address = net::numeric_address(host.host, host.port)) {
        addresses_ = {*address};
        try_next_address();
        return;
    }
    // The answer comes from another thread, perhaps after this backend is gone.
    Worker& worker = shard_->worker();
    worker.shared().resolver.resolve(
        host.host, host.port,
        [&worker, entry = shard_->entry(), id = id_](std::vector<net::SocketAddress> found,
                                                     std::string error) {
            worker.post([&worker, entry, id, found = std::move(found), error = std::move(error)] {
                PgShard* const shard = worker.find_shard(entry.get());
                PgBackend* const backend = shard == nullptr ? nullptr : shard->find_backend(id);
                if (backend == nullptr || backend->task_ != Task::connecting) return;
                backend->addresses_ = found;
                if (!error.empty()) backend->connect_error_ = error;
                backend->try_next_address();
            });
        });
}

void PgBackend::try_next_address() {
    while (!addresses_.empty()) {
        address_ = addresses_.front();
        addresses_.erase(addresses_.begin());
        const int fd = engine().connect(address_);
        if (fd >= 0) {
            net::set_tcp_options(fd, shard_->worker().settings());
            open_connecting(fd);
            return;
        }
        connect_error_ = std::generic_category().message(errno);
    }
    try_next_host();
}

void PgBackend::connected() {
    task_ = Task::logging_in;
    ++attempt_;
    const config::PoolSettings& settings = shard_->settings();
    login_ = std::make_unique<pg::BackendLogin>(
        minor_of(shard_->worker().settings()), settings.server_user, settings.dbname,
        startup_profile_->settings, secret_of(settings), fresh_nonce());
    std::string out;
    login_->start(out);
    send(out);
}

void PgBackend::login_bytes(wire::Bytes bytes) {
    net::BufferBudget& buffers = shard_->worker().shared().buffers;
    if (!inbox_.append(bytes, buffers)) {
        connect_failed("buffer memory spent");
        return;
    }
    std::string out;
    while (login_ && inbox_.size() >= pg::frame_header_bytes) {
        const wire::Bytes kept = inbox_.bytes();
        const pg::FrameHeader header = pg::read_frame_header(kept);
        if (!header.valid || header.body_bytes > pg::login_frame_bytes_max) {
            connect_failed("the server sent an invalid message during login");
            return;
        }
        if (kept.size() - pg::frame_header_bytes < header.body_bytes) break;
        pg::BackendLogin::Step step = login_->frame_received(
            header.type, kept.subspan(pg::frame_header_bytes, header.body_bytes), out);
        const bool goes_on = login_step(std::move(step), out);
        if (!is_open()) return;
        inbox_.consume(pg::frame_header_bytes + header.body_bytes, buffers);
        if (!goes_on) break;
    }
    if (!out.empty()) send(out);
    if (login_) return;
    login_done();
}

bool PgBackend::login_step(pg::BackendLogin::Step step, std::string& out) {
    if (const auto* challenge = std::get_if<pg::BackendLogin::NeedScramKeys>(&step)) {
        if (const auto keys = shard_->pool().keys_for(*challenge)) {
            login_->scram_keys_derived(*keys, out);
        } else {
            derive_keys(*challenge);
        }
        return true;
    }
    if (std::holds_alternative<pg::BackendLogin::Ready>(step)) {
        statuses_ = std::move(login_->parameter_statuses());
        key_ = std::move(login_->backend_key());
        login_.reset();
        return false;
    }
    if (const auto* refused = std::get_if<pg::BackendLogin::Refused>(&step)) {
        const pg::ErrorFields fields = pg::parse_error_fields(refused->body);
        const pool::OpenFailure failure = failure_of(fields.sqlstate);
        if (failure == pool::OpenFailure::unavailable &&
            hosts_tried_ < shard_->settings().hosts.size()) {
            connect_failed(std::string(fields.message));
        } else {
            login_failed(std::string(wire::as_text(refused->body)), failure);
        }
        return false;
    }
    if (const auto* failed = std::get_if<pg::BackendLogin::Failed>(&step)) {
        login_failed(error_body(failed->text), pool::OpenFailure::rejected);
        return false;
    }
    return true;
}

void PgBackend::derive_keys(const pg::ScramChallenge& challenge) {
    const std::string& password = shard_->settings().server_password.reveal();
    const crypto::Pbkdf2Sha256 derivation(wire::as_bytes(password), wire::as_bytes(challenge.salt),
                                          challenge.iterations);
    advance_derivation(challenge, derivation);
}

void PgBackend::advance_derivation(const pg::ScramChallenge& challenge,
                                   crypto::Pbkdf2Sha256 derivation) {
    if (!derivation.advance(iterations_per_turn)) {
        Worker& worker = shard_->worker();
        worker.post([&worker, entry = shard_->entry(), id = id_, attempt = attempt_, challenge,
                     derivation] {
            PgShard* const shard = worker.find_shard(entry.get());
            PgBackend* const backend = shard == nullptr ? nullptr : shard->find_backend(id);
            if (backend == nullptr || !backend->login_ || backend->attempt_ != attempt) return;
            backend->advance_derivation(challenge, derivation);
        });
        return;
    }
    const pg::ScramClientKeys keys = pg::scram_client_keys(derivation.digest());
    shard_->pool().remember_keys(challenge, keys);
    std::string out;
    login_->scram_keys_derived(keys, out);
    send(out);
}

void PgBackend::login_done() {
    task_ = Task::ready;
    profile_ = startup_profile_;
    disarm();
    shard_->pool().profiles().learn(*profile_, statuses_);
    shard_->pool().remember_host((shard_->pool().first_host() + hosts_tried_ - 1) %
                                 static_cast<std::uint32_t>(shard_->settings().hosts.size()));
    log::info("backend opened", {{"backend", id_},
                                 {"database", shard_->settings().database},
                                 {"user", shard_->settings().user},
                                 {"address", address_.text()},
                                 {"process_id", key_.process_id}});
    set_affinity(profile_->id);
    // A notice behind the login's end, say.
    if (!inbox_.empty()) PgRelay::backend_received(*this, {});
    if (!is_open()) return;
    if (client_ != nullptr) {
        client_->backend_ready();
        return;
    }
    shard_->engine().opened(*this, shard_->worker().engine().now());
    shard_->perform_orders();
}

void PgBackend::connect_failed(std::string text) {
    if (hosts_tried_ < shard_->settings().hosts.size()) {
        close();
        login_.reset();
        inbox_.clear(shard_->worker().shared().buffers);
        task_ = Task::connecting;
        connect_error_ = std::move(text);
        addresses_.clear();
        try_next_host();
        return;
    }
    const std::string where =
        address_.size > 0 ? address_.text() : shard_->settings().hosts[0].host;
    login_failed(error_body("cannot connect to the database server at " + where + ": " + text),
                 pool::OpenFailure::unavailable);
}

void PgBackend::login_failed(std::string body, pool::OpenFailure failure) {
    const pg::ErrorFields fields = pg::parse_error_fields(wire::as_bytes(body));
    log::warning("backend cannot be opened", {{"backend", id_},
                                              {"database", shard_->settings().database},
                                              {"user", shard_->settings().user},
                                              {"sqlstate", fields.sqlstate},
                                              {"error", fields.message}});
    shard_->pool().remember_error(body);
    close();
    disarm();
    login_.reset();
    const net::TimePoint now = shard_->worker().engine().now();
    PgShard& shard = *shard_;
    if (PgClient* const client = client_; client != nullptr) {
        // It was being opened anew for one client: the failure is that client's alone.
        std::string frame;
        wire::Writer(frame)
            .begin_frame(static_cast<char>(pg::BackendMessage::ErrorResponse))
            .raw(body)
            .end_frame();
        client->refuse_with(RefusalReason::backend_rejected, std::move(frame));
    } else {
        shard.engine().open_failed(*this, failure, now);
        shard.engine().closed(*this, now);
        shard.bury(*this);
    }
    shard.perform_orders();
}

}  // namespace sluice::server
