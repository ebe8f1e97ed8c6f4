#pragma once

#include "protocol/wire/cursor.hpp"

#include "server/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::resp {
enum class MemoryUse : std::uint8_t;
enum class Spared : std::uint8_t;
struct BackendRun;
struct ClientStep;
}  // namespace sluice::resp

namespace sluice::server {

class RedisBackend;
class RedisClient;
enum class RedisRound : std::uint8_t;

/// The one place where both directions of the Redis side meet: performs what a client's session
/// decides, and gives each reply to whom it is owed.
///
/// Stateless: what there is to know lies with the client and the backend. On the way of a request
/// nothing is allocated, locked or logged.
class RedisRelay {
  public:
    static void client_received(RedisClient& client, wire::Bytes arrived);
    /// Goes on with what the client has sent: what was kept of it, or `arrived` when nothing was.
    static void serve(RedisClient& client, wire::Bytes arrived);
    static void backend_received(RedisBackend& backend, wire::Bytes arrived);
    static void backend_drained(RedisBackend& backend);
    /// The backend is gone or of no more use: whoever it owed hears of it.
    static void backend_lost(RedisBackend& backend, RefusalReason reason);
    /// Nothing came for the client for as long as it may wait.
    static void reply_late(RedisClient& client);
    static void begin_pin(RedisClient& client, RedisBackend& backend);
    /// The client leaves: nothing of it stays with a backend.
    static void part(RedisClient& client);
    /// A message for a client that has subscribed: it comes between two replies.
    enum class Hearing : unsigned char { kept_up, slow };
    [[nodiscard]] static Hearing hear(RedisClient& client, std::string_view message);
    /// Unless it still has a channel.
    static void forget_subscription(RedisClient& client);
    /// What it has left is given up: it has the answer now.
    enum class After : unsigned char { stays, leaves };
    [[nodiscard]] static After end_round(RedisClient& client);
    /// Who sends no more leaves behind the last reply; at once when that may never come.
    static void leave_if_done(RedisClient& client);
    /// Reads from each side just when the other keeps up.
    static void balance(RedisClient& client);

  private:
    enum class Goes : unsigned char { on, waits, away };

    /// Of `out`, what is behind `answer_at` comes from this step.
    static Goes perform(RedisClient& client, const resp::ClientStep& step, std::string& out,
                        std::size_t answer_at);
    static Goes judge(RedisClient& client, const resp::ClientStep& step);
    static void count_spared(RedisClient& client, resp::Spared why);
    static void tell_gate(RedisClient& client, resp::MemoryUse use);
    static void hear_of_memory(RedisBackend& backend, const resp::BackendRun& run);
    static Goes lend(RedisClient& client, const resp::ClientStep& step);
    static Goes follow_key(RedisClient& client);
    static Goes subscribe(RedisClient& client, const resp::ClientStep& step, std::string& out);
    static Goes unsubscribe(RedisClient& client, const resp::ClientStep& step, std::string& out);
    static void leave_channels(RedisClient& client);
    static Goes ping(RedisClient& client, std::string& out, std::size_t answer_at);
    static bool await_round(RedisClient& client, RedisRound round, std::string_view answer);
    /// RESET and QUIT, which what is behind `answer_at` answers when every channel is left.
    static Goes part_first(RedisClient& client, RedisRound round, std::string& out,
                           std::size_t answer_at);
    static Goes consult(RedisClient& client, const resp::ClientStep& step, std::string& out);
    static void gather(RedisClient& client, wire::Bytes bytes);
    static void hear_held(RedisClient& client);
    static void weigh(RedisClient& client, std::size_t bytes, std::uint32_t replies);
    static void change_lane(RedisClient& client);
    static void deliver(RedisBackend& backend, std::uint32_t owner, wire::Bytes bytes,
                        std::uint32_t replies);
    static void tell_unanswered(RedisClient& client, std::uint32_t replies, RefusalReason reason);
    static void release_if_settled(RedisClient& client);
    static void give_back(RedisClient& client, bool clean);
};

}  // namespace sluice::server
