#pragma once

#include "pool/permit_chain.hpp"

#include "config/settings.hpp"

#include "server/probe/hiredis_link.hpp"
#include "server/redis/pool.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::net {
class Resolver;
}

namespace sluice::server {

/// The control connection to one Redis: asks it for INFO at an interval and tells its RedisHealth.
/// It is none of the clients' backends, so that it is heard when those are busy, but one of
/// `max_connections`: it holds a permit as long as it is wanted, connected or not.
///
/// Lives as long as the program, since the loop may still have something for it. Confined to: the
/// control thread.
class RedisControl {
  public:
    /// Somebody else's turn: a permit is wanted (true), or has become free.
    using Wake = std::function<void(bool wants_room)>;

    RedisControl(boost::asio::io_context& loop, net::Resolver& resolver, RedisControlPart part,
                 Wake wake);

    /// Also when nothing has changed. `interval` of 0: ends it.
    void configure(const config::RedisDatabase& database, std::chrono::milliseconds interval,
                   std::chrono::milliseconds timeout);
    void shut();
    /// `done` is told the reply, unless the connection is lost before.
    void order(RedisOrder order, std::function<void(std::string reply)> done);

  private:
    enum class Phase : std::uint8_t { off, resting, resolving, connecting, asking };

    void enter(Phase phase, std::chrono::milliseconds limit);
    void timer_expired();
    void begin();
    [[nodiscard]] bool take_permit();
    void resolved(std::vector<net::SocketAddress> found, const std::string& error);
    void connect(const net::SocketAddress& address);
    void ask();
    void answered(const HiredisLink::Reply& reply);
    void failed(const std::string& why);

    net::Resolver& resolver_;
    boost::asio::io_context& loop_;
    RedisControlPart part_;
    pool::Budget own_{1};
    pool::PermitChain permits_;
    Wake wake_;
    HiredisLink link_;
    boost::asio::steady_timer timer_;
    config::RedisDatabase database_;
    std::chrono::milliseconds interval_{0};
    std::chrono::milliseconds timeout_{0};
    std::uint64_t step_ = 0;  ///< Of the phase, for what the loop still has of an earlier one.
    Phase phase_ = Phase::off;
    bool has_permit_ = false;
    bool logged_in_ = false;
    resp::ServerRole role_ = resp::ServerRole::unknown;
};

/// Those of all Redis servers in the settings.
class RedisControls {
  public:
    RedisControls(boost::asio::io_context& loop, net::Resolver& resolver, RedisDirectory& directory,
                  RedisControl::Wake wake);

    void configure(const config::Redis& settings);
    void order(const std::string& database, RedisOrder order,
               std::function<void(std::string reply)> done);
    void shut();

  private:
    boost::asio::io_context& loop_;
    net::Resolver& resolver_;
    RedisDirectory& directory_;
    RedisControl::Wake wake_;
    std::map<std::string, std::unique_ptr<RedisControl>> controls_;  ///< By section; never erased.
};

}  // namespace sluice::server
