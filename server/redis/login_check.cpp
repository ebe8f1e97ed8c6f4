#include "server/redis/login_check.hpp"

#include "server/net/socket_options.hpp"
#include "server/redis/client.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace sluice::server {

RedisLoginCheck::RedisLoginCheck(RedisLoginChecks& home, std::uint64_t id,
                                 const config::RedisDatabase& database, std::string_view user,
                                 std::string_view password, const RedisControlPart& part)
    : Stream(home.side().worker().engine()),
      home_(home),
      id_(id),
      database_(database),
      identity_{std::string(user), std::string(password), 0, resp::RespVersion::resp2, {}},
      login_(identity_),
      permits_(&own_, part.all, nullptr, part.process) {}

bool RedisLoginCheck::asks(std::string_view database, std::string_view user,
                           std::string_view password) const noexcept {
    return database == database_.name && user == identity_.user && password == identity_.password;
}

bool RedisLoginCheck::take_permit() {
    Shared& shared = home_.side().worker().shared();
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto tried = permits_.try_take(0);
        if (tried.wanted != 0) wake_redis(shared, false);
        if (tried.taken == pool::PermitChain::Taken::yes) return true;
        // Said first and looked again after: what came back in between is not missed.
        const bool news = permits_.at(tried.spent_at).want(pool::Budget::Hunger::starving);
        if (attempt == 0 && news) wake_redis(shared, true);
    }
    return false;
}

void RedisLoginCheck::give_permit_back() {
    if (permits_.give_back() != 0) wake_redis(home_.side().worker().shared(), false);
}

bool RedisLoginCheck::begin() {
    if (!take_permit()) return false;
    begun_ = true;
    const config::Redis& settings = home_.side().settings();
    engine().timers().arm(*this, engine().now() + settings.server_connect_timeout);
    resolve();
    return true;
}

void RedisLoginCheck::resolve() {
    if (database_.host.starts_with('/')) {
        if (const auto address = net::unix_address(database_.host)) addresses_ = {*address};
        try_next_address();
        return;
    }
    if (const auto address = net::numeric_address(database_.host, database_.port)) {
        addresses_ = {*address};
        try_next_address();
        return;
    }
    // The answer comes from another thread, perhaps after this is gone.
    Worker& worker = home_.side().worker();
    worker.shared().resolver.resolve(
        database_.host, database_.port,
        [&worker, id = id_](std::vector<net::SocketAddress> found, std::string error) {
            worker.post([&worker, id, found = std::move(found), error = std::move(error)] {
                RedisLoginCheck* const check = worker.redis().login_checks().find(id);
                if (check == nullptr) return;
                check->addresses_ = found;
                if (found.empty()) {
                    check->finish(Result::unavailable, error);
                } else {
                    check->try_next_address();
                }
            });
        });
}

void RedisLoginCheck::try_next_address() {
    std::string error = "no address";
    while (!addresses_.empty()) {
        const net::SocketAddress address = addresses_.front();
        addresses_.erase(addresses_.begin());
        const int fd = engine().connect(address);
        if (fd >= 0) {
            if (!address.is_unix()) {
                net::set_tcp_options(fd, home_.side().worker().settings());
            }
            open_connecting(fd);
            return;
        }
        error = std::generic_category().message(errno);
    }
    finish(Result::unavailable, error);
}

void RedisLoginCheck::connected() {
    std::string out;
    login_.start(out);
    send(out);
}

void RedisLoginCheck::received(wire::Bytes bytes) {
    using Answer = resp::BackendLogin::Step::Kind;
    kept_ += wire::as_text(bytes);
    const resp::BackendLogin::Step step = login_.received(wire::as_bytes(kept_));
    kept_.erase(0, step.bytes);
    switch (step.kind) {
        case Answer::read_more: return;
        case Answer::ready: finish(Result::accepted, {}); return;
        case Answer::rejected: {
            const bool refused = step.error.starts_with("WRONGPASS");
            finish(refused ? Result::refused : Result::unavailable, step.error);
            return;
        }
        case Answer::unavailable: finish(Result::unavailable, step.error); return;
        case Answer::violation:
            finish(Result::unavailable, "the server does not speak RESP");
            return;
    }
}

void RedisLoginCheck::ended(int error) {
    if (!addresses_.empty()) {
        try_next_address();
        return;
    }
    finish(Result::unavailable,
           error == 0 ? "closed by the server" : std::generic_category().message(error));
}

void RedisLoginCheck::expired(net::TimePoint) {
    finish(Result::unavailable, "timed out");
}

void RedisLoginCheck::finish(Result result, const std::string& error) {
    if (finished_) return;
    finished_ = true;
    close();
    disarm();
    home_.finished(*this, result, error);
}

RedisLoginChecks::~RedisLoginChecks() = default;

void RedisLoginChecks::ask(RedisClient& client, const config::RedisDatabase& database,
                           std::string_view user, std::string_view password) {
    const RedisLoginCheck::Asker asker{client.slot(), client.question(), client.id()};
    for (const auto& check : checks_) {
        if (!check->asks(database.name, user, password)) continue;
        check->askers.push_back(asker);
        return;
    }
    Worker& worker = side_.worker();
    const RedisControlPart part = worker.shared().redis.control_part(side_.settings(), database);
    checks_.push_back(
        std::make_unique<RedisLoginCheck>(*this, worker.next_id(), database, user, password, part));
    checks_.back()->askers.push_back(asker);
    begin_later();
}

/// Who asks is in the middle of its bytes, and an answer may be there at once.
void RedisLoginChecks::begin_later() {
    side_.worker().post([this] { begin_more(); });
}

void RedisLoginChecks::begin_more() {
    const std::size_t count_max = side_.settings().max_connects;
    const auto running = [this] {
        return static_cast<std::size_t>(
            std::ranges::count_if(checks_, [](const auto& check) { return check->begun(); }));
    };
    // One that fails at once has left the list when begin() comes back.
    while (count_max == 0 || running() < count_max) {
        const auto next =
            std::ranges::find_if(checks_, [](const auto& check) { return !check->begun(); });
        if (next == checks_.end()) return;
        RedisLoginCheck& check = **next;
        RedisCounters& counters = side_.counters_of(check.database());
        if (!check.begin()) return;
        ++counters.login_checks;
    }
}

void RedisLoginChecks::finished(RedisLoginCheck& check, RedisLoginCheck::Result result,
                                const std::string& error) {
    const auto at = std::ranges::find(checks_, &check, &std::unique_ptr<RedisLoginCheck>::get);
    if (at == checks_.end()) return;
    std::unique_ptr<RedisLoginCheck> done = std::move(*at);
    checks_.erase(at);
    done->give_permit_back();
    RedisDirectory& directory = side_.worker().shared().redis;
    const resp::BackendIdentity& identity = done->identity();
    if (result == RedisLoginCheck::Result::accepted) {
        directory.login_accepted(done->database(), identity.user, identity.password,
                                 side_.worker().engine().now());
    } else if (result == RedisLoginCheck::Result::refused) {
        directory.login_refused(done->database(), identity.user, identity.password);
    }
    for (const RedisLoginCheck::Asker& asker : done->askers) {
        RedisClient* const client = side_.find_client(asker.slot, asker.id);
        if (client != nullptr) client->login_judged(asker.question, result, error);
    }
    side_.worker().engine().bury(std::move(done));
    begin_later();
}

RedisLoginCheck* RedisLoginChecks::find(std::uint64_t id) noexcept {
    const auto at = std::ranges::find(checks_, id, [](const auto& check) { return check->id(); });
    return at == checks_.end() ? nullptr : at->get();
}

void RedisLoginChecks::shut() {
    checks_.clear();
}

}  // namespace sluice::server
