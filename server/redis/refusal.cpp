#include "server/redis/refusal.hpp"

namespace sluice::server {

std::string_view redis_error_of(RefusalReason reason) noexcept {
    // The others do not happen on this side.
    if (reason == RefusalReason::too_many_clients) return "ERR max number of clients reached";
    if (reason == RefusalReason::login_timeout) return "ERR sluice: login took too long";
    if (reason == RefusalReason::queue_full) {
        return "ERR sluice: no backend connection (too many clients are waiting)";
    }
    if (reason == RefusalReason::query_timeout) {
        return "ERR sluice: no answer within query_timeout; whether the command ran is not known";
    }
    if (reason == RefusalReason::backend_lost) return "ERR sluice: backend connection lost";
    if (reason == RefusalReason::backend_violation) {
        return "ERR sluice: the server broke the protocol";
    }
    if (reason == RefusalReason::shutdown) return "ERR sluice: shutting down";
    if (reason == RefusalReason::buffers_spent) {
        return "ERR sluice: out of buffer memory (server.buffer_memory_max)";
    }
    return "ERR sluice: refused";
}

std::string redis_wait_error(std::chrono::nanoseconds waited) {
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(waited);
    return "ERR sluice: no backend connection (waited " + std::to_string(time.count()) + " ms)";
}

std::string redis_unreachable_error(const std::string& last_error) {
    return "ERR sluice: no backend connection (" +
           (last_error.empty() ? std::string("none can be opened") : last_error) + ")";
}

}  // namespace sluice::server
