#pragma once

#include "tests/sim/redis_sim_client.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis_sim {

/// A client on the simulated network that listens to channels and patterns, and
/// asks for a value now and then where its version allows that.
///
/// Compares what it hears with what was published: nothing it has not asked
/// for, nothing twice, nothing out of order, and, as long as no backend was
/// lost, nothing left out.
class Listener {
  public:
    struct World {
        const Client::World& common;
        /// What was published on a channel so far.
        std::function<const std::vector<std::string>&(const std::string&)> published;
        /// Backends were lost or could not be had: there may be gaps and refusals.
        std::function<bool()> faulty;
        /// The server has that channel or pattern, and no listener does or is about to.
        std::function<bool(const std::string&)> left_behind;
    };

    Listener(const World& world, const Habits& habits, std::uint32_t id);

    void turn();

    [[nodiscard]] Client::End end() const noexcept { return end_; }
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] std::size_t messages() const noexcept { return message_count_; }
    [[nodiscard]] std::string description() const;
    /// It has that channel or pattern, or waits for an answer about it.
    [[nodiscard]] bool concerned_with(const std::string& name) const;

  private:
    enum class Phase : std::uint8_t { listening, catching_up, giving_up, quitting };
    /// Of a channel, or of a channel as a pattern has it.
    struct Place {
        std::size_t least = 0;            ///< Messages before this were heard before, or never.
        std::optional<std::size_t> next;  ///< Known from the first message on.
        std::size_t most = 0;             ///< The first one is at most this.
    };
    struct Expected {
        std::string bytes{};   ///< Just these, or:
        std::string what{};    ///< the acknowledgement of this
        std::string name{};    ///< for this one, or the answer to HELLO.
        std::size_t more = 0;  ///< Acknowledgements of the same request behind it.
    };

    void begin();
    void change_channels();
    void give_up();
    void ask_for_value();
    void say(const Words& words);
    void expect(Expected expected);
    void write();
    void read();
    void judge(std::string_view reply);
    void acknowledged(const Expected& expected, const Words& words);
    void message(std::string_view reply, const Words& words);
    [[nodiscard]] bool is_message(const Words& words) const;
    [[nodiscard]] bool caught_up();
    void check_left(const std::string& name);
    void broken(const std::string& what);

    const World& world_;
    const Habits& habits_;
    test::SimNetwork& network_;
    const std::uint32_t id_;
    int fd_ = -1;
    Client::End end_ = Client::End::none;
    Phase phase_ = Phase::listening;
    unsigned version_ = 2;
    std::string output_;
    std::string input_;
    std::deque<Expected> expected_;
    /// By channel or pattern: the places in each of its channels.
    std::map<std::string, std::map<std::string, Place>> names_;
    std::map<std::string, std::size_t> heard_to_;  ///< By name and channel, ever.
    std::map<std::string, std::size_t> targets_;
    std::size_t turns_left_ = 0;
    std::size_t serial_ = 0;
    std::size_t message_count_ = 0;
    bool reads_slowly_ = false;
    bool errors_ = false;
    TimePoint next_at_{};
    TimePoint heard_at_{};
};

}  // namespace sluice::redis_sim
