#pragma once

#include "protocol/pg/client_session.hpp"

#include "pool/waiter.hpp"

#include "config/resolve.hpp"

#include "server/client_budgets.hpp"
#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/pg/cancel_key.hpp"
#include "server/pg/profile.hpp"
#include "server/refusal.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice::server {

class PgBackend;
class PgConsole;
class PgListening;
class PgLogin;
class PgReplication;
class PgShard;
struct PortalSpool;
class Worker;

/// One client of the PostgreSQL side, from accept to close.
///
///     login -> idle <-> waiting -> active -> idle ...            -> leaving
///           -> console, replicating                              -> leaving
///
/// What only a login needs lives in PgLogin, and what only the console needs in PgConsole, so that
/// the object stays small: an idle client is a socket and this.
///
/// Owned by its worker. Confined to: its worker; moves to another one at most once, in its login.
class PgClient final : public net::Stream, public pool::Waiter, private net::Timer {
  public:
    enum class Phase : std::uint8_t { login, idle, waiting, active, console, replicating, leaving };
    /// Whether last words were just sent, which a close that comes too soon could overtake.
    enum class Farewell : std::uint8_t { none, sent };

    PgClient(Worker& worker, std::uint64_t id);
    ~PgClient() override;

    /// Takes over an accepted socket.
    void begin(int fd, const net::SocketAddress& peer);

    // Told by the pool.
    void granted(PgBackend& backend);
    void refused(pool::Refused reason);
    /// The backend has logged in, or has the client's settings now: a login may be waiting for it.
    void backend_ready();
    /// What held its requests back is over.
    void go_on();

    // Told by the login.
    /// Counts it among all clients, and later among its user's and its database's; each refuses it
    /// and returns false where the limit is reached. `reserve`: places beyond `max_clients`.
    bool take_place(std::uint32_t reserve);
    bool take_permits(const config::PoolSettings& settings);
    void enter(PgShard& shard, ProfileRef profile);
    void become_ready();
    void become_console(std::unique_ptr<PgConsole> console);
    void begin_replication(std::unique_ptr<PgReplication> replication);
    void become_replicating();

    /// Its backend is preparing what its next request relies on.
    [[nodiscard]] bool prepares_apart() const noexcept;
    /// Sends the refusal and, if its severity is fatal, leaves.
    void refuse(RefusalReason reason, std::string_view text = {}, std::string_view detail = {});
    /// Sends a server's own error as the last word.
    void refuse_with(RefusalReason counted_as, std::string_view frame);
    /// Ends this client: gives up its place or its backend, closes its socket behind what has been
    /// sent. Nothing may be asked of it afterwards.
    void leave(std::string_view why, Farewell farewell = Farewell::none);
    /// Shutdown: leaves now when it holds nothing, else when its transaction ends.
    void drain();

    /// Wants the cancel key's owner's query cancelled.
    void cancel_requested(const std::function<void()>& done);

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] Worker& worker() const noexcept { return *worker_; }
    [[nodiscard]] PgShard* shard() const noexcept { return shard_; }
    [[nodiscard]] PgBackend* backend() const noexcept { return backend_; }
    [[nodiscard]] const ProfileRef& profile() const noexcept { return profile_; }
    [[nodiscard]] const pg::ClientSession& session() const noexcept { return session_; }
    [[nodiscard]] PgConsole* console() const noexcept { return console_.get(); }
    [[nodiscard]] PgListening* listening() const noexcept { return listening_.get(); }
    [[nodiscard]] PgLogin* login() const noexcept { return login_.get(); }
    [[nodiscard]] std::uint32_t cancel_process_id() const noexcept { return cancel_process_id_; }
    [[nodiscard]] std::uint32_t cancel_secret() const noexcept { return cancel_secret_; }
    [[nodiscard]] CancelKeyForm cancel_key_form() const noexcept { return cancel_key_form_; }
    void set_cancel_key(std::uint32_t process_id, std::uint32_t secret,
                        CancelKeyForm form) noexcept {
        cancel_process_id_ = process_id;
        cancel_secret_ = secret;
        cancel_key_form_ = form;
    }
    [[nodiscard]] net::TimePoint since() const noexcept { return since_; }
    [[nodiscard]] net::TimePoint accepted_at() const noexcept { return accepted_at_; }
    [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }

  private:
    friend class PgListening;
    friend class PgLogin;
    friend class PgRelay;
    friend class Worker;

    void received(wire::Bytes bytes) override;
    void output_drained() override;
    void ended(int error) override;
    void expired(net::TimePoint now) override;

    void set_phase(Phase phase) noexcept;
    void arm_timer();
    [[nodiscard]] std::optional<net::TimePoint> deadline() const;
    void query_timed_out();
    void set_spooled(std::size_t bytes) noexcept;
    void drop_portal() noexcept;
    void refuse_with_shutdown();
    void make_listening();
    void give_back_permits();

    Worker* worker_;
    PgShard* shard_ = nullptr;
    PgBackend* backend_ = nullptr;
    ProfileRef profile_;        ///< In force for it. Empty before a login has found its pool.
    ProfileRef start_profile_;  ///< What it brought.
    std::unique_ptr<PortalSpool> portal_;         ///< While a portal is read ahead, or has been.
    std::unique_ptr<PgLogin> login_;              ///< Only in phase login.
    std::unique_ptr<PgReplication> replication_;  ///< While it begins and in its phase.
    std::unique_ptr<PgConsole> console_;          ///< Only in phase console.
    std::unique_ptr<PgListening> listening_;  ///< Only of a client that has to do with channels.
    pg::ClientSession session_;
    net::Inbox inbox_;
    ClientBudgets::Named* user_permit_ = nullptr;      ///< Of its user's clients.
    ClientBudgets::Named* database_permit_ = nullptr;  ///< Of its database's.
    std::uint64_t id_;
    net::TimePoint accepted_at_;
    net::TimePoint since_{};  ///< Of the phase; in active: of the last change of hands.
    net::TimePoint lease_since_{};
    net::TimePoint transaction_since_{};  ///< Of the lease, or of its last end of a transaction.
    std::uint32_t cancel_process_id_ = 0;
    std::uint32_t cancel_secret_ = 0;
    std::uint32_t slot_ = 0;           ///< Its place in the worker's table.
    std::uint32_t spooled_bytes_ = 0;  ///< Unsent when its last backend was given back.
    std::uint32_t line_position_ = 0;  ///< How many waited when it came, itself included.
    Phase phase_ = Phase::login;
    CancelKeyForm cancel_key_form_ = CancelKeyForm::short_form;
    bool cancelled_by_timeout_ = false;
    bool has_place_ = false;          ///< Of all clients.
    std::uint16_t pins_counted_ = 0;  ///< The session's pins that the shard's counters know of.
    net::TimePoint pinned_since_{};   ///< While there are any.
};

}  // namespace sluice::server
