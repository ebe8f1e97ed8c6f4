#pragma once

#include "protocol/crypto.hpp"
#include "protocol/pg/password.hpp"
#include "protocol/pg/scram_server.hpp"
#include "protocol/pg/startup.hpp"
#include "protocol/pg/startup_settings.hpp"

#include "pool/registry.hpp"

#include "config/settings.hpp"

#include "server/net/address.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/pg/cancel_key.hpp"
#include "server/refusal.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sluice::server {

class PgBackend;
class PgClient;
class PgShard;

/// What happens between accept and the first ReadyForQuery, and what must be remembered only for
/// so long:
///
///     startup -> authenticating (-> deriving) -> entering -> done
///                      `-> delayed refusal          `-> waits for a backend, if one is needed
///
/// The client may move to another worker in `entering`, since its pool's shard may live there.
///
/// Owned by its client. Confined to: the client's worker.
class PgLogin final : private net::Timer {
  public:
    PgLogin(PgClient& client, const net::SocketAddress& peer);
    ~PgLogin() override;

    /// More has arrived in the client's inbox.
    void proceed();
    /// Goes on at the worker where the client's shard is.
    void enter_shard(const std::shared_ptr<pool::PoolEntry>& entry);
    /// The pool granted a backend, or the backend has done what it was asked for.
    void granted(PgBackend& backend);
    void backend_ready();
    /// The client's settings are being tried on its backend, once more perhaps.
    void settings_tried() { notices_.emplace(); }
    /// A whole NoticeResponse, what the server has to say of them.
    void settings_noticed(wire::Bytes frame);
    /// All of those, for a refusal of the settings to stand behind: clients understand them only
    /// behind AuthenticationOk, so it stands in front. Empty where there is none.
    [[nodiscard]] std::string take_notices();

    [[nodiscard]] const std::string& user() const noexcept { return user_; }
    [[nodiscard]] const std::string& database() const noexcept { return database_; }

  private:
    enum class Stage : std::uint8_t {
        startup,
        authenticating,
        hashing,     ///< A password is being hashed: the user's own, or one that a client sent.
        delayed,     ///< The password was wrong; the answer is held back.
        cancelling,  ///< A CancelRequest is on its way.
        entering,    ///< Admitted; waits for its shard or a backend.
    };

    void expired(net::TimePoint now) override;

    /// Each returns false when nothing more can be done before more bytes arrive.
    bool read_startup();
    bool read_password();
    void encryption_asked(std::size_t packet_bytes);
    void cancel_asked(const pg::CancelRequest& request);
    void startup_received(const pg::StartupMessage& message);
    /// By trust, the login may be over, and the client elsewhere, when it returns.
    bool ask_for_password();
    void begin_scram();
    void make_scram_keys();
    /// In slices, each in a turn of its own and the first not at once, for what the hash ends with
    /// may move the client to another worker.
    void hash_later(const crypto::Pbkdf2Sha256& hash);
    void advance_hash(crypto::Pbkdf2Sha256 hash);
    void scram_keys_made(const pg::ScramClientKeys& keys);
    void password_hashed(const pg::ScramClientKeys& keys);
    void password_received(wire::Bytes body);
    void scram_received(wire::Bytes body);
    void login_failed();
    void admitted();
    void refuse_database();
    void begin_replication(std::shared_ptr<pool::PoolEntry> entry);
    /// To the worker that has a shard of this pool; perhaps it is here.
    void go_to_pool(const std::shared_ptr<pool::PoolEntry>& entry);
    /// Sends what ends the login. False, with nothing sent, when the parameters are not known.
    bool finish();
    [[nodiscard]] bool peer_is(const std::string& user) const;

    PgClient& client_;
    const net::SocketAddress peer_;
    Stage stage_ = Stage::startup;
    bool encryption_refused_[2] = {false, false};  ///< SSLRequest, GSSENCRequest: each once.
    std::string user_;
    std::string database_;
    std::string replication_;  ///< The startup parameter; empty: an ordinary connection.
    pg::StartupSettings settings_;
    config::AuthMethod method_ = config::AuthMethod::trust;
    pg::Md5Salt md5_salt_{};
    pg::ScramVerifier verifier_;   ///< While hashing, its salt and iterations are those used.
    std::string hashed_password_;  ///< The user's own, from which keys are being made.
    std::optional<pg::ScramServer> scram_;
    bool keys_due_ = false;                   ///< The verifier has a salt, and no keys yet.
    std::optional<net::TimePoint> asked_at_;  ///< When a hash was wanted.
    CancelKeyForm cancel_key_form_ = CancelKeyForm::short_form;
    std::optional<std::string> notices_;  ///< Of the last try of the settings.
    std::string reply_;                   ///< Collected, so that one send answers a step.
};

}  // namespace sluice::server
