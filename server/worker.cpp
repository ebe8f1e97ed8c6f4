#include "server/worker.hpp"

#include "protocol/assert.hpp"
#include "protocol/crypto.hpp"

#include "server/pg/backend.hpp"
#include "server/pg/cancel.hpp"
#include "server/pg/client.hpp"
#include "server/pg/client_process_id.hpp"
#include "server/pg/console.hpp"
#include "server/pg/login.hpp"
#include "server/pg/peer_cancel.hpp"
#include "server/pg/shard.hpp"
#include "server/redis/side.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

namespace sluice::server {

namespace {

/// Clients choose the texts, so they shall not know how they are hashed.
std::uint64_t random_seed() {
    std::array<std::byte, sizeof(std::uint64_t)> seed{};
    SLUICE_ASSERT(crypto::random_bytes(seed));
    return std::bit_cast<std::uint64_t>(seed);
}

}  // namespace

Worker::Worker(Shared& shared, unsigned index, std::unique_ptr<net::Engine> engine)
    : shared_(shared),
      configuration_(shared.configuration()),
      index_(index),
      engine_(std::move(engine)),
      statement_memo_({}, random_seed()),
      listening_backends_(std::make_unique<ListeningBackends>(*this)),
      redis_(std::make_unique<RedisSide>(*this)),
      peer_cancels_(std::make_unique<PeerCancels>(*this)) {}

Worker::~Worker() = default;

void Worker::reconfigure(std::shared_ptr<const Configuration> configuration) {
    configuration_ = std::move(configuration);
    redis_->reconfigure();
    idle_pools_.look_again();
    // Of pools that an earlier reload retired and nobody has asked for since.
    std::erase_if(departed_, [this](const auto& departed) {
        return !shared_.registry.find({departed.first.first, departed.first.second});
    });
}

void Worker::shut() {
    // Clients before shards, for they hold leases.
    for (auto& client : clients_) {
        if (client && client->phase() != PgClient::Phase::leaving) client->leave("shutdown");
    }
    listeners_.clear();
    redis_->shut();
    for (auto& [entry, shard] : shards_) {
        shard->close_all();
    }
    cancel_calls_.clear();
    peer_cancels_->close_all();
    clients_.clear();
    idle_pools_.clear();
    listening_backends_ = std::make_unique<ListeningBackends>(*this);
    phase_ = Phase::shut;
}

void Worker::start() {
    thread_ = std::thread([this] {
        const std::string name = "worker-" + std::to_string(index_);
        ::pthread_setname_np(::pthread_self(), name.c_str());
        engine_->run();
    });
}

void Worker::stop() noexcept {
    engine_->stop();
}

void Worker::join() {
    if (thread_.joinable()) thread_.join();
}

void Worker::listen(ListeningSocket socket, Side side) {
    listeners_.push_back(std::make_unique<Listener>(*this, std::move(socket), side));
}

void Worker::stop_listening() {
    for (auto& listener : listeners_)
        engine_->bury(std::move(listener));
    listeners_.clear();
}

void Worker::place(std::unique_ptr<PgClient> client) {
    std::uint32_t slot = static_cast<std::uint32_t>(clients_.size());
    if (free_slots_.empty()) {
        clients_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    client->slot_ = slot;
    if (client->phase() == PgClient::Phase::login) ++client_counts.login;
    clients_[slot] = std::move(client);
    ++client_count_;
}

std::size_t Worker::client_count() const noexcept {
    return client_count_ + redis_->client_count();
}

void Worker::accepted(int fd, const net::SocketAddress& peer, Side side) {
    if (phase_ == Phase::shut) {
        engine_->close(fd);
        return;
    }
    if (side == Side::redis) {
        redis_->accepted(fd);
        return;
    }
    ++counters.clients_accepted;
    auto client = std::make_unique<PgClient>(*this, next_id());
    PgClient& placed = *client;
    place(std::move(client));
    placed.begin(fd, peer);
}

PgClient* Worker::adopt(std::unique_ptr<PgClient> client) {
    PgClient& adopted = *client;
    adopted.worker_ = this;
    place(std::move(client));
    adopted.arrive(*engine_);
    if (phase_ == Phase::shut) {
        adopted.leave("shutdown");
        return nullptr;
    }
    adopted.arm_timer();
    return &adopted;
}

std::unique_ptr<PgClient> Worker::part_with(PgClient& client) {
    client.disarm();
    client.depart();
    if (client.phase() == PgClient::Phase::login) --client_counts.login;
    std::unique_ptr<PgClient> parted = std::move(clients_[client.slot()]);
    free_slots_.push_back(client.slot());
    --client_count_;
    return parted;
}

void Worker::dismiss(PgClient& client) {
    const std::uint32_t slot = client.slot();
    if (clients_[slot].get() != &client) return;
    engine_->bury(std::move(clients_[slot]));
    free_slots_.push_back(slot);
    --client_count_;
}

PgClient* Worker::find_client(std::uint32_t slot, std::uint64_t id) noexcept {
    if (slot >= clients_.size() || !clients_[slot] || clients_[slot]->id() != id) return nullptr;
    return clients_[slot].get();
}

PgShard& Worker::shard_of(const std::shared_ptr<pool::PoolEntry>& entry) {
    auto& shard = shards_[entry.get()];
    if (!shard) {
        const auto index = static_cast<PgPool&>(*entry->attachment).shard_on(index_);
        SLUICE_ASSERT(index.has_value());
        shard = std::make_unique<PgShard>(*this, entry, *index);
        // Whatever still comes here, a backend on its way say, is closed.
        if (phase_ == Phase::shut) shard->close_all();
    }
    return *shard;
}

PgShard* Worker::find_shard(const pool::PoolEntry* entry) noexcept {
    const auto at = shards_.find(entry);
    return at == shards_.end() ? nullptr : at->second.get();
}

void Worker::free_shard(const std::shared_ptr<pool::PoolEntry>& entry) {
    post([this, entry] {
        const auto at = shards_.find(entry.get());
        if (at == shards_.end() || !at->second->is_deserted()) return;
        if (static_cast<PgPool&>(*entry->attachment).standing() != PgPool::Standing::forgotten) {
            // Counters never fall: its successor's are added to these.
            PoolSnapshot last = at->second->snapshot();
            const auto [departed, is_new] = departed_.try_emplace({last.database, last.user}, last);
            if (!is_new) add_counters(departed->second, last);
        }
        // Backends that it had, buried before it, name it in their destructors.
        engine_->bury(std::move(at->second));
        shards_.erase(at);
    });
}

void Worker::pool_forgotten(const std::shared_ptr<pool::PoolEntry>& entry) {
    departed_.erase({entry->key.database, entry->key.user});
    idle_pools_.look_again();
    PgShard* const shard = find_shard(entry.get());
    if (shard == nullptr) return;
    shard->engine().recycle(engine_->now());
    shard->perform_orders();
}

void Worker::for_each_shard(const std::function<void(PgShard&)>& visit) {
    for (auto& [entry, shard] : shards_)
        visit(*shard);
}

void Worker::fill_random(std::span<std::byte> out) {
    SLUICE_ASSERT(out.size() <= 64);
    if (random_.size() - random_used_ < out.size()) {
        // Without random bytes no key may be made at all.
        SLUICE_ASSERT(crypto::random_bytes(random_));
        random_used_ = 0;
    }
    const auto from = std::span(random_).subspan(random_used_, out.size());
    std::ranges::copy(from, out.begin());
    // What was given out is not kept: it is somebody's secret now.
    std::ranges::fill(from, std::byte{0});
    random_used_ += out.size();
}

void Worker::give_cancel_key(PgClient& client, CancelKeyForm form) {
    std::array<std::byte, 4> random{};
    fill_random(random);
    client.set_cancel_key(
        client_process_id(index_, client.slot(), static_cast<std::uint64_t>(counters.logins)),
        PeerCancels::secret_of(settings().instance, wire::load_u32(random.data())), form);
}

bool Worker::cancel_here(std::uint32_t process_id, wire::Bytes key,
                         const std::function<void()>& done) {
    const auto matches = [&](const PgClient* client) {
        if (client == nullptr || client->cancel_process_id() != process_id) return false;
        // In constant time, so that answers do not tell how much of a guess was right.
        const CancelKey own = shared_.cancel_keys.key_of(process_id, client->cancel_secret(),
                                                         client->cancel_key_form());
        return crypto::constant_time_equal(own.view(), key);
    };
    const std::uint32_t slot = slot_of(process_id);
    if (slot < clients_.size() && matches(clients_[slot].get())) {
        clients_[slot]->cancel_requested(done);
        return true;
    }
    // In session mode the process id is that of the client's backend.
    for (auto& [entry, shard] : shards_) {
        for (const auto& backend : shard->backends()) {
            if (backend->key().process_id == process_id && matches(backend->client())) {
                backend->client()->cancel_requested(done);
                return true;
            }
        }
    }
    return false;
}

void Worker::cancel(std::uint32_t process_id, wire::Bytes key, std::function<void()> done) {
    // Every worker is asked, since a real process id says nothing of where its client is.
    const auto left = std::make_shared<std::atomic<std::size_t>>(shared_.workers.size());
    const auto hits = std::make_shared<std::atomic<unsigned>>(0);
    std::string bare(wire::as_text(key));
    const bool marked = PeerCancels::take_mark(bare);
    for (const auto& worker : shared_.workers) {
        worker->post([asked = worker.get(), asking = this, process_id, left, hits, done, marked,
                      key = bare] {
            const std::function<void()> settled = [=] {
                if (--*left > 0) return;
                asking->post([=] {
                    const bool found = *hits > 0;
                    if (!found && !marked && asking->peer_cancels_->ask(process_id, key, done)) {
                        return;
                    }
                    if (!found) ++asking->counters.cancels_dropped;
                    done();
                });
            };
            // Settled only when the database server has seen to it, as its clients rely on.
            ++*hits;
            if (asked->cancel_here(process_id, wire::as_bytes(key), settled)) return;
            --*hits;
            settled();
        });
    }
}

void Worker::track(std::unique_ptr<CancelCall> call) {
    cancel_calls_.push_back(std::move(call));
}

void Worker::forget(CancelCall& call) {
    const auto at = std::ranges::find(cancel_calls_, &call, &std::unique_ptr<CancelCall>::get);
    if (at == cancel_calls_.end()) return;
    engine_->bury(std::move(*at));
    cancel_calls_.erase(at);
}

void Worker::drain() {
    phase_ = Phase::draining;
    stop_listening();
    for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
        if (clients_[slot]) clients_[slot]->drain();
    }
    redis_->drain();
    for (auto& [entry, shard] : shards_) {
        shard->engine().drain(engine_->now());
        shard->perform_orders();
    }
}

void Worker::dismiss_all() {
    for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
        if (clients_[slot]) clients_[slot]->refuse(RefusalReason::shutdown);
    }
    redis_->dismiss_all(RefusalReason::shutdown);
}

WorkerSnapshot Worker::snapshot(SnapshotDetail detail) {
    WorkerSnapshot snapshot;
    snapshot.worker = index_;
    snapshot.counters = counters;
    const sql::MemoCounters& texts = statement_memo_.counters();
    snapshot.counters.texts_remembered = texts.hits;
    snapshot.counters.texts_parsed = texts.misses;
    snapshot.counters.text_evictions = texts.evictions;
    snapshot.counters.text_parse_time = std::chrono::nanoseconds(texts.parse_nanoseconds);
    snapshot.texts = statement_memo_.entry_count();
    snapshot.text_bytes = statement_memo_.bytes();
    snapshot.counters.notifications = channels_.notifications;
    snapshot.counters.listening_losses = listening_backends_->losses;
    snapshot.listening = listening_backends_->counts();
    for (auto& [entry, shard] : shards_)
        snapshot.pools.push_back(shard->snapshot());
    for (const auto& [name, pool] : departed_)
        snapshot.departed.push_back(pool);
    snapshot.clients_login = client_counts.login;
    snapshot.clients_console = client_counts.console;
    snapshot.clients_replicating = client_counts.replicating;
    snapshot.clients_listening = channels_.listener_count;
    redis_->append_snapshot(snapshot, detail);
    if (detail == SnapshotDetail::counters) return snapshot;
    for (const auto& client : clients_) {
        if (client) snapshot.clients.push_back(row_of(*client));
    }
    for (auto& [entry, shard] : shards_)
        shard->append_rows(snapshot.backends);
    return snapshot;
}

ClientRow Worker::row_of(const PgClient& client) {
    using std::chrono::duration_cast;
    static constexpr std::array<std::string_view, 7> phases{
        "login", "idle", "waiting", "active", "console", "replicating", "closing"};
    ClientRow row;
    row.id = client.id();
    row.state = phases[static_cast<std::size_t>(client.phase())];
    row.address = client.is_open() ? net::peer_address_of(client.fd()).text() : std::string();
    row.age = duration_cast<std::chrono::seconds>(engine_->now() - client.accepted_at());
    if (client.login() != nullptr) {
        row.user = client.login()->user();
        row.database = client.login()->database();
    }
    if (client.shard() != nullptr) {
        row.user = client.shard()->settings().user;
        row.database = client.shard()->settings().database;
        row.application_name = client.profile()->settings.find("application_name").value_or("");
    }
    if (const auto pin = client.session().pin()) row.pin = pg::name_of(*pin);
    if (client.session().statements() != nullptr) {
        row.statements = client.session().statements()->count();
    }
    if (client.backend() != nullptr) row.backend_id = client.backend()->id();
    if (client.phase() == PgClient::Phase::waiting) {
        row.wait = duration_cast<std::chrono::milliseconds>(engine_->now() - client.since());
    }
    return row;
}

}  // namespace sluice::server
