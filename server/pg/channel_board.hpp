#pragma once

#include "server/pg/listening_backend.hpp"
#include "server/pg/posted_bytes.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

class PgClient;
class Worker;

/// Which of one worker's clients listen to which channel, and the way between them and the
/// listening backends, whose home may be another worker: each order and each answer is a posted
/// message, and messages of one worker to another arrive in their order.
///
/// Owned by its worker. Confined to: it.
class ChannelBoard {
  public:
    explicit ChannelBoard(Worker& worker) : worker_(worker) {}

    /// The clients of one database and encoding. Stays while one of them refers to it.
    struct Group {
        ListeningKey key;
        std::map<std::string, std::vector<PgClient*>, std::less<>> listeners;
        std::uint32_t users = 0;
    };
    [[nodiscard]] Group& enter(const ListeningKey& key);
    void leave(Group& group);

    // A client wants. `serial` comes back with the answer.
    void subscribe(PgClient& client, const Group& group, const std::string& channel,
                   std::uint32_t serial);
    void unsubscribe(PgClient& client, Group& group, const std::string& channel);
    void barrier(PgClient& client, const Group& group, std::uint32_t serial);

    // A listening backend answers.
    void agreed(const ListeningKey& key, const ListenOrder& order);
    void refused(const ListenOrder& order, const std::string& error_body);
    void barriers_set(const ListenOrder& order, std::uint32_t count);
    void passed(const ListenOrder& order);
    void notified(const ListeningKey& key, const std::string& channel, const std::string& frame);
    /// Too many notifications are on their way here: all who listen are cut off.
    void overrun(const ListeningKey& key, const std::string& channel);
    /// The connection was lost and is there again.
    void interrupted(const ListeningKey& key);

    std::uint64_t notifications = 0;   ///< Handed to clients.
    std::uint32_t listener_count = 0;  ///< Clients that listen to something.
    PostedBytes posted;                ///< Notifications on their way here.

  private:
    [[nodiscard]] ListenOrder order_of(PgClient& client, std::uint32_t serial,
                                       std::string channel) const;
    [[nodiscard]] PgClient* client_of(const ListenOrder& order) const;

    Worker& worker_;
    std::map<ListeningKey, std::unique_ptr<Group>> groups_;
};

}  // namespace sluice::server
