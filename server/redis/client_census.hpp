#pragma once

#include "protocol/resp/client_filter.hpp"
#include "protocol/resp/reply_scanner.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::server {

class RedisClient;
class RedisSide;

/// What one client asks about the clients of the Redis side, or its order to end some of them. It
/// goes to every worker, each of which adds what it has, and from the last of them back to who
/// asked, if that is still there.
///
/// Thread-safe where it is not constant.
class ClientCensus {
  public:
    enum class Task : std::uint8_t { list, kill };
    /// Clients of one user see each other; those of others only who is allowed to by name.
    enum class Scope : std::uint8_t { own_user, everybody };
    struct Question {
        Task task = Task::list;
        Scope scope = Scope::own_user;
        resp::ClientFilter filter;
        resp::RespVersion version = resp::RespVersion::resp2;  ///< Of the answer.
        bool muted = false;  ///< Who asks does not want to see it.
    };

    /// The asker waits from now on; see RedisClient::answered().
    static void begin(RedisClient& asker, Question question);
    ClientCensus(RedisClient& asker, Question question);

    /// As CLIENT LIST has it, with a line break. `asked`: what the client asks with, if it is it.
    [[nodiscard]] static std::string line_of(const RedisClient& client, std::string_view asked);

  private:
    /// True: this was the last worker.
    [[nodiscard]] bool visit(RedisSide& side);
    [[nodiscard]] bool concerns(const RedisClient& client) const;
    void finish();
    [[nodiscard]] std::string reply() const;

    const Question question_;
    const std::string user_;
    const std::uint64_t asker_id_;
    const std::uint32_t asker_slot_;
    const std::uint32_t asker_question_;
    RedisSide& home_;  ///< The asker's.
    std::atomic<std::size_t> workers_left_;
    std::mutex mutex_;
    std::vector<std::pair<std::uint64_t, std::string>> lines_;  ///< By id.
    std::uint64_t killed_ = 0;
    bool asker_killed_ = false;
};

}  // namespace sluice::server
