#pragma once

#include "protocol/pg/backend_login.hpp"
#include "protocol/pg/backend_session.hpp"

#include "pool/backend.hpp"

#include "server/net/address.hpp"
#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/pg/opening.hpp"
#include "server/pg/profile.hpp"
#include "server/snapshot.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::server {

class CancelCall;
struct SessionInquiry;
class PgClient;
class PgShard;

/// One connection to a database server: opens it, keeps it clean, and carries its conversation.
///
///     opening -> ready <-> (checking | resetting | recovering)
///
/// `ready` covers idle and leased; the pool's own state says which. While leased, what the client
/// sends and gets passes through PgRelay.
///
/// Owned by its shard. Confined to: the shard's worker; travels between workers only while idle.
class PgBackend final : public net::Stream,
                        public pool::Backend,
                        private net::Timer,
                        private PgOpening::Owner {
  public:
    enum class Task : std::uint8_t { opening, ready, checking, resetting, recovering };

    PgBackend(PgShard& shard, ProfileRef profile, std::uint64_t id);
    ~PgBackend() override;

    /// Begins to connect, to the hosts in their order.
    void connect();
    /// Sends the check query, or the reset query; the shard is told the result.
    void check();
    void reset();
    /// Inside a lease: connects anew with the client's own profile in the startup packet.
    void reopen(ProfileRef profile);
    /// Puts the settings of `profile` before whatever is sent next; their replies go to nobody.
    /// What some settings refuse may do in another way or on a new connection: both are tried.
    void apply_profile(ProfileRef profile);
    /// Likewise, so that it stands in a failed transaction block; until then requests wait.
    void make_failed_block();
    /// Whether requests may be sent right behind what this program asks for itself.
    enum class Followers : std::uint8_t { go, wait };

    /// Asks what its session holds; the relay is told.
    void inquire(std::string_view sql, std::unique_ptr<SessionInquiry> inquiry,
                 Followers followers);
    [[nodiscard]] bool inquiring() const noexcept { return inquiry_ != nullptr; }
    /// Its session is known to have these settings now.
    void assume_profile(ProfileRef profile);
    /// The client is gone: ends the conversation so that the backend may be used again.
    void recover(pool::Outcome outcome_when_clean);
    /// Asks the server to cancel what runs. False when it cannot be asked.
    bool cancel_running(std::function<void()> done = {});
    void cancel_finished(CancelCall& call, bool certain);
    /// Is not read while its client does not take what was read before.
    void wait_for_reader();
    void reader_caught_up() {
        if (reception_paused()) read_on();
    }
    /// Why it is not free although it has nothing to do, if that is so.
    [[nodiscard]] std::optional<Hold> hold() const noexcept;
    [[nodiscard]] net::TimePoint reader_slow_since() const noexcept { return reader_slow_since_; }
    /// Ends its lease with the pool, cleaning up first where the outcome asks for it.
    void give_back(pool::Outcome outcome);
    /// The peer closed or broke: leaves the pool's books.
    void lose();
    /// By the pool's order: says farewell, closes and leaves the books.
    void shut();
    void move_to(PgShard& shard) noexcept;

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] Task task() const noexcept { return task_; }
    [[nodiscard]] PgClient* client() const noexcept { return client_; }
    [[nodiscard]] const pg::BackendKey& key() const noexcept { return key_; }
    [[nodiscard]] const net::SocketAddress& address() const noexcept { return address_; }
    [[nodiscard]] pg::BackendSession& session() noexcept { return session_; }
    [[nodiscard]] const PgProfile* profile() const noexcept { return profile_.get(); }
    /// This client may have made settings that nobody knows of.
    void keep_settings_for(std::uint64_t client) noexcept { settings_of_ = client; }
    /// Another than the client for which they are kept goes by nothing of what is in force.
    void lend_settings_to(std::uint64_t client) noexcept {
        if (settings_of_ == 0 || settings_of_ == client) return;
        settings_of_ = 0;
        profile_ = {};
    }
    [[nodiscard]] bool started_with(const PgProfile& profile) const noexcept {
        return startup_profile_.get() == &profile && profile_.get() == &profile;
    }
    [[nodiscard]] const pg::ParameterStatuses& statuses() const noexcept { return statuses_; }
    [[nodiscard]] bool cancel_in_flight() const noexcept { return !cancels_.empty(); }
    /// It has other settings than its client is to have, and can be given those.
    [[nodiscard]] bool drifted_from(const ProfileRef& profile) const noexcept {
        return profile_ != profile && !applying_ && !inquiry_ && session_.releasable();
    }
    /// Its client's next request must wait: for settings that may yet be refused, or for a cancel
    /// that would hit that request instead of the one it was meant for.
    [[nodiscard]] bool holds_requests() const noexcept {
        return ((applying_ || inquiry_) && followers_ == Followers::wait) || failing_block_ ||
               draining_ || (cancel_in_flight() && session_.releasable());
    }
    [[nodiscard]] PgShard& shard() const noexcept { return *shard_; }
    /// The client has a part of a frame; the replies to settings being applied are not for it.
    [[nodiscard]] bool within_client_frame() const noexcept {
        return session_.within_frame() && !applying_ && !failing_block_ && !draining_ && !inquiry_;
    }
    /// Nothing of a reply is half read, so the next byte begins a frame.
    [[nodiscard]] bool input_settled() const noexcept { return inbox_.empty(); }

  private:
    friend class PgRelay;

    /// In what way settings are put on. Where one is refused, another may do.
    enum class Attempt : std::uint8_t {
        difference,      ///< From what is in force.
        at_once,         ///< Back to the start and on from there, in one request.
        cleaning,        ///< First back to the start, for which PostgreSQL asks for no right.
        settings_first,  ///< From the start, as the one who logged in; then the role.
        role_first,      ///< The role first: it may be what gives the right to the others.
        opening_anew,    ///< A session that has done nothing yet refuses less.
    };

    void received(wire::Bytes bytes) override;
    void output_drained() override;
    void connected() override;
    void ended(int error) override;
    void expired(net::TimePoint now) override;

    [[nodiscard]] net::Stream& socket() noexcept override { return *this; }
    void opened() override;
    void not_opened(std::string error_body, pool::OpenFailure failure) override;
    void end_opening();
    void settle_wanted_cancels();
    void private_query(std::string_view sql,
                       pg::OwedReply owed = {pg::Owed::query, pg::Audience::nobody});
    void private_row(wire::Bytes body);
    void private_noticed(wire::Bytes frame);
    void private_ready();
    void private_failed(wire::Bytes error_body);
    void try_settings();
    void settings_applied();
    void settings_refused(const pg::ErrorFields& error);
    [[nodiscard]] std::optional<Attempt> attempt_behind() const;
    void failed_block_answered();
    void read_on();
    void parameter_received(wire::Bytes body);
    void advance();
    void advance_recovery();
    void cancel_abandoned();
    void arm(net::Duration timeout);

    PgShard* shard_;
    const std::uint64_t id_;
    ProfileRef startup_profile_;     ///< What its startup packet carried; RESET returns to it.
    ProfileRef profile_;             ///< What is in force now; empty when that is unknown.
    std::uint64_t settings_of_ = 0;  ///< The client that may have others besides; 0: none.
    ProfileRef applying_;
    Followers followers_ = Followers::go;
    Attempt attempt_ = Attempt::difference;  ///< While applying.
    std::optional<Attempt> next_attempt_;    ///< The one under way has been refused.
    bool opened_anew_ = false;               ///< For the settings being applied.
    bool draining_ = false;       ///< What it says is stored for its client; see PortalSpool.
    bool failing_block_ = false;  ///< It has been asked for a failed block and has not answered.
    std::unique_ptr<SessionInquiry> inquiry_;
    /// Who asked for a cancel while settings were being applied: they come first.
    std::vector<std::function<void()>> cancels_wanted_;
    PgClient* client_ = nullptr;
    pg::BackendSession session_;
    std::unique_ptr<PgOpening> opening_;  ///< Only in task opening.
    net::Inbox inbox_;
    net::SocketAddress address_;
    pg::BackendKey key_;
    pg::ParameterStatuses statuses_;
    std::vector<CancelCall*> cancels_;
    Task task_ = Task::opening;
    pool::Outcome recovered_outcome_ = pool::Outcome::clean;
    net::TimePoint reader_slow_since_;  ///< While reception is paused.
    net::TimePoint recovery_deadline_;
    std::size_t recovery_owed_ = 0;  ///< Replies owed when the last cancel was sent.
};

}  // namespace sluice::server
