#pragma once

#include "protocol/resp/backend_login.hpp"
#include "protocol/resp/backend_session.hpp"

#include "pool/backend.hpp"

#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

class RedisClient;
class RedisShard;
class RedisSubscriber;

/// One backend of the Redis side. A shared one answers many clients at once, first in first out; a
/// pinned one is leased to one client at a time; a subscriber's has the channels of many.
///
/// What it is to send is put together and leaves in one send at the end of the turn, so that many
/// clients' requests cost one system call.
///
/// Owned by its shard. Confined to: the worker of its shard.
class RedisBackend final : public net::Stream,
                           public pool::Backend,
                           public net::TurnEnd,
                           private net::Timer {
  public:
    enum class Use : std::uint8_t { shared, pinned, subscriber };
    enum class Task : std::uint8_t { connecting, logging_in, ready, checking };

    /// Of shared ones: replies that are large hold up only each other.
    enum class Lane : std::uint8_t { quick, slow };

    RedisBackend(RedisShard& shard, Use use, std::uint64_t id, Lane lane = Lane::quick);
    ~RedisBackend() override;

    void connect();
    /// Bytes for the server, for which `session` owes already.
    void put(std::string_view bytes);
    /// PING; the pool is told of the answer.
    void check();
    /// The pool wants it closed.
    void shut();
    /// It is of no more use: closes it and tells its shard. Whoever it owed is told by the caller.
    void lose();
    void move_to(RedisShard& shard) noexcept { shard_ = &shard; }
    void serve(RedisSubscriber& subscriber) noexcept { subscriber_ = &subscriber; }

    [[nodiscard]] RedisShard& shard() const noexcept { return *shard_; }
    [[nodiscard]] Use use() const noexcept { return use_; }
    [[nodiscard]] Lane lane() const noexcept { return lane_; }
    [[nodiscard]] Task task() const noexcept { return task_; }
    /// Nobody new is to use it: it closes when nothing is owed.
    void retire() noexcept { retiring_ = true; }
    [[nodiscard]] bool retiring() const noexcept { return retiring_; }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] RedisClient* client() const noexcept { return client_; }
    [[nodiscard]] RedisSubscriber* subscriber() const noexcept { return subscriber_; }
    /// Ready, nothing owed, nothing to send.
    [[nodiscard]] bool settled() const noexcept {
        return task_ == Task::ready && session.settled() && outgoing_.empty() && inbox_.empty();
    }
    /// Bytes that the server has not taken yet.
    [[nodiscard]] std::size_t unsent_bytes() const noexcept {
        return outgoing_.size() + pending_output_bytes();
    }
    /// Not empty: its user can have no MULTI, for this reason.
    [[nodiscard]] const std::string& block_refusal() const noexcept { return block_refusal_; }
    [[nodiscard]] net::TimePoint used_at() const noexcept { return used_at_; }

    resp::BackendSession session;

  private:
    friend class RedisRelay;

    void connected() override;
    void received(wire::Bytes bytes) override;
    void output_drained() override;
    void ended(int error) override;
    void expired(net::TimePoint now) override;
    void turn_ended() override;

    void resolve();
    void try_next_address();
    void login_bytes(wire::Bytes bytes);
    void learn_commands();
    void failed(const std::string& text, pool::OpenFailure failure);
    void check_answered(wire::Bytes bytes);

    RedisShard* shard_;
    RedisClient* client_ = nullptr;          ///< Of a pinned one.
    RedisSubscriber* subscriber_ = nullptr;  ///< Of a subscriber's.
    std::unique_ptr<resp::BackendLogin> login_;
    std::vector<net::SocketAddress> addresses_;
    std::string outgoing_;
    std::string block_refusal_;
    net::Inbox inbox_;
    std::uint64_t id_;
    net::TimePoint used_at_{};
    bool retiring_ = false;
    bool feeders_paused_ = false;  ///< Clients are not read because this does not keep up.
    Use use_;
    Lane lane_;
    Task task_ = Task::connecting;
};

}  // namespace sluice::server
