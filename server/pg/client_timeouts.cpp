// How long a client may take for what, and what becomes of it then.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

std::optional<net::TimePoint> PgClient::deadline() const {
    const auto after = [](net::TimePoint from, config::Duration timeout) {
        return timeout.count() > 0 ? std::optional(from + timeout) : std::nullopt;
    };
    const auto earlier = [](std::optional<net::TimePoint> a, std::optional<net::TimePoint> b) {
        return !a ? b : !b ? a : std::optional(std::min(*a, *b));
    };
    switch (phase_) {
        case Phase::login: return after(accepted_at_, worker_->settings().client_login_timeout);
        case Phase::idle: {
            const config::PoolSettings& settings = shard_->settings();
            const auto idle = after(since_, settings.client_idle_timeout);
            return spooled_bytes_ == 0 ? idle
                                       : earlier(idle, after(since_, settings.slow_reader_timeout));
        }
        case Phase::active: break;
        case Phase::waiting:
        case Phase::console:
        case Phase::replicating:
        case Phase::leaving: return std::nullopt;
    }
    const config::PoolSettings& settings = shard_->settings();
    const pg::BackendSession& session = backend_->session();
    if (session.releasable()) {
        const auto idle = after(since_, settings.client_idle_timeout);
        if (pins_counted_ == 0) return idle;
        return earlier(idle, after(pinned_since_, settings.pin_timeout));
    }
    auto whole = after(transaction_since_, settings.transaction_timeout);
    if (backend_->reception_paused()) {
        whole = earlier(whole, after(backend_->reader_slow_since(), settings.slow_reader_timeout));
    }
    if (!session.busy()) {
        const auto idle = earlier(whole, after(since_, settings.idle_transaction_timeout));
        return PgRelay::reclaimable(*this)
                   ? earlier(idle, after(since_, settings.portal_stall_timeout))
                   : idle;
    }
    auto query = after(since_, settings.query_timeout);
    if (query && cancelled_by_timeout_) {
        query = after(*query, worker_->settings().cancel_wait_timeout);
    }
    return earlier(whole, query);
}

void PgClient::arm_timer() {
    if (const auto due = deadline()) {
        engine().timers().arm(*this, *due);
    } else {
        disarm();
    }
}

void PgClient::expired(net::TimePoint now) {
    if (phase_ == Phase::leaving) {
        close();
        worker_->dismiss(*this);
        return;
    }
    const auto due = deadline();
    if (!due || *due > now) {
        arm_timer();
        return;
    }
    if (phase_ == Phase::login) {
        refuse(RefusalReason::login_timeout);
        return;
    }
    const auto passed = [now](net::TimePoint since, config::Duration timeout) {
        return timeout.count() > 0 && now >= since + timeout;
    };
    const config::PoolSettings& settings = shard_->settings();
    const bool slow = phase_ == Phase::idle
                          ? spooled_bytes_ > 0 && passed(since_, settings.slow_reader_timeout)
                          : backend_->reception_paused() &&
                                passed(backend_->reader_slow_since(), settings.slow_reader_timeout);
    if (slow) {
        refuse(RefusalReason::slow_reader_timeout);
        return;
    }
    if (phase_ == Phase::idle || backend_->session().releasable()) {
        const bool idle = passed(since_, settings.client_idle_timeout);
        refuse(idle ? RefusalReason::client_idle_timeout : RefusalReason::pin_timeout);
        return;
    }
    if (passed(transaction_since_, settings.transaction_timeout)) {
        refuse(RefusalReason::transaction_timeout);
    } else if (!backend_->session().busy()) {
        if (passed(since_, settings.idle_transaction_timeout)) {
            refuse(RefusalReason::idle_transaction_timeout);
        } else {
            PgRelay::reclaim(*this);
        }
    } else {
        query_timed_out();
    }
}

void PgClient::query_timed_out() {
    // First the server is asked to cancel, which ends the query and leaves the client connected;
    // only a server that does not comply costs the client its connection.
    if (!cancelled_by_timeout_ && backend_->cancel_running()) {
        cancelled_by_timeout_ = true;
        ++worker_->counters.refusals[static_cast<std::size_t>(RefusalReason::query_timeout)];
        arm_timer();
        return;
    }
    refuse(RefusalReason::query_timeout);
}

}  // namespace sluice::server
