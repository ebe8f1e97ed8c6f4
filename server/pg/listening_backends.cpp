#include "server/pg/channel_board.hpp"
#include "server/pg/listening_backend.hpp"
#include "server/worker.hpp"

#include <functional>

namespace sluice::server {

Worker& listening_home(Worker& any, std::string_view database) {
    const auto& workers = any.shared().workers;
    return *workers[std::hash<std::string_view>()(database) % workers.size()];
}

ListeningBackend& ListeningBackends::of(const ListeningKey& key) {
    auto& backend = backends_[key];
    if (!backend) backend = std::make_unique<ListeningBackend>(worker_, key);
    return *backend;
}

void ListeningBackends::barrier(const std::string& database, const ListenOrder& order) {
    // Each answers; the client waits for the last. One at least does.
    std::uint32_t asked = 0;
    for (auto at = backends_.lower_bound({database, {}});
         at != backends_.end() && at->first.database == database; ++at) {
        if (at->second->phase() != ListeningBackend::Phase::listening) continue;
        at->second->barrier(order);
        ++asked;
    }
    Worker& asking = *worker_.shared().workers[order.worker];
    asking.post([&asking, order, asked] { asking.channels().barriers_set(order, asked); });
}

ListeningCounts ListeningBackends::counts() const {
    ListeningCounts counts;
    for (const auto& [key, backend] : backends_) {
        counts.channels += backend->channel_count();
        switch (backend->phase()) {
            case ListeningBackend::Phase::resting: break;
            case ListeningBackend::Phase::pausing: ++counts.pausing; break;
            case ListeningBackend::Phase::opening: ++counts.opening; break;
            case ListeningBackend::Phase::listening: ++counts.listening; break;
        }
    }
    return counts;
}

}  // namespace sluice::server
