#include "server/probe/redis_control.hpp"

#include "protocol/resp/server_info.hpp"

#include "config/resolve.hpp"

#include "server/log.hpp"
#include "server/net/resolver.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace asio = boost::asio;

namespace {

/// A shorter one would be a load of its own.
constexpr std::chrono::milliseconds interval_min{10};

}  // namespace

RedisControl::RedisControl(asio::io_context& loop, net::Resolver& resolver, RedisControlPart part,
                           Wake wake)
    : resolver_(resolver),
      loop_(loop),
      part_(part),
      permits_(&own_, part.all, nullptr, part.process),
      wake_(std::move(wake)),
      link_(loop, [this](const std::string& why) { failed(why); }),
      timer_(loop) {}

void RedisControl::configure(const config::RedisDatabase& database,
                             std::chrono::milliseconds interval,
                             std::chrono::milliseconds timeout) {
    if (interval.count() <= 0) {
        shut();
        return;
    }
    interval_ = std::max(interval, interval_min);
    timeout_ = timeout.count() > 0 ? timeout : std::chrono::milliseconds(5'000);
    const bool same = phase_ != Phase::off && database == database_;
    database_ = database;
    if (same) return;
    link_.close();
    begin();
}

void RedisControl::shut() {
    link_.close();
    ++step_;
    phase_ = Phase::off;
    timer_.cancel();
    part_.health->forget();
    if (std::exchange(has_permit_, false) && permits_.give_back() != 0) wake_(false);
}

void RedisControl::order(RedisOrder order, std::function<void(std::string reply)> done) {
    if (!link_.is_open()) {
        done("-ERR sluice: no control connection\r\n");
        return;
    }
    link_.ask({order == RedisOrder::kill_script ? "SCRIPT" : "FUNCTION", "KILL"},
              [done = std::move(done)](const HiredisLink::Reply& reply) {
                  const bool refused = reply.kind == HiredisLink::Reply::Kind::error;
                  done((refused ? "-" : "+") + std::string(reply.text) + "\r\n");
              });
}

void RedisControl::enter(Phase phase, std::chrono::milliseconds limit) {
    phase_ = phase;
    timer_.expires_after(limit);
    timer_.async_wait([this, step = ++step_](const boost::system::error_code& error) {
        if (!error && step == step_) timer_expired();
    });
}

void RedisControl::timer_expired() {
    if (phase_ != Phase::resting) {
        failed("timed out");
    } else if (link_.is_open()) {
        ask();
    } else {
        begin();
    }
}

bool RedisControl::take_permit() {
    if (has_permit_) return true;
    const auto attempt = permits_.try_take(0);
    if (attempt.wanted != 0) wake_(false);
    has_permit_ = attempt.taken == pool::PermitChain::Taken::yes;
    // Only after a reload: at the start it comes before all clients.
    if (!has_permit_ && permits_.at(attempt.spent_at).want()) wake_(true);
    return has_permit_;
}

void RedisControl::begin() {
    if (!take_permit()) {
        failed("max_connections are in use");
        return;
    }
    logged_in_ = false;
    enter(Phase::resolving, timeout_);
    if (database_.host.starts_with('/')) {
        const auto address = net::unix_address(database_.host);
        if (address) connect(*address);
        if (!address) failed("the path of its socket is too long");
        return;
    }
    if (const auto address = net::numeric_address(database_.host, database_.port)) {
        connect(*address);
        return;
    }
    resolver_.resolve(
        database_.host, database_.port,
        [this, step = step_](std::vector<net::SocketAddress> found, const std::string& error) {
            asio::post(loop_, [this, step, found = std::move(found), error] {
                if (step == step_) resolved(found, error);
            });
        });
}

void RedisControl::resolved(std::vector<net::SocketAddress> found, const std::string& error) {
    if (found.empty()) {
        failed(error);
        return;
    }
    connect(found.front());
}

void RedisControl::connect(const net::SocketAddress& address) {
    enter(Phase::connecting, timeout_);
    std::string error;
    if (!link_.open(address, error)) {
        failed(error);
        return;
    }
    const auto login_answered = [this](const HiredisLink::Reply& reply) {
        if (reply.kind == HiredisLink::Reply::Kind::error) failed(std::string(reply.text));
    };
    const std::string_view password = database_.password.reveal();
    if (!database_.user.empty()) {
        link_.ask({"AUTH", database_.user, password}, login_answered);
    } else if (!password.empty()) {
        link_.ask({"AUTH", password}, login_answered);
    }
    // So that it can be told from the clients' backends; who may not do it need not.
    link_.ask({"CLIENT", "SETNAME", "sluice-control"}, [](const HiredisLink::Reply&) {});
    ask();
}

void RedisControl::ask() {
    enter(logged_in_ ? Phase::asking : Phase::connecting, timeout_);
    link_.ask({"INFO"}, [this](const HiredisLink::Reply& reply) { answered(reply); });
}

void RedisControl::answered(const HiredisLink::Reply& reply) {
    if (reply.kind == HiredisLink::Reply::Kind::error) {
        // Of a script that runs too long, of a lacking right: the connection is none the worse.
        if (part_.health->unanswered(std::string(reply.text))) {
            log::warning("a Redis does not tell how it is",
                         {{"redis", database_.name}, {"error", reply.text}});
        }
        enter(Phase::resting, interval_);
        return;
    }
    const auto info = resp::read_server_info(reply.text);
    if (!info) {
        failed("its answer to INFO is none");
        return;
    }
    if (!std::exchange(logged_in_, true)) {
        log::info("control connection opened", {{"redis", database_.name}});
    }
    part_.health->answered(*info, std::chrono::steady_clock::now());
    // Its name may lead to another server by now.
    const bool demoted = role_ == resp::ServerRole::master && info->role != role_;
    role_ = info->role;
    if (demoted) link_.close();
    enter(Phase::resting, interval_);
}

void RedisControl::failed(const std::string& why) {
    link_.close();
    if (part_.health->unanswered(why)) {
        log::warning("no control connection", {{"redis", database_.name}, {"error", why}});
    }
    enter(Phase::resting, interval_);
}

RedisControls::RedisControls(asio::io_context& loop, net::Resolver& resolver,
                             RedisDirectory& directory, RedisControl::Wake wake)
    : loop_(loop), resolver_(resolver), directory_(directory), wake_(std::move(wake)) {}

void RedisControls::configure(const config::Redis& settings) {
    for (const auto& [name, control] : controls_) {
        if (!settings.databases.contains(name)) control->shut();
    }
    if (!settings.served()) return;
    for (const auto& [name, database] : settings.databases) {
        const RedisControlPart part = directory_.control_part(settings, database);
        auto& control = controls_[name];
        if (!control) control = std::make_unique<RedisControl>(loop_, resolver_, part, wake_);
        control->configure(database, settings.info_interval, settings.server_connect_timeout);
    }
}

void RedisControls::order(const std::string& database, RedisOrder order,
                          std::function<void(std::string reply)> done) {
    const auto at = controls_.find(database);
    if (at == controls_.end()) {
        done("-ERR sluice: no control connection (info_interval)\r\n");
        return;
    }
    at->second->order(order, std::move(done));
}

void RedisControls::shut() {
    for (const auto& [name, control] : controls_)
        control->shut();
}

}  // namespace sluice::server
