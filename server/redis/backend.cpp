#include "server/redis/backend.hpp"

#include "protocol/resp/request.hpp"

#include "server/log.hpp"
#include "server/net/socket_options.hpp"
#include "server/redis/client.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <array>
#include <cerrno>
#include <system_error>

namespace sluice::server {

namespace {

std::string_view name_of(RedisBackend::Use use) {
    static constexpr std::array<std::string_view, 3> names{"shared", "pinned", "subscriber"};
    return names[static_cast<std::size_t>(use)];
}

}  // namespace

RedisBackend::RedisBackend(RedisShard& shard, Use use, std::uint64_t id, Lane lane)
    : Stream(shard.worker().engine()),
      shard_(&shard),
      id_(id),
      used_at_(shard.worker().engine().now()),
      use_(use),
      lane_(lane) {}

RedisBackend::~RedisBackend() {
    engine().forget_turn_end(*this);
    inbox_.clear(shard_->worker().shared().buffers);
}

void RedisBackend::connect() {
    task_ = Task::connecting;
    engine().timers().arm(*this, engine().now() + shard_->settings().server_connect_timeout);
    resolve();
}

void RedisBackend::resolve() {
    const config::RedisDatabase& database = shard_->pool().database();
    if (database.host.starts_with('/')) {
        if (const auto address = net::unix_address(database.host)) addresses_ = {*address};
        try_next_address();
        return;
    }
    if (const auto address = net::numeric_address(database.host, database.port)) {
        addresses_ = {*address};
        try_next_address();
        return;
    }
    // The answer comes from another thread, perhaps after this backend is gone.
    Worker& worker = shard_->worker();
    worker.shared().resolver.resolve(
        database.host, database.port,
        [&worker, entry = shard_->entry(), id = id_](std::vector<net::SocketAddress> found,
                                                     std::string error) {
            worker.post([&worker, entry, id, found = std::move(found), error = std::move(error)] {
                RedisShard* const shard = worker.redis().find_shard(entry.get());
                RedisBackend* const backend = shard == nullptr ? nullptr : shard->find_backend(id);
                if (backend == nullptr || backend->task_ != Task::connecting) return;
                backend->addresses_ = found;
                if (found.empty()) {
                    backend->failed(error, pool::OpenFailure::unavailable);
                } else {
                    backend->try_next_address();
                }
            });
        });
}

void RedisBackend::try_next_address() {
    std::string error = "no address";
    while (!addresses_.empty()) {
        const net::SocketAddress address = addresses_.front();
        addresses_.erase(addresses_.begin());
        const int fd = engine().connect(address);
        if (fd >= 0) {
            if (!address.is_unix()) {
                net::set_tcp_options(fd, shard_->worker().settings());
            }
            open_connecting(fd);
            return;
        }
        if (net::Engine::out_of_files(errno)) {
            failed("this pooler has no file descriptor left",
                   pool::OpenFailure::short_of_resources);
            return;
        }
        error = std::generic_category().message(errno);
    }
    failed(error, pool::OpenFailure::unavailable);
}

void RedisBackend::connected() {
    task_ = Task::logging_in;
    login_ = std::make_unique<resp::BackendLogin>(
        shard_->pool().identity(), shard_->worker().shared().redis.commands_due(
                                       shard_->pool().key().database, engine().now()));
    std::string out;
    login_->start(out);
    send(out);
}

void RedisBackend::received(wire::Bytes bytes) {
    switch (task_) {
        case Task::connecting: return;
        case Task::logging_in: login_bytes(bytes); return;
        case Task::checking: check_answered(bytes); return;
        case Task::ready: break;
    }
    if (subscriber_ != nullptr) {
        subscriber_->received(bytes);
    } else {
        RedisRelay::backend_received(*this, bytes);
    }
}

void RedisBackend::login_bytes(wire::Bytes bytes) {
    using Answer = resp::BackendLogin::Step::Kind;
    net::BufferBudget& buffers = shard_->worker().shared().buffers;
    if (!inbox_.append(bytes, buffers)) {
        failed("buffer memory spent", pool::OpenFailure::unavailable);
        return;
    }
    const resp::BackendLogin::Step step = login_->received(inbox_.bytes());
    inbox_.consume(step.bytes, buffers);
    switch (step.kind) {
        case Answer::read_more: return;
        case Answer::rejected: {
            const RedisPool& pool = shard_->pool();
            if (!pool.key().user.empty() && step.error.starts_with("WRONGPASS")) {
                // What was taken lately is to be asked for again.
                shard_->worker().shared().redis.login_refused(
                    pool.key().database, pool.identity().user, pool.identity().password);
            }
            failed(step.error, pool::OpenFailure::rejected);
            return;
        }
        case Answer::unavailable: failed(step.error, pool::OpenFailure::unavailable); return;
        case Answer::violation:
            failed("the server does not speak RESP", pool::OpenFailure::rejected);
            return;
        case Answer::ready: break;
    }
    disarm();
    task_ = Task::ready;
    shard_->worker().shared().redis.remember_version(shard_->pool().key().database,
                                                     login_->server_version());
    block_refusal_ = login_->block_refusal();
    if (login_->commands_asked() == resp::CommandsAsked::yes) learn_commands();
    // Another worker may have learned them as well.
    shard_->worker().redis().refresh_commands();
    login_.reset();
    log::info(
        "backend opened",
        {{"backend", id_}, {"redis", shard_->pool().key().database}, {"kind", name_of(use_)}});
    shard_->opened(*this);
}

void RedisBackend::learn_commands() {
    using Learned = RedisDirectory::Learned;
    const std::string& database = shard_->pool().key().database;
    Shared& shared = shard_->worker().shared();
    switch (shared.redis.learn_commands(database, login_->commands(), engine().now())) {
        case Learned::nothing_new: return;
        case Learned::other_commands: log::info("commands learned", {{"redis", database}}); break;
        case Learned::unreadable:
            log::warning("the server does not tell its commands: those of Redis 7.0 are served",
                         {{"redis", database}});
            break;
    }
    for (const auto& worker : shared.workers)
        worker->post([worker = worker.get()] { worker->redis().refresh_commands(); });
}

void RedisBackend::failed(const std::string& text, pool::OpenFailure failure) {
    log::warning("backend cannot be opened",
                 {{"backend", id_}, {"redis", shard_->pool().key().database}, {"error", text}});
    shard_->pool().remember_error(text);
    close();
    disarm();
    login_.reset();
    shard_->open_failed(*this, failure);
}

void RedisBackend::put(std::string_view bytes) {
    used_at_ = engine().now();
    outgoing_ += bytes;
    engine().at_turn_end(*this);
}

void RedisBackend::turn_ended() {
    if (outgoing_.empty()) return;
    send(outgoing_);
    // A large request is not kept for the next one's sake.
    if (outgoing_.capacity() > 256U * 1024) outgoing_ = {};
    outgoing_.clear();
    if (pending_output_bytes() == 0) RedisRelay::backend_drained(*this);
}

void RedisBackend::output_drained() {
    RedisRelay::backend_drained(*this);
}

void RedisBackend::ended(int error) {
    const std::string text =
        error == 0 ? "closed by the server" : std::generic_category().message(error);
    if (task_ == Task::connecting && !addresses_.empty()) {
        try_next_address();
        return;
    }
    if (task_ == Task::connecting || task_ == Task::logging_in) {
        failed(text, pool::OpenFailure::unavailable);
        return;
    }
    // A server that closes what lies idle does what its `timeout` says: nobody lost anything.
    const bool missed = subscriber_ != nullptr && !subscriber_->is_idle();
    if (session.settled() && client_ == nullptr && !missed) {
        log::info("backend closed", {{"backend", id_}, {"reason", text}});
    } else {
        log::warning("backend lost", {{"backend", id_}, {"error", text}});
    }
    if (subscriber_ != nullptr) {
        lose();
        return;
    }
    RedisRelay::backend_lost(*this, RefusalReason::backend_lost);
}

void RedisBackend::expired(net::TimePoint) {
    if (task_ == Task::checking) {
        RedisRelay::backend_lost(*this, RefusalReason::backend_lost);
        return;
    }
    failed("timed out", pool::OpenFailure::unavailable);
}

void RedisBackend::check() {
    task_ = Task::checking;
    std::string ping;
    resp::append_request(ping, "PING");
    session.requested(resp::Owner::nobody, 1);
    send(ping);
    engine().timers().arm(*this, engine().now() + shard_->settings().server_connect_timeout);
}

void RedisBackend::check_answered(wire::Bytes bytes) {
    net::BufferBudget& buffers = shard_->worker().shared().buffers;
    if (!inbox_.append(bytes, buffers)) {
        RedisRelay::backend_lost(*this, RefusalReason::buffers_spent);
        return;
    }
    const resp::BackendRun run = session.next(inbox_.bytes());
    if (run.event == resp::BackendRun::Event::violation) {
        RedisRelay::backend_lost(*this, RefusalReason::backend_violation);
        return;
    }
    inbox_.consume(run.bytes, buffers);
    if (!session.settled()) return;
    disarm();
    task_ = Task::ready;
    shard_->engine().check_done(*this, engine().now());
    shard_->perform_orders();
}

void RedisBackend::shut() {
    close();
    disarm();
    shard_->closed(*this);
}

void RedisBackend::lose() {
    close();
    disarm();
    shard_->lost(*this);
}

}  // namespace sluice::server
