#pragma once

#include "tests/harness/sim_network.hpp"
#include "tests/sim/redis_sim_wire.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::redis_sim {

using test::milliseconds;
using test::TimePoint;

/// A Redis on the simulated network. Its replies tell for which key, database
/// and RESP version they are; it is late, dies in the middle of a reply, or
/// cannot be reached, as often as it is told to.
///
/// It looks at what comes: a request of one client where another one watches,
/// waits or is within MULTI, one that has come before or comes before an
/// earlier one, one while another of its client is still unanswered elsewhere,
/// a broken one, or state that only a login may change, is a broken promise.
class Server {
  public:
    /// Chances per mille: of a connect, of a login, of a request, or of a turn of
    /// each session.
    struct Faults {
        unsigned connect_refused = 0;
        unsigned connect_slow = 0;
        unsigned connect_hangs = 0;
        unsigned login_refused = 0;
        unsigned login_closed = 0;
        unsigned request_death = 0;
        unsigned turn_death = 0;
        unsigned idle_close = 0;  ///< Of a turn in which nothing is owed: as `timeout` does.
        unsigned hostile = 0;     ///< Of a request: what comes is no reply.
        unsigned late = 50;       ///< Of a request: its reply takes long.
        std::size_t late_ms_max = 200;
        std::size_t blocking_ms_max = 400;
        unsigned memory_spent = 0;  ///< Of a turn: the memory is gone for a while.
        std::size_t memory_ms_max = 600;
    };

    using Trace = std::function<void(const std::string&)>;
    Server(test::SimNetwork& network, std::uint16_t port, Trace trace);

    Faults faults;
    /// Each client's requests come in their order, and by one way at a time.
    bool in_order = true;

    void turn();
    /// Sessions whose other end is open.
    [[nodiscard]] std::size_t live_count() const;
    /// Sessions that ended, or were refused, without the other end's wish.
    [[nodiscard]] std::size_t fault_count() const noexcept { return fault_count_; }
    [[nodiscard]] std::size_t request_count() const noexcept { return request_count_; }
    /// What was published on a channel, in its order.
    [[nodiscard]] const std::vector<std::string>& published(const std::string& channel) {
        return published_[channel];
    }
    /// Somebody has that channel or pattern.
    [[nodiscard]] bool has_channel(const std::string& name) const;
    /// The first promise that was broken; empty: none.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  private:
    struct Reply {
        std::string bytes;
        TimePoint due;
        std::uint32_t client = 0;
        bool blocks = false;
    };
    struct Session {
        int fd = -1;
        bool dead = false;
        bool confused = false;  ///< It has said nonsense; what comes is not looked at any more.
        bool greeted = false;
        bool used = false;  ///< By a client's request: its login is over.
        unsigned version = 2;
        std::string database = "0";
        std::string input;
        std::string output;
        std::deque<Reply> replies;
        std::uint32_t watcher = 0;
        std::uint32_t in_multi = 0;
        bool multi_open = false;
        bool spoilt = false;              ///< A command could not be queued.
        std::vector<std::string> queued;  ///< Replies of EXEC.
        std::set<std::string> channels;
        std::set<std::string> patterns;
    };

    [[nodiscard]] test::ConnectFate fate();
    void act(Session& session);
    void read(Session& session);
    void write(Session& session);
    void die(Session& session);
    void serve(Session& session, const Words& words);
    [[nodiscard]] bool log_in(Session& session, const Words& words);
    void check_owner(Session& session, const Words& words, std::uint32_t client);
    void check_order(const Session& session, const Words& words);
    [[nodiscard]] std::string answer(Session& session, const Words& words);
    void transact(Session& session, const Words& words, std::uint32_t client);
    [[nodiscard]] bool change_channels(Session& session, const Words& words);
    [[nodiscard]] std::size_t publish(const std::string& channel, const std::string& message);
    [[nodiscard]] bool spent_for(const Words& words) const;
    void reply(Session& session, std::string bytes, std::uint32_t client = 0, bool blocks = false);
    void broken(const Session& session, const std::string& what);

    test::SimNetwork& network_;
    Trace trace_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::string problem_;
    std::unordered_map<std::uint32_t, std::uint32_t> last_serials_;  ///< By client.
    std::set<std::string> served_;                                   ///< Keys; each is used once.
    std::map<std::string, std::vector<std::string>> published_;
    TimePoint memory_spent_until_{};
    std::size_t fault_count_ = 0;
    std::size_t request_count_ = 0;
};

}  // namespace sluice::redis_sim
