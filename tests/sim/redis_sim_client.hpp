#pragma once

#include "tests/harness/sim_network.hpp"
#include "tests/sim/redis_sim_wire.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace sluice::redis_sim {

using test::milliseconds;
using test::TimePoint;

/// Chances per mille: of an operation, or of a turn.
struct Habits {
    std::size_t operations_max = 14;
    unsigned pipelines = 300;  ///< Of a client: it sends ahead.
    unsigned blocking = 80;
    unsigned watch = 80;
    unsigned multi = 120;
    unsigned large = 40;      ///< A value larger than is held.
    unsigned big_reply = 40;  ///< A reply larger than any pipe.
    unsigned moves = 80;      ///< SELECT, HELLO, RESET.
    unsigned quiet = 60;      ///< CLIENT REPLY.
    unsigned vanishes = 0;    ///< Of a turn.
    unsigned hostile = 0;     ///< Of an operation.
    unsigned slow_reader = 50;
    unsigned heavy = 0;      ///< What goes to the slow lane, or leads there.
    unsigned publishes = 0;  ///< To one of the channels.
    unsigned insists = 0;    ///< Of a client: it writes until it may, before it leaves.
    std::size_t listeners_max = 0;
    std::size_t think_ms_max = 6;
    std::size_t large_bytes = 20'000;
};

/// A client on the simulated network: does what its chances say, and compares
/// every reply with what the server gives for its own keys, database and
/// version.
class Client {
  public:
    struct World {
        test::SimNetwork& network;
        std::function<int()> connect;
        std::function<void(const std::string&)> trace;
        std::function<void(const std::string&)> broken;
        std::string password;
    };
    enum class End : std::uint8_t {
        none,
        finished,   ///< Everything answered, QUIT said.
        refused,    ///< The last words were an error that nothing had asked for.
        cut,        ///< By an end without a word, with replies outstanding or not.
        vanished,   ///< Its own doing, in the middle of anything.
        misbehaved  ///< It sent nonsense.
    };
    /// Longest time until a client that insists may write.
    static constexpr milliseconds stubbornness{20'000};
    /// Longest time without a sign of life from the program while a reply is due.
    static constexpr milliseconds patience{60'000};

    Client(const World& world, const Habits& habits, std::uint32_t id);

    void turn();

    [[nodiscard]] End end() const noexcept { return end_; }
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::size_t replies() const noexcept { return reply_count_; }
    [[nodiscard]] std::size_t wait_errors() const noexcept { return wait_errors_; }
    [[nodiscard]] std::size_t lost_errors() const noexcept { return lost_errors_; }
    [[nodiscard]] std::size_t timeouts() const noexcept { return timeouts_; }
    [[nodiscard]] std::size_t memory_errors() const noexcept { return memory_errors_; }
    [[nodiscard]] std::string description() const;

  private:
    struct Expected {
        std::string bytes;  ///< Just these; empty: any reply of this kind.
        char kind = 0;
        bool may_fail = false;      ///< It comes from the server, or would.
        bool last = false;          ///< Of QUIT.
        bool takes_memory = false;  ///< It may be refused for want of it.
    };

    void begin_operation();
    void get();
    void operate();
    void move();
    void be_quiet();
    void be_heavy();
    void insist();
    void multi();
    void watch();
    void value_of(std::string_view name, std::size_t bytes);
    void hostile();
    void ask(const Words& words, Expected expected);
    void say(const Words& words) { output_ += request(words); }
    [[nodiscard]] std::string key();
    [[nodiscard]] std::string place() const;
    [[nodiscard]] std::string answer_to(const Words& words) const;
    void write();
    void read();
    void judge(std::string_view reply);
    [[nodiscard]] bool is_failure(std::string_view reply);
    void closed(End how);

    const World& world_;
    const Habits& habits_;
    test::SimNetwork& network_;
    const std::uint32_t id_;
    int fd_ = -1;
    End end_ = End::none;
    std::string output_;
    std::string input_;
    std::deque<Expected> expected_;
    std::string last_error_;
    std::size_t operations_left_ = 0;
    std::size_t window_ = 1;
    std::size_t serial_ = 0;
    std::size_t reply_count_ = 0;
    std::size_t wait_errors_ = 0;
    std::size_t lost_errors_ = 0;
    std::size_t timeouts_ = 0;
    std::size_t memory_errors_ = 0;
    TimePoint insists_since_{};
    bool insists_ = false;
    bool watches_ = false;
    std::string database_ = "0";
    unsigned version_ = 2;
    bool reads_slowly_ = false;
    bool misbehaves_ = false;
    bool quits_ = false;
    TimePoint next_at_{};
    TimePoint heard_at_{};
};

}  // namespace sluice::redis_sim
