#include "server/pg/channel_board.hpp"

#include "server/pg/client.hpp"
#include "server/pg/listening.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::server {

ChannelBoard::Group& ChannelBoard::enter(const ListeningKey& key) {
    auto& group = groups_[key];
    if (!group) group = std::make_unique<Group>(Group{key, {}, 0});
    ++group->users;
    return *group;
}

void ChannelBoard::leave(Group& group) {
    if (--group.users == 0) groups_.erase(group.key);
}

ListenOrder ChannelBoard::order_of(PgClient& client, std::uint32_t serial,
                                   std::string channel) const {
    return {worker_.index(), client.slot(),      client.id(),
            serial,          std::move(channel), client.shard()->entry()};
}

PgClient* ChannelBoard::client_of(const ListenOrder& order) const {
    PgClient* const client = worker_.find_client(order.slot, order.client);
    return client == nullptr || client->listening() == nullptr ? nullptr : client;
}

void ChannelBoard::subscribe(PgClient& client, const Group& group, const std::string& channel,
                             std::uint32_t serial) {
    Worker& home = listening_home(worker_, group.key.database);
    home.post([&home, key = group.key, order = order_of(client, serial, channel)] {
        home.listening_backends().of(key).listen(order);
    });
}

void ChannelBoard::unsubscribe(PgClient& client, Group& group, const std::string& channel) {
    const auto at = group.listeners.find(channel);
    if (at == group.listeners.end() || std::erase(at->second, &client) == 0) return;
    if (at->second.empty()) group.listeners.erase(at);
    Worker& home = listening_home(worker_, group.key.database);
    home.post([&home, key = group.key, channel, worker = worker_.index()] {
        home.listening_backends().of(key).unlisten(worker, channel);
    });
}

void ChannelBoard::barrier(PgClient& client, const Group& group, std::uint32_t serial) {
    Worker& home = listening_home(worker_, group.key.database);
    home.post([&home, database = group.key.database, order = order_of(client, serial, {})] {
        home.listening_backends().barrier(database, order);
    });
}

void ChannelBoard::agreed(const ListeningKey& key, const ListenOrder& order) {
    PgClient* const client = client_of(order);
    if (client == nullptr || !client->listening()->awaits(order.serial)) {
        // It has left meanwhile.
        Worker& home = listening_home(worker_, key.database);
        home.post([&home, key, channel = order.channel, worker = worker_.index()] {
            home.listening_backends().of(key).unlisten(worker, channel);
        });
        return;
    }
    groups_.at(key)->listeners[order.channel].push_back(client);
    client->listening()->agreed(order.serial, order.channel);
}

void ChannelBoard::refused(const ListenOrder& order, const std::string& error_body) {
    PgClient* const client = client_of(order);
    if (client != nullptr && client->listening()->awaits(order.serial)) {
        client->listening()->refused(error_body);
    }
}

void ChannelBoard::barriers_set(const ListenOrder& order, std::uint32_t count) {
    if (PgClient* const client = client_of(order)) {
        client->listening()->barriers_set(order.serial, count);
    }
}

void ChannelBoard::passed(const ListenOrder& order) {
    if (PgClient* const client = client_of(order)) client->listening()->passed(order.serial);
}

void ChannelBoard::notified(const ListeningKey& key, const std::string& channel,
                            const std::string& frame) {
    posted.taken(frame.size());
    const auto group = groups_.find(key);
    if (group == groups_.end()) return;
    const auto at = group->second->listeners.find(channel);
    if (at == group->second->listeners.end()) return;
    // One that is cut off leaves the list.
    const std::vector<PgClient*> listeners = at->second;
    for (PgClient* const client : listeners) {
        ++notifications;
        client->listening()->hear(frame);
    }
}

void ChannelBoard::overrun(const ListeningKey& key, const std::string& channel) {
    if (const auto group = groups_.find(key); group != groups_.end()) {
        const auto at = group->second->listeners.find(channel);
        const bool any = at != group->second->listeners.end();
        const auto listeners = any ? at->second : std::vector<PgClient*>();
        for (PgClient* const client : listeners)
            client->listening()->cut();
    }
    Worker& home = listening_home(worker_, key.database);
    home.post([&home, key, channel, worker = worker_.index()] {
        home.listening_backends().of(key).overrun_ended(worker, channel);
    });
}

void ChannelBoard::interrupted(const ListeningKey& key) {
    const auto group = groups_.find(key);
    if (group == groups_.end()) return;
    std::set<PgClient*> listeners;
    for (const auto& [channel, clients] : group->second->listeners)
        listeners.insert(clients.begin(), clients.end());
    std::string frame;
    pg::append_notice(frame, pg::Severity::warning, "01000",
                      "notifications may have been lost: the connection that listens for this "
                      "client was lost and has been made again");
    for (PgClient* const client : listeners)
        client->listening()->hear(frame);
}

}  // namespace sluice::server
