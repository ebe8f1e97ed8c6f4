#pragma once

#include "protocol/pg/listening_session.hpp"

#include "pool/registry.hpp"

#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/pg/opening.hpp"
#include "server/snapshot.hpp"

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::server {

/// What one connection can listen to: a database of a server, in the encoding its clients have.
struct ListeningKey {
    std::string database;  ///< Hosts, ports and the name there.
    std::string encoding;  ///< As the server reports it.
    auto operator<=>(const ListeningKey&) const = default;
};

/// What a client of some worker wants of a listening backend.
struct ListenOrder {
    unsigned worker = 0;
    std::uint32_t slot = 0;  ///< Of the client, on its worker.
    std::uint64_t client = 0;
    std::uint32_t serial = 0;  ///< Of the order, among the client's.
    std::string channel;       ///< Empty: a barrier.
    std::shared_ptr<pool::PoolEntry> entry;
};

/// The one connection that listens to a database, for all clients of all workers: outside of the
/// pools, within the bounds on the database's backends and the process'.
///
///     resting -> opening -> listening -> (lost) -> opening ...
///                  ^-- pausing <-- not opened, or lost soon and not for the first time
///
/// It logs in as the user of whoever asked last: LISTEN asks for no right but to connect. It is
/// told of no client, only of workers that have some. A lost connection is opened anew and listens
/// to everything again; then the workers are told, for what was notified meanwhile is lost.
///
/// Owned by its worker's ListeningBackends. Confined to: that worker, its home.
class ListeningBackend final : public net::Stream, private net::Timer, private PgOpening::Owner {
  public:
    ListeningBackend(Worker& home, ListeningKey key);
    ~ListeningBackend() override;

    /// Its worker counts among the listeners of the channel when the client is told that it is so.
    void listen(ListenOrder order);
    void unlisten(unsigned worker, const std::string& channel);
    /// The worker has cut off all that listened to the channel when it was told to.
    void overrun_ended(unsigned worker, const std::string& channel);
    /// Answered when what was committed before has been heard, at once when nobody listens here.
    void barrier(const ListenOrder& order);

    enum class Phase : std::uint8_t { resting, pausing, opening, listening };
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] std::size_t channel_count() const noexcept { return channels_.size(); }

  private:
    struct Place {
        std::uint32_t listeners = 0;
        /// More was notified than the worker took: its listeners are being cut off, and it is told
        /// nothing and gets no others meanwhile.
        bool overrun = false;
    };
    struct Channel {
        std::vector<Place> places;    ///< By worker.
        std::uint32_t listening = 0;  ///< In all.
        std::uint32_t pending = 0;    ///< Orders sent and not answered.
    };
    /// What the answer to a request is for.
    struct Request {
        enum class Kind : std::uint8_t { order, barriers, restored, nobody };
        Kind kind = Kind::nobody;
        ListenOrder order;
    };

    [[nodiscard]] net::Stream& socket() noexcept override { return *this; }
    void opened() override;
    void not_opened(std::string error_body, pool::OpenFailure failure) override;
    void connected() override;
    void received(wire::Bytes bytes) override;
    void output_drained() override {}
    void ended(int error) override;
    void expired(net::TimePoint now) override;

    void open();
    void end_opening();
    void drop();
    void lost(std::string_view why);
    void overdue();
    void pause(net::Duration time);
    /// Sends what `session_` has just written.
    void ask(std::string_view requests);
    void keep_time();
    void send_listen(ListenOrder order);
    void send_barrier();
    void release_barriers(std::vector<ListenOrder> barriers);
    void event_came(pg::ListeningSession::Event& event);
    void answered(Request request);
    void listen_refused(ListenOrder order, const std::string& error_body);
    void notified(const pg::Notification& notification);
    void post_notification(unsigned worker, const std::string& channel, Place& place,
                           const std::string& frame);
    void refuse_waiting(const std::string& error_body);
    void leave_channel(const std::string& name);
    [[nodiscard]] std::uint64_t ticket_of(Request request);
    [[nodiscard]] bool take_permit();
    void give_back_permit();
    /// On that worker, with its board of channels.
    template <typename Task>
    void tell(unsigned worker, Task task);

    Worker& home_;
    const ListeningKey key_;
    std::shared_ptr<pool::PoolEntry> entry_;   ///< Of the last order.
    std::shared_ptr<pool::PoolEntry> permit_;  ///< Whose budgets hold a permit for it; or null.
    std::unique_ptr<PgOpening> opening_;
    pg::ListeningSession session_;
    net::Inbox inbox_;
    std::map<std::string, Channel, std::less<>> channels_;
    std::deque<ListenOrder> waiting_;  ///< For the connection.
    std::unordered_map<std::uint64_t, Request> requests_;
    std::vector<ListenOrder> barriers_sent_;
    std::vector<ListenOrder> barriers_next_;  ///< They share the next request.
    std::uint64_t last_ticket_ = 0;
    std::string last_error_;  ///< The body of an ErrorResponse: why nobody waits while it pauses.
    net::TimePoint opened_at_;
    std::optional<net::TimePoint> asked_at_;  ///< Or when the last answer came; none is owed.
    std::uint32_t permit_tries_ = 0;
    std::uint32_t failures_ = 0;      ///< To open, in a row.
    std::uint32_t early_losses_ = 0;  ///< Likewise, soon after it was opened.
    bool was_lost_ = false;           ///< And nobody has been told yet.
    Phase phase_ = Phase::resting;
};

/// The listening backends that have their home on one worker.
///
/// Owned by the worker. Confined to: it.
class ListeningBackends {
  public:
    explicit ListeningBackends(Worker& worker) : worker_(worker) {}

    [[nodiscard]] ListeningBackend& of(const ListeningKey& key);
    /// Of the database in every encoding that is there.
    void barrier(const std::string& database, const ListenOrder& order);

    [[nodiscard]] ListeningCounts counts() const;
    std::uint64_t losses = 0;  ///< Connections lost while somebody listened.

  private:
    Worker& worker_;
    std::map<ListeningKey, std::unique_ptr<ListeningBackend>> backends_;
};

/// The worker that is the home of a database's listening backends.
[[nodiscard]] Worker& listening_home(Worker& any, std::string_view database);

}  // namespace sluice::server
