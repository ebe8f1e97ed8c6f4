#include "server/shared.hpp"

#include "server/snapshot.hpp"
#include "server/version.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

pool::Budget& ClientBudgets::of(std::string_view name, std::uint32_t limit) {
    const std::lock_guard lock(mutex_);
    auto at = budgets_.find(name);
    if (at == budgets_.end()) {
        at = budgets_.emplace(std::string(name), std::make_unique<pool::Budget>(limit)).first;
    }
    return *at->second;
}

Shared::Shared(const config::Settings& all_settings, boost::asio::io_context& control)
    : settings(all_settings),
      buffers(settings.server.buffer_memory_max),
      resolver(control, settings.postgres.dns_max_ttl),
      authenticator(settings.postgres),
      login_guard({settings.postgres.failed_login_delay, settings.postgres.max_failed_logins,
                   settings.postgres.max_logins_per_second}),
      registry(settings.server.max_backends),
      clients(settings.postgres.max_clients) {}

Shared::~Shared() = default;

void Shared::gather(SnapshotDetail detail, std::function<void(Snapshot)> done) {
    struct Gathering {
        std::mutex mutex;
        std::size_t left;
        Snapshot snapshot;
        std::function<void(Snapshot)> done;
    };
    const auto gathering = std::make_shared<Gathering>();
    gathering->left = workers.size();
    gathering->done = std::move(done);
    Snapshot& snapshot = gathering->snapshot;
    snapshot.max_clients = settings.postgres.max_clients;
    snapshot.max_backends = settings.server.max_backends;
    snapshot.backends_used = registry.process_budget().used();
    snapshot.buffer_bytes = buffers.used();
    snapshot.buffer_bytes_max = buffers.bytes_max();
    snapshot.started = started;
    snapshot.version = version;
    for (const auto& worker : workers) {
        worker->post([worker = worker.get(), detail, gathering] {
            WorkerSnapshot part = worker->snapshot(detail);
            const std::lock_guard lock(gathering->mutex);
            gathering->snapshot.workers.push_back(std::move(part));
            if (--gathering->left == 0) gathering->done(std::move(gathering->snapshot));
        });
    }
}

}  // namespace sluice::server
