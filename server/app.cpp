#include "server/app.hpp"

#include "config/limits.hpp"

#include "server/http/admin_http.hpp"
#include "server/log.hpp"
#include "server/notify.hpp"
#include "server/pg/pool_directory.hpp"
#include "server/probe/redis_control.hpp"
#include "server/redis/shard.hpp"
#include "server/shared.hpp"
#include "server/version.hpp"
#include "server/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds drain_look{20};

unsigned worker_count(const config::Settings& settings) {
    const unsigned wanted = settings.server.workers != 0 ? settings.server.workers
                                                         : std::thread::hardware_concurrency();
    return std::clamp<unsigned>(wanted, 1, config::worker_count_max);
}

/// Raises the limit on open files as far as the system lets us, and says so if it is too low for
/// what the settings promise.
void raise_file_limit(const config::Settings& settings) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::uint64_t promised =
        std::uint64_t{settings.postgres.max_clients} + settings.server.max_backends +
        (settings.redis.served() ? settings.redis.max_clients + settings.redis.max_connections
                                 : 0U) +
        100;
    if (limit.rlim_cur < promised) {
        log::warning("the limit on open files is lower than max_clients and max_backends need",
                     {{"limit", static_cast<std::int64_t>(limit.rlim_cur)},
                      {"needed", static_cast<std::int64_t>(promised)}});
    }
}

}  // namespace

struct App::State {
    State(const config::Settings& settings, std::function<config::LoadResult()> load_again)
        : started_with(settings),
          shared(settings, control),
          redis_controls(control, shared.resolver, shared.redis,
                         [this](bool wants_room) { wake_redis(shared, wants_room); }),
          load(std::move(load_again)),
          signals(control, SIGTERM, SIGINT, SIGHUP),
          drain_timer(control) {
        shared.order_redis = [this](const std::string& database, RedisOrder order,
                                    std::function<void(std::string)> done) {
            asio::post(control, [this, database, order, done = std::move(done)]() mutable {
                redis_controls.order(database, order, std::move(done));
            });
        };
    }

    /// All there is to mend before the program can start.
    [[nodiscard]] std::vector<std::string> open_all();
    void open_listener(config::ListenAddress address, Side side);
    void start_admin();
    void await_signal();
    void reload();
    void begin_drain();
    void look_at_drain();
    void end();
    void stop_workers();

    [[nodiscard]] const config::Settings& settings() const {
        return shared.configuration()->settings;
    }

    const config::Settings started_with;
    asio::io_context control{1};
    Shared shared;
    RedisControls redis_controls;
    std::function<config::LoadResult()> load;
    asio::signal_set signals;
    asio::steady_timer drain_timer;
    std::unique_ptr<AdminHttp> admin;
    std::vector<std::string> socket_files;
    std::chrono::steady_clock::time_point drain_deadline;
    enum class Phase : std::uint8_t { serving, draining, ending };
    Phase phase = Phase::serving;
};

App::App(const config::Settings& settings, std::function<config::LoadResult()> reload)
    : state_(std::make_unique<State>(settings, std::move(reload))) {}

App::~App() = default;

int App::run() {
    State& state = *state_;
    const auto configuration = state.shared.configuration();
    const config::Settings& settings = configuration->settings;
    // Before the first thread, so that every thread inherits it: a closed peer is an error value.
    std::signal(SIGPIPE, SIG_IGN);
    log::start(settings.log);
    raise_file_limit(settings);
    if (const std::vector<std::string> problems = state.open_all(); !problems.empty()) {
        log::stop();
        for (const std::string& problem : problems)
            std::fprintf(stderr, "sluice: %s\n", problem.c_str());
        for (const auto& worker : state.shared.workers)
            worker->shut();
        state.shared.workers.clear();
        for (const std::string& file : state.socket_files)
            ::unlink(file.c_str());
        return 1;
    }
    state.await_signal();
    // Before all clients, so that its permit is there.
    state.redis_controls.configure(settings.redis);
    open_warm_pools(state.shared);
    for (const auto& worker : state.shared.workers)
        worker->start();
    log::info("sluice is ready", {{"version", version}, {"workers", state.shared.workers.size()}});
    notify_system("READY=1");
    state.control.run();
    state.stop_workers();
    for (const std::string& file : state.socket_files) {
        ::unlink(file.c_str());
    }
    log::info("sluice has ended");
    log::stop();
    return 0;
}

void App::State::stop_workers() {
    for (const auto& worker : shared.workers) {
        worker->stop();
    }
    for (const auto& worker : shared.workers) {
        worker->join();
    }
    for (const auto& worker : shared.workers) {
        worker->shut();
    }
    // What they post to each other on the way out may own something.
    bool posted = true;
    while (posted) {
        posted = false;
        for (const auto& worker : shared.workers) {
            posted = worker->engine().run_posted() || posted;
        }
    }
    admin.reset();
    shared.workers.clear();
}

std::vector<std::string> App::State::open_all() {
    std::vector<std::string> problems;
    const auto attempt = [&problems](const auto& step) {
        try {
            step();
        } catch (const std::exception& problem) {
            problems.emplace_back(problem.what());
        }
    };
    attempt([this] {
        for (unsigned index = 0; index < worker_count(settings()); ++index) {
            shared.workers.push_back(
                std::make_unique<Worker>(shared, index, net::make_epoll_engine(shared.buffers)));
        }
    });
    if (!problems.empty()) return problems;
    for (const config::ListenAddress& address : settings().postgres.listen)
        attempt([&] { open_listener(address, Side::postgres); });
    if (settings().redis.served()) {
        for (const config::ListenAddress& address : settings().redis.listen)
            attempt([&] { open_listener(address, Side::redis); });
    }
    attempt([this] { start_admin(); });
    return problems;
}

void App::State::open_listener(config::ListenAddress address, Side side) {
    const bool is_unix = address.kind == config::ListenAddress::Kind::unix_socket;
    for (std::size_t index = 0; index < shared.workers.size(); ++index) {
        const ListeningSocket socket = open_listening_socket(
            address, settings().postgres, index == 0 ? PortUse::first : PortUse::shared);
        if (index == 0) {
            log::info("listening", {{"address", socket.address.text()}});
            // The others share the port that the system chose.
            if (!is_unix) address.port = socket.address.port();
            if (is_unix) socket_files.push_back(address.path);
        }
        shared.workers[index]->listen(socket, side);
        if (!is_unix) continue;
        // One socket, known to all workers.
        for (std::size_t other = 1; other < shared.workers.size(); ++other) {
            ListeningSocket copy = socket;
            copy.fd = ::dup(socket.fd);
            shared.workers[other]->listen(copy, side);
        }
        return;
    }
}

void App::State::start_admin() {
    if (!settings().admin.listen) return;
    admin = std::make_unique<AdminHttp>(
        control, *settings().admin.listen,
        [this](std::function<void(Snapshot)> done) {
            shared.gather(SnapshotDetail::counters, std::move(done));
        },
        [this] {
            HealthReport report;
            report.ready = phase == Phase::serving;
            report.reason = report.ready ? "serving" : "draining";
            return report;
        });
    log::info("admin listening", {{"port", admin->port()}});
}

void App::State::await_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int number) {
        if (error) return;
        await_signal();
        if (number == SIGHUP) {
            reload();
        } else if (number == SIGTERM && phase == Phase::serving) {
            begin_drain();
        } else {
            end();
        }
    });
}

void App::State::reload() {
    const config::LoadResult loaded = load();
    for (const config::Problem& problem : loaded.problems) {
        log::warning("settings", {{"problem", config::to_text(problem)}});
    }
    if (!loaded.usable()) {
        log::error("the settings were not reloaded: those in force stay");
        return;
    }
    const std::string waiting = next_start_keys(started_with, loaded.settings);
    if (!waiting.empty()) {
        log::warning("some changed settings take effect at the next start", {{"keys", waiting}});
    }
    log::configure(loaded.settings.log);
    raise_file_limit(loaded.settings);
    shared.reconfigure(loaded.settings, [this] {
        log::info("SIGHUP: settings reloaded");
        asio::post(control, [this] {
            if (phase == Phase::serving) redis_controls.configure(settings().redis);
        });
    });
}

void App::State::begin_drain() {
    phase = Phase::draining;
    notify_system("STOPPING=1");
    log::info("draining");
    drain_deadline = std::chrono::steady_clock::now() + settings().server.shutdown_timeout;
    for (const auto& worker : shared.workers) {
        worker->post([worker = worker.get()] { worker->drain(); });
    }
    look_at_drain();
}

void App::State::look_at_drain() {
    drain_timer.expires_after(drain_look);
    drain_timer.async_wait([this](const boost::system::error_code& error) {
        if (error || phase != Phase::draining) return;
        const auto left = std::make_shared<std::atomic<std::size_t>>(shared.workers.size());
        const auto clients = std::make_shared<std::atomic<std::size_t>>(0);
        for (const auto& worker : shared.workers) {
            worker->post([this, worker = worker.get(), left, clients] {
                *clients += worker->client_count();
                if (--*left > 0) return;
                asio::post(control, [this, clients] {
                    const bool late = std::chrono::steady_clock::now() >= drain_deadline;
                    if (*clients == 0 || late) {
                        end();
                    } else {
                        look_at_drain();
                    }
                });
            });
        }
    });
}

void App::State::end() {
    if (phase == Phase::ending) return;
    phase = Phase::ending;
    for (const auto& worker : shared.workers) {
        worker->post([worker = worker.get()] {
            worker->stop_listening();
            worker->dismiss_all();
        });
    }
    drain_timer.cancel();
    redis_controls.shut();
    signals.cancel();
    // What the workers were just told runs before they are stopped: tasks keep their order.
    const auto left = std::make_shared<std::atomic<std::size_t>>(shared.workers.size());
    for (const auto& worker : shared.workers) {
        worker->post([this, left] {
            if (--*left == 0) asio::post(control, [this] { control.stop(); });
        });
    }
}

}  // namespace sluice::server
