#pragma once

#include "protocol/resp/channel_book.hpp"
#include "protocol/resp/subscriber_session.hpp"

#include "server/net/inbox.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/redis/pool.hpp"
#include "server/snapshot.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

class RedisBackend;
class RedisClient;
class RedisShard;
class RedisSide;

/// One worker's subscriptions at one Redis: many clients of any database number and RESP version,
/// on one backend. Channels know neither of these, and a message is the same in both versions but
/// for its first byte, so the backend speaks RESP2, which every server does.
///
/// A lost backend is opened again and asked for everything; what is published in between is missed,
/// as by a client that reconnects. When that takes longer than `wait_timeout`, the clients are
/// closed, so that they know. The backend is never paused: who does not read is cut.
///
/// Owned by its worker's RedisSide, which keeps it. Confined to: its worker.
class RedisSubscriber final : private net::Timer {
  public:
    RedisSubscriber(RedisSide& side, RedisKey key);
    ~RedisSubscriber() override;

    /// `out` receives the acknowledgements or the error, unless the client waits: then it is told
    /// channels_ready() or channels_refused().
    enum class Change : std::uint8_t { done, waits };
    [[nodiscard]] Change subscribe(RedisClient& client, resp::ChannelKind kind,
                                   const resp::ArgumentReader& names, std::string& out);
    /// `out` receives the acknowledgements in any case. Who waits gives them to its client when it
    /// is told channels_ready(): until then a PUBLISH may find the channel.
    [[nodiscard]] Change unsubscribe(const RedisClient& client, resp::ChannelKind kind,
                                     const resp::ArgumentReader& names, std::string& out);
    /// From everything, likewise.
    [[nodiscard]] Change part(const RedisClient& client);
    /// Waits: it is told when everything that was published before has been heard.
    [[nodiscard]] Change ping(const RedisClient& client);
    /// The client has waited long enough for its channels, or for the end of its round.
    void withdraw(const RedisClient& client);
    void stop_round(const RedisClient& client);
    void leave(const RedisClient& client);
    [[nodiscard]] bool has(const RedisClient& client) const noexcept;
    /// The server has yet to acknowledge something for it.
    [[nodiscard]] bool awaits(const RedisClient& client) const noexcept;

    // Told by the shard.
    void opening(RedisBackend& backend) noexcept { backend_ = &backend; }
    void opened();
    void open_failed();
    void received(wire::Bytes arrived);
    void backend_gone();

    /// A permit may have become free.
    void wake();
    /// Pools may have been retired.
    void follow_settings();
    /// Nobody is there, so the backend may go when another kind needs its permit.
    [[nodiscard]] bool is_idle() const noexcept { return book_.empty() && book_.settled(); }
    [[nodiscard]] const resp::ChannelBook& book() const noexcept { return book_; }
    [[nodiscard]] const RedisKey& key() const noexcept { return key_; }

  private:
    /// Messages that go to the same clients and stand one behind the other.
    struct Run {
        const resp::ChannelBook::Channel* channel = nullptr;
        wire::Bytes bytes;
        std::vector<std::size_t> starts;
    };

    void expired(net::TimePoint now) override;
    void arm();
    void look_after_backend(net::TimePoint now);
    void try_open();
    [[nodiscard]] bool enter_shard();
    void leave_shard();
    void send_orders();
    [[nodiscard]] bool settle_bytes();
    [[nodiscard]] bool is_open() const noexcept;
    void hear(const resp::Heard& heard, wire::Bytes bytes);
    void add_to_run(const resp::Heard& heard, wire::Bytes bytes);
    void deliver_run();
    void cut_slow();
    void too_large(wire::Bytes front);
    void acknowledged(const resp::Heard& heard);
    void ponged();
    void send_ping(resp::Owner owner);
    void refused_by_server(const std::string& error);
    void refuse_waiting(RefusalReason reason, const std::string& error);
    void refuse(std::string& out, RefusalReason reason, std::string_view error);
    void tell_ready_later(const std::vector<resp::Owner>& owners);
    void dismiss_members(const std::vector<resp::Owner>& owners);
    void give_up();
    [[nodiscard]] std::string unreachable() const;

    RedisSide& side_;
    const RedisKey key_;
    RedisCounters& counters_;
    RedisShard* shard_ = nullptr;
    RedisBackend* backend_ = nullptr;  ///< From its opening to its end.
    resp::ChannelBook book_;
    resp::SubscriberSession session_;
    net::Inbox inbox_;
    std::string orders_;
    std::string as_push_;  ///< A run, for clients of RESP3.
    Run run_;
    std::vector<RedisClient*> slow_;
    std::size_t charged_bytes_ = 0;  ///< Of the buffer budget, for the book.
    net::TimePoint retry_at_{};
    net::Duration pause_{0};
    std::optional<net::TimePoint> lost_since_;
    net::TimePoint heard_at_{};
    std::optional<net::TimePoint> asked_at_;  ///< PING, since when nothing was heard.
    std::deque<resp::Owner> pings_;           ///< For whom, oldest first; one for each client.
};

}  // namespace sluice::server
