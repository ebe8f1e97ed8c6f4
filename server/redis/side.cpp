#include "server/redis/side.hpp"

#include "server/log.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

/// Stands for all users that have no section of settings. No user bears this name.
constexpr std::string_view unlisted;

std::vector<std::string> joined(const std::vector<std::string>& of_all,
                                const std::vector<std::string>* of_user) {
    std::vector<std::string> all = of_all;
    if (of_user != nullptr) all.insert(all.end(), of_user->begin(), of_user->end());
    return all;
}

}  // namespace

RedisTerms::RedisTerms(const config::Redis& settings, const config::RedisUser* user,
                       const RedisDirectory& directory)
    : database(user == nullptr || user->database.empty() ? "default" : user->database),
      commands(directory.commands_of(database)),
      policy(commands.catalogue ? commands.catalogue->table() : resp::known_commands(),
             joined(settings.allow_commands, user == nullptr ? nullptr : &user->allow_commands),
             joined(settings.refuse_commands, user == nullptr ? nullptr : &user->refuse_commands),
             user != nullptr && user->read_only ? resp::Writing::refused : resp::Writing::allowed) {
    const auto section = settings.databases.find(database);
    own_backends = section != settings.databases.end() && section->second.user_backends;
    if (user != nullptr) backend_user = user->backend_user;
    query_timeout = settings.query_timeout;
    session.policy = &policy;
    session.limits.bulk_bytes_max = settings.max_bulk_bytes;
    const std::uint64_t request_bytes_max = user != nullptr && user->max_request_bytes
                                                ? *user->max_request_bytes
                                                : settings.max_request_bytes;
    if (request_bytes_max > 0) session.request_bytes_max = request_bytes_max;
    session.databases = settings.select_databases;
    session.held_bytes_max = settings.max_held_bytes;
    session.commands_known = commands.asked;
}

RedisSide::RedisSide(Worker& worker) : worker_(worker), login_checks_(*this) {
    make_terms();
}

RedisSide::~RedisSide() = default;

const config::Redis& RedisSide::settings() const noexcept {
    return worker_.configuration().settings.redis;
}

void RedisSide::make_terms() {
    terms_.clear();
    // Before they are asked for: what changes in between is seen the next time.
    commands_generation_ = worker_.shared().redis.commands_generation();
    const config::Redis& redis = settings();
    const auto add = [&](const std::string& name, const config::RedisUser* user) {
        terms_.try_emplace(name, redis, user, worker_.shared().redis);
    };
    for (const auto& [name, user] : redis.users)
        add(name, &user);
    add("default", nullptr);  // Unless it is there.
    add(std::string(unlisted), nullptr);
    const auto standard = redis.users.find("default");
    const auto section = redis.databases.find("default");
    const bool server_knows = section != redis.databases.end() && section->second.user_backends;
    const bool open = standard == redis.users.end() ? redis.users.empty() && !server_knows
                                                    : standard->second.password.empty();
    terms_.at("default").login = open ? resp::LoginState::done : resp::LoginState::required;
    refresh_versions();
}

void RedisSide::refresh_versions() {
    for (auto& [name, terms] : terms_)
        terms.version = worker_.shared().redis.version_of(terms.database);
}

void RedisSide::refresh_commands() {
    if (commands_generation_ != worker_.shared().redis.commands_generation()) reconfigure();
}

const RedisTerms& RedisSide::terms_of(std::string_view user) const noexcept {
    const auto at = terms_.find(user.empty() ? std::string_view("default") : user);
    return at == terms_.end() ? terms_.find(unlisted)->second : at->second;
}

std::string_view RedisSide::backend_user_of(const RedisClient& client) const noexcept {
    const RedisTerms& terms = client.terms();
    if (!terms.backend_user.empty()) return terms.backend_user;
    if (!terms.own_backends || !client.session().logged_in()) return {};
    const std::string_view user = client.session().user();
    return user.empty() ? std::string_view("default") : user;
}

resp::LoginVerdict RedisSide::judge(RedisClient& client, std::string_view user,
                                    std::string_view password) {
    using resp::LoginVerdict;
    const bool named = !user.empty();
    const std::string_view name = named ? user : std::string_view("default");
    const auto& users = settings().users;
    const auto at = users.find(name);
    const auto section = settings().databases.find("default");
    if (at != users.end()) {
        if (at->second.password.empty()) {
            return named ? LoginVerdict::accepted : LoginVerdict::no_password_set;
        }
        if (same_secret(at->second.password.reveal(), password)) return LoginVerdict::accepted;
    } else if (section != settings().databases.end() && section->second.user_backends) {
        const bool known = worker_.shared().redis.knows_login(settings(), section->first, name,
                                                              password, worker_.engine().now());
        if (known) return LoginVerdict::accepted;
        login_checks_.ask(client, section->second, name, password);
        return LoginVerdict::none;
    } else if (users.empty()) {
        if (!named) return LoginVerdict::no_password_set;
        if (user == "default") return LoginVerdict::accepted;
    }
    ++refusals[static_cast<std::size_t>(RefusalReason::login_failed)];
    return LoginVerdict::rejected;
}

resp::ClientFacts RedisSide::facts_of(const RedisClient& client) const noexcept {
    return {client.id(), client.terms().version};
}

void RedisSide::accepted(int fd) {
    if (shut_) {
        worker_.engine().close(fd);
        return;
    }
    ++clients_accepted;
    std::uint32_t slot = static_cast<std::uint32_t>(clients_.size());
    if (free_slots_.empty()) {
        clients_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    clients_[slot] = std::make_unique<RedisClient>(*this, worker_.next_id(), slot);
    ++client_count_;
    clients_[slot]->begin(fd);
}

void RedisSide::dismiss(RedisClient& client) {
    const std::uint32_t slot = client.slot();
    if (clients_[slot].get() != &client) return;
    worker_.engine().bury(std::move(clients_[slot]));
    free_slots_.push_back(slot);
    --client_count_;
}

RedisClient* RedisSide::find_client(std::uint32_t slot, std::uint64_t id) noexcept {
    RedisClient* const client = client_at(slot);
    return client != nullptr && client->id() == id ? client : nullptr;
}

void RedisSide::reconfigure() {
    make_terms();
    for_each_client([](RedisClient& client) { client.take_terms(); });
}

void RedisSide::drain() {
    for_each_client([](RedisClient& client) { client.drain(); });
    for_each_shard([this](RedisShard& shard) {
        shard.engine().drain(worker_.engine().now());
        shard.perform_orders();
    });
}

void RedisSide::dismiss_all(RefusalReason reason) {
    for_each_client([reason](RedisClient& client) { client.refuse(reason); });
}

void RedisSide::shut() {
    shut_ = true;  // From here on nothing is opened.
    login_checks_.shut();
    for_each_client([](RedisClient& client) { client.leave("shutdown"); });
    for (auto& [entry, shard] : shards_)
        shard->close_all();
    clients_.clear();
}

RedisShard* RedisSide::shard_for(const RedisClient& client) {
    return shard_for({client.terms().database, client.session().database(),
                      client.session().version(), std::string(backend_user_of(client))});
}

RedisShard* RedisSide::shard_for(const RedisKey& key) {
    const auto entry = worker_.shared().redis.find(
        settings(), key, static_cast<unsigned>(worker_.shared().workers.size()));
    return entry ? &shard_of(entry) : nullptr;
}

RedisSubscriber& RedisSide::subscriber_for(const RedisClient& client) {
    // Channels are the same in every database number and version.
    const RedisKey key{client.terms().database, 0, resp::RespVersion::resp2,
                       std::string(backend_user_of(client))};
    return subscribers_.try_emplace(key, *this, key).first->second;
}

void RedisSide::wake_subscribers() {
    for (auto& [key, subscriber] : subscribers_)
        subscriber.wake();
    login_checks_.wake();
}

void RedisSide::pools_retired() {
    for (auto& [key, subscriber] : subscribers_)
        subscriber.follow_settings();
}

RedisShard& RedisSide::shard_of(const std::shared_ptr<pool::PoolEntry>& entry) {
    auto& shard = shards_[entry.get()];
    if (!shard) {
        shard = std::make_unique<RedisShard>(worker_, entry,
                                             counters_of(redis_pool_of(*entry).key().database));
        if (shut_) shard->close_all();
    }
    return *shard;
}

RedisShard* RedisSide::find_shard(const pool::PoolEntry* entry) noexcept {
    const auto at = shards_.find(entry);
    return at == shards_.end() ? nullptr : at->second.get();
}

void RedisSide::retire(RedisShard& shard) {
    worker_.post([this, entry = shard.entry()] {
        const auto at = shards_.find(entry.get());
        if (at == shards_.end() || at->second->clients_entered > 0) return;
        at->second->close_all();
        if (!at->second->is_deserted()) return;
        worker_.engine().bury(std::move(at->second));
        shards_.erase(at);
    });
}

void RedisSide::refuse_link_later(RedisClient& client) {
    worker_.post([this, slot = client.slot(), id = client.id()] {
        RedisClient* const found = find_client(slot, id);
        if (found == nullptr || found->phase() != RedisClient::Phase::awaiting_link) return;
        found->link_refused();
    });
}

void RedisSide::refuse_pin_later(RedisClient& client, pool::Refused reason) {
    worker_.post([this, slot = client.slot(), id = client.id(), reason] {
        RedisClient* const found = find_client(slot, id);
        if (found == nullptr || found->phase() != RedisClient::Phase::awaiting_pin) return;
        found->refused(reason);
    });
}

void RedisSide::end_round_later(const RedisClient& client) {
    worker_.post([this, slot = client.slot(), id = client.id()] {
        RedisClient* const found = find_client(slot, id);
        if (found != nullptr) found->channels_ready();
    });
}

void RedisSide::append_snapshot(WorkerSnapshot& snapshot, SnapshotDetail) {
    snapshot.redis_clients_accepted = clients_accepted;
    snapshot.redis_refusals = refusals;
    std::map<std::string, RedisSnapshot> parts;
    for (const auto& [name, counters] : counters_) {
        parts[name].database = name;
        parts[name].counters = counters;
    }
    // Thousands of clients have few terms between them.
    const RedisTerms* terms = nullptr;
    RedisSnapshot* part_of_terms = nullptr;
    for_each_client([&](RedisClient& client) {
        if (&client.terms() != terms) {
            terms = &client.terms();
            part_of_terms = &parts[terms->database];
            part_of_terms->database = terms->database;
        }
        ++part_of_terms->clients;
        if (client.waits()) ++part_of_terms->clients_waiting;
    });
    for (const auto& [key, subscriber] : subscribers_) {
        RedisSnapshot& part = parts[key.database];
        part.channels += subscriber.book().channel_count();
        part.subscriptions += subscriber.book().subscription_count();
    }
    for_each_shard([&](RedisShard& shard) {
        RedisSnapshot& part = parts[shard.pool().key().database];
        for (const auto& backend : shard.backends()) {
            ++part.backends[static_cast<std::size_t>(backend->use())];
            if (backend->client() != nullptr) ++part.pinned_in_use;
            part.replies_owed += backend->session.owed_count();
            for (std::size_t kind = 0; kind < resp::error_kind_count; ++kind)
                part.counters.errors[kind] += backend->session.errors()[kind];
        }
    });
    for (auto& [name, part] : parts)
        snapshot.redis.push_back(std::move(part));
}

}  // namespace sluice::server
