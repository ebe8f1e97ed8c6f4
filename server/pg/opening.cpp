#include "server/pg/opening.hpp"

#include "server/net/socket_options.hpp"
#include "server/pg/pool.hpp"
#include "server/refusal.hpp"
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

std::string error_body(RefusalReason reason) {
    std::string frame;
    append_refusal(frame, reason);
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

PgOpening::PgOpening(Owner& owner, Worker& worker, std::shared_ptr<pool::PoolEntry> entry,
                     pg::StartupSettings startup)
    : owner_(owner),
      worker_(worker),
      entry_(std::move(entry)),
      pool_(static_cast<PgPool&>(*entry_->attachment)),
      id_(worker.next_id()),
      startup_(std::move(startup)) {
    worker_.opening_begins(id_, *this);
}

PgOpening::~PgOpening() {
    stop();
    inbox_.clear(worker_.shared().buffers);
}

void PgOpening::stop() noexcept {
    disarm();
    worker_.opening_ends(id_);
}

void PgOpening::begin() {
    try_next_host();
}

void PgOpening::arm() {
    const config::Duration timeout = worker_.settings().server_connect_timeout;
    if (timeout.count() == 0) {
        disarm();
    } else {
        worker_.engine().timers().arm(*this, worker_.engine().now() + timeout);
    }
}

void PgOpening::expired(net::TimePoint) {
    // Each host has its own time, and one that hangs gives way to the next.
    connect_error_ = "timed out";
    owner_.socket().close();
    login_.reset();
    inbox_.clear(worker_.shared().buffers);
    addresses_.clear();
    try_next_host();
}

void PgOpening::try_next_host() {
    const auto& hosts = pool_.settings().hosts;
    if (hosts_tried_ == hosts.size()) {
        failed(connect_error_.empty() ? "no host" : connect_error_);
        return;
    }
    arm();
    const std::uint32_t index =
        (pool_.first_host() + hosts_tried_++) % static_cast<std::uint32_t>(hosts.size());
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
    // The answer comes from another thread, perhaps after this is gone.
    worker_.shared().resolver.resolve(
        host.host, host.port,
        [&worker = worker_, id = id_](std::vector<net::SocketAddress> found, std::string error) {
            worker.post([&worker, id, found = std::move(found), error = std::move(error)] {
                PgOpening* const opening = worker.find_opening(id);
                if (opening != nullptr) opening->resolved(found, error);
            });
        });
}

void PgOpening::resolved(const std::vector<net::SocketAddress>& found, const std::string& error) {
    if (login_ || owner_.socket().is_open()) return;  // A later host is being tried already.
    addresses_ = found;
    if (!error.empty()) connect_error_ = error;
    try_next_address();
}

void PgOpening::try_next_address() {
    while (!addresses_.empty()) {
        address_ = addresses_.front();
        addresses_.erase(addresses_.begin());
        const int fd = worker_.engine().connect(address_);
        if (fd >= 0) {
            net::set_tcp_options(fd, worker_.settings());
            owner_.socket().open_connecting(fd);
            return;
        }
        if (net::Engine::out_of_files(errno)) {
            // It is not the database's fault.
            ended_badly(error_body(RefusalReason::out_of_files),
                        pool::OpenFailure::short_of_resources);
            return;
        }
        connect_error_ = std::generic_category().message(errno);
    }
    try_next_host();
}

void PgOpening::connected() {
    ++attempt_;
    const config::PoolSettings& settings = pool_.settings();
    login_ = std::make_unique<pg::BackendLogin>(minor_of(worker_.settings()), settings.server_user,
                                                settings.dbname, startup_, secret_of(settings),
                                                fresh_nonce());
    if (!replication_.empty()) login_->ask_for_replication(replication_);
    std::string out;
    login_->start(out);
    owner_.socket().send(out);
}

void PgOpening::ended(int error) {
    if (login_) {
        failed("the server closed the connection during login");
    } else {
        connect_error_ = std::generic_category().message(error);
        try_next_address();
    }
}

void PgOpening::received(wire::Bytes bytes) {
    net::BufferBudget& buffers = worker_.shared().buffers;
    net::Stream& socket = owner_.socket();
    if (!inbox_.append(bytes, buffers)) {
        failed("buffer memory spent");
        return;
    }
    std::string out;
    bool done = false;
    while (!done && inbox_.size() >= pg::frame_header_bytes) {
        const wire::Bytes kept = inbox_.bytes();
        const pg::FrameHeader header = pg::read_frame_header(kept);
        if (!header.valid || header.body_bytes > pg::login_frame_bytes_max) {
            failed("the server sent an invalid message during login");
            return;
        }
        if (kept.size() - pg::frame_header_bytes < header.body_bytes) break;
        pg::BackendLogin::Step step = login_->frame_received(
            header.type, kept.subspan(pg::frame_header_bytes, header.body_bytes), out);
        done = !login_step(std::move(step), out);
        if (!socket.is_open()) return;
        inbox_.consume(pg::frame_header_bytes + header.body_bytes, buffers);
    }
    if (!out.empty()) socket.send(out);
    if (!done) return;
    disarm();
    pool_.remember_host((pool_.first_host() + hosts_tried_ - 1) %
                        static_cast<std::uint32_t>(pool_.settings().hosts.size()));
    owner_.opened();
}

bool PgOpening::login_step(pg::BackendLogin::Step step, std::string& out) {
    if (const auto* challenge = std::get_if<pg::BackendLogin::NeedScramKeys>(&step)) {
        if (const auto keys = pool_.keys_for(*challenge)) {
            login_->scram_keys_derived(*keys, out);
        } else {
            derive_keys(*challenge);
        }
        return true;
    }
    if (std::holds_alternative<pg::BackendLogin::Ready>(step)) {
        statuses_ = std::move(login_->parameter_statuses());
        key_ = std::move(login_->backend_key());
        notices_ = std::move(login_->notices());
        login_.reset();
        return false;
    }
    if (const auto* refused = std::get_if<pg::BackendLogin::Refused>(&step)) {
        const pg::ErrorFields fields = pg::parse_error_fields(refused->body);
        const pool::OpenFailure failure = failure_of(fields.sqlstate);
        if (failure == pool::OpenFailure::unavailable &&
            hosts_tried_ < pool_.settings().hosts.size()) {
            failed(std::string(fields.message));
        } else {
            ended_badly(std::string(wire::as_text(refused->body)), failure);
        }
        return false;
    }
    if (const auto* ended = std::get_if<pg::BackendLogin::Failed>(&step)) {
        ended_badly(error_body(ended->text), pool::OpenFailure::rejected);
        return false;
    }
    return true;
}

void PgOpening::derive_keys(const pg::ScramChallenge& challenge) {
    const std::string& password = pool_.settings().server_password.reveal();
    const crypto::Pbkdf2Sha256 derivation(wire::as_bytes(password), wire::as_bytes(challenge.salt),
                                          challenge.iterations);
    advance_derivation(challenge, derivation);
}

void PgOpening::advance_derivation(const pg::ScramChallenge& challenge,
                                   crypto::Pbkdf2Sha256 derivation) {
    if (!derivation.advance(iterations_per_turn)) {
        worker_.post([&worker = worker_, id = id_, attempt = attempt_, challenge, derivation] {
            PgOpening* const opening = worker.find_opening(id);
            if (opening == nullptr || !opening->login_ || opening->attempt_ != attempt) return;
            opening->advance_derivation(challenge, derivation);
        });
        return;
    }
    const pg::ScramClientKeys keys = pg::scram_client_keys(derivation.digest());
    pool_.remember_keys(challenge, keys);
    std::string out;
    login_->scram_keys_derived(keys, out);
    owner_.socket().send(out);
}

void PgOpening::failed(std::string text) {
    if (hosts_tried_ < pool_.settings().hosts.size()) {
        owner_.socket().close();
        login_.reset();
        inbox_.clear(worker_.shared().buffers);
        connect_error_ = std::move(text);
        addresses_.clear();
        try_next_host();
        return;
    }
    const std::string where = address_.size > 0 ? address_.text() : pool_.settings().hosts[0].host;
    ended_badly(error_body("cannot connect to the database server at " + where + ": " + text),
                pool::OpenFailure::unavailable);
}

void PgOpening::ended_badly(std::string error_body, pool::OpenFailure failure) {
    disarm();
    pool_.remember_error(error_body);
    owner_.socket().close();
    login_.reset();
    owner_.not_opened(std::move(error_body), failure);
}

}  // namespace sluice::server
