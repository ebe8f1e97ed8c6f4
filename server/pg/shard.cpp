#include "server/pg/shard.hpp"

#include "protocol/assert.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/permits.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

bool any_timeout(const config::PoolSettings& settings) {
    return settings.query_timeout.count() > 0 || settings.idle_transaction_timeout.count() > 0 ||
           settings.portal_stall_timeout.count() > 0 || settings.slow_reader_timeout.count() > 0 ||
           settings.transaction_timeout.count() > 0 || settings.client_idle_timeout.count() > 0 ||
           settings.pin_timeout.count() > 0;
}

pg::Treatment treatment_of(config::TrackPolicy policy) {
    switch (policy) {
        case config::TrackPolicy::track: return pg::Treatment::track;
        case config::TrackPolicy::pin: return pg::Treatment::pin;
        case config::TrackPolicy::reject: return pg::Treatment::reject;
        case config::TrackPolicy::warn: return pg::Treatment::warn;
    }
    return pg::Treatment::pin;
}

pg::Treatment treatment_of(config::ListenPolicy policy) {
    switch (policy) {
        case config::ListenPolicy::fan_out: return pg::Treatment::track;
        case config::ListenPolicy::pin: return pg::Treatment::pin;
        case config::ListenPolicy::reject: return pg::Treatment::reject;
        case config::ListenPolicy::warn: return pg::Treatment::warn;
    }
    return pg::Treatment::pin;
}

pg::Treatment treatment_of(config::KeepPolicy policy) {
    switch (policy) {
        case config::KeepPolicy::pin: return pg::Treatment::pin;
        case config::KeepPolicy::reject: return pg::Treatment::reject;
        case config::KeepPolicy::warn: return pg::Treatment::warn;
    }
    return pg::Treatment::pin;
}

pg::Probe probe_of(config::Probe probe) {
    switch (probe) {
        case config::Probe::off: return pg::Probe::off;
        case config::Probe::unknown: return pg::Probe::unknown;
        case config::Probe::always: return pg::Probe::always;
    }
    return pg::Probe::unknown;
}

pg::SessionPolicy session_policy_of(const config::PoolSettings& settings) {
    const config::SessionState& state = settings.session_state;
    pg::SessionPolicy policy;
    policy.set = treatment_of(state.set);
    policy.role = treatment_of(state.role);
    policy.listen = treatment_of(state.listen);
    policy.temporary_table = treatment_of(state.temporary_table);
    policy.advisory_lock = treatment_of(state.advisory_lock);
    policy.with_hold = treatment_of(state.with_hold);
    policy.sql_prepare = treatment_of(state.sql_prepare);
    policy.code = treatment_of(state.code);
    policy.probe = probe_of(settings.probe);
    return policy;
}

pg::StatementPolicy policy_of(const config::PoolSettings& settings,
                              const config::Postgres& postgres) {
    pg::StatementPolicy policy;
    policy.session = session_policy_of(settings);
    policy.max_prepared_statements = settings.max_prepared_statements;
    policy.max_client_statements = postgres.max_client_statements;
    policy.max_client_statement_bytes = postgres.max_client_statement_bytes;
    switch (settings.auto_prepare) {
        case config::AutoPrepare::off: policy.auto_prepare = pg::AutoPrepare::off; break;
        case config::AutoPrepare::on: policy.auto_prepare = pg::AutoPrepare::on; break;
        case config::AutoPrepare::always: policy.auto_prepare = pg::AutoPrepare::always; break;
    }
    return policy;
}

pg::StatementIds ids_of(Worker& worker) {
    return {worker.index(), static_cast<unsigned>(worker.shared().workers.size())};
}

template <typename... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Match(Cases...) -> Match<Cases...>;

}  // namespace

PgShard::PgShard(Worker& worker, std::shared_ptr<pool::PoolEntry> entry, unsigned index)
    : worker_(worker),
      entry_(std::move(entry)),
      pool_(static_cast<PgPool&>(*entry_->attachment)),
      index_(index),
      has_timeouts_(any_timeout(pool_.settings())),
      statements_(worker.statement_reader(), ids_of(worker),
                  {worker.settings().statement_cache_size, worker.settings().statement_cache_bytes},
                  policy_of(pool_.settings(), worker.settings())),
      engine_(entry_->shared, index, entry_->limits,
              worker.next_id() ^
                  static_cast<std::uint64_t>(worker.engine().now().time_since_epoch().count())) {
    engine_.tick(worker_.engine().now());
    perform_orders();
}

PgShard::~PgShard() = default;

void PgShard::perform_orders() {
    if (performing_) return;  // The loop below, further up the stack, sees to it.
    perform_all();
    if (clients_entered == 0 && pool_.retired()) {
        // Nothing is kept warm for those who come no more.
        engine_.drain(worker_.engine().now());
        perform_all();
        if (is_deserted()) worker_.free_shard(entry_);
    }
}

void PgShard::perform_all() {
    performing_ = true;
    while (const auto action = engine_.next_action())
        perform(*action);
    performing_ = false;
    arm();
}

void PgShard::arm() {
    if (const auto due = engine_.next_deadline()) {
        worker_.engine().timers().arm(*this, *due);
    } else {
        disarm();
    }
}

bool PgShard::anybody_listens() const noexcept {
    return worker_.shared().listening_clients.load(std::memory_order_relaxed) > 0;
}

void PgShard::expired(net::TimePoint now) {
    engine_.tick(now);
    perform_orders();
}

void PgShard::perform(const pool::Action& action) {
    Shared& shared = worker_.shared();
    std::visit(
        Match{
            [](const pool::Grant& grant) {
                static_cast<PgClient*>(grant.waiter)
                    ->granted(static_cast<PgBackend&>(*grant.backend));
            },
            [](const pool::Refuse& refuse) {
                static_cast<PgClient*>(refuse.waiter)->refused(refuse.reason);
            },
            [this](const pool::Open& order) { open(order.affinity); },
            [](const pool::Close& order) { static_cast<PgBackend*>(order.backend)->shut(); },
            [](const pool::Reset& order) { static_cast<PgBackend*>(order.backend)->reset(); },
            [](const pool::Check& order) { static_cast<PgBackend*>(order.backend)->check(); },
            [this](const pool::Send& order) {
                send(static_cast<PgBackend&>(*order.backend), order.shard);
            },
            [this, &shared](const pool::Wake& order) {
                for (unsigned shard = 0; shard < pool_.workers().size(); ++shard) {
                    if ((order.shard_mask >> shard & 1U) == 0) continue;
                    Worker* const target = shared.workers[pool_.workers()[shard]].get();
                    target->post([target, entry = entry_.get()] {
                        PgShard* const found = target->find_shard(entry);
                        if (found == nullptr) return;
                        found->engine_.wake(target->engine().now());
                        found->perform_orders();
                    });
                }
            },
            [&shared](const pool::NeedPermit&) { Permits::evict_everywhere(shared); },
            [&shared](const pool::OfferPermit&) { Permits::offer_everywhere(shared); },
        },
        action);
}

void PgShard::open(std::uint32_t affinity) {
    // In session mode a client's settings are its backend's own. A shared backend starts with none:
    // a setting that the next client does not bring could not be taken back from its startup.
    const ProfileRef wanted = pool_.profiles().find(affinity);
    const bool own =
        settings().pool_mode == config::PoolMode::session && pool_.profiles().accepted(*wanted);
    const ProfileRef& profile = own ? wanted : pool_.profiles().plain();
    backends_.push_back(std::make_unique<PgBackend>(*this, profile, worker_.next_id()));
    PgBackend& backend = *backends_.back();
    engine_.opening(backend, worker_.engine().now());
    backend.connect();
}

void PgShard::send(PgBackend& backend, unsigned shard) {
    Worker* const target = worker_.shared().workers[pool_.workers()[shard]].get();
    PgBackend* const travelling = part_with(backend).release();
    // The entry, held by the task, keeps the pool alive on the way.
    target->post([target, travelling, entry = entry_] {
        target->shard_of(entry).welcome(std::unique_ptr<PgBackend>(travelling));
    });
}

std::unique_ptr<PgBackend> PgShard::part_with(PgBackend& backend) {
    backend.depart();
    const auto at = std::ranges::find(backends_, &backend, &std::unique_ptr<PgBackend>::get);
    SLUICE_ASSERT(at != backends_.end());
    std::unique_ptr<PgBackend> parted = std::move(*at);
    backends_.erase(at);
    return parted;
}

void PgShard::welcome(std::unique_ptr<PgBackend> backend) {
    PgBackend& arrived = *backend;
    backends_.push_back(std::move(backend));
    arrived.move_to(*this);
    arrived.arrive(worker_.engine());
    engine_.arrived(arrived, worker_.engine().now());
    perform_orders();
}

PgBackend* PgShard::find_backend(std::uint64_t id) noexcept {
    const auto at =
        std::ranges::find(backends_, id, [](const auto& backend) { return backend->id(); });
    return at == backends_.end() ? nullptr : at->get();
}

void PgShard::bury(PgBackend& backend) {
    const auto at = std::ranges::find(backends_, &backend, &std::unique_ptr<PgBackend>::get);
    SLUICE_ASSERT(at != backends_.end());
    worker_.engine().bury(std::move(*at));
    backends_.erase(at);
}

bool PgShard::is_deserted() const noexcept {
    return clients_entered == 0 && engine_.empty();
}

void PgShard::close_all() {
    engine_.drain(worker_.engine().now());
    perform_orders();
    while (!backends_.empty())
        backends_.back()->lose();
    perform_orders();
}

void PgShard::append_rows(std::vector<BackendRow>& rows) const {
    static constexpr std::array<std::string_view, 5> tasks{"opening", "idle", "checking",
                                                           "resetting", "recovering"};
    for (const auto& backend : backends_) {
        BackendRow row;
        row.id = backend->id();
        row.user = pool_.settings().server_user;
        row.database = pool_.settings().database;
        row.state = tasks[static_cast<std::size_t>(backend->task())];
        if (backend->client() != nullptr) row.state = "leased";
        row.address = backend->address().size > 0 ? backend->address().text() : std::string();
        row.process_id = backend->key().process_id;
        row.client_id = backend->client() == nullptr ? 0 : backend->client()->id();
        row.age = std::chrono::duration_cast<std::chrono::seconds>(worker_.engine().now() -
                                                                   backend->opened_at());
        rows.push_back(std::move(row));
    }
}

PoolSnapshot PgShard::snapshot() const {
    PoolSnapshot snapshot;
    snapshot.database = pool_.settings().database;
    snapshot.user = pool_.settings().user;
    snapshot.mode = pool_.settings().pool_mode;
    snapshot.stats = engine_.stats(worker_.engine().now());
    snapshot.counters = counters;
    snapshot.counters.statements = statements_.counters;
    snapshot.statements = statements_.catalog.size();
    snapshot.statement_bytes = statements_.catalog.bytes();
    for (const auto& backend : backends_) {
        if (const auto hold = backend->hold()) ++snapshot.held[static_cast<std::size_t>(*hold)];
    }
    snapshot.spool_bytes = spool_bytes;
    snapshot.clients_idle = clients_idle;
    snapshot.clients_waiting = clients_waiting;
    snapshot.clients_active = clients_active;
    snapshot.clients_pinned = clients_pinned;
    return snapshot;
}

}  // namespace sluice::server
