#pragma once

#include "tests/harness/sim_network.hpp"
#include "tests/sim/relay_sim_database.hpp"
#include "tests/sim/relay_sim_model.hpp"
#include "tests/sim/relay_sim_script.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

namespace sluice::sim {

/// Says, frame by frame, what a client must be told: a Model that reads what the client sends just
/// far enough to know the next answer.
class Oracle {
  public:
    void sent(const Frame& frame) { sent_.push_back(frame); }
    /// Something is still to come.
    [[nodiscard]] bool outstanding();
    /// True when `frame`, as bytes, is just what comes next; it is taken off then.
    [[nodiscard]] bool expects(const std::string& frame);
    /// What comes next is not the answer but an error in its place, and then what follows from it.
    /// False where no request stands for which that could be.
    [[nodiscard]] bool failed_instead(std::string_view sqlstate);
    /// No transaction and no COPY is open where the next answer belongs.
    [[nodiscard]] bool at_rest() const { return before_.settled(); }
    [[nodiscard]] bool ended() const { return model_.ended() && expected_.empty(); }
    [[nodiscard]] const std::string& expected() const noexcept { return expected_; }

  private:
    Model model_;
    Model before_;  ///< As model_ was before `current_`.
    Frame current_;
    std::deque<Frame> sent_;
    std::string expected_;
};

/// A client on the simulated network: follows its script and compares what it is told.
class Client {
  public:
    struct World {
        test::SimNetwork& network;
        std::function<int()> connect;  ///< To the program.
        std::function<void(std::string)> trace;
        std::function<void(std::string)> broken;
        bool outdated = false;  ///< Definitions change past the program.
        bool timeouts = false;  ///< The program may cancel a query that takes too long.
    };
    enum class End : std::uint8_t {
        none,
        finished,   ///< Everything answered, farewell said.
        refused,    ///< By a FATAL error, whose SQLSTATE `last_error()` is.
        cut,        ///< By an end without a word.
        vanished,   ///< Its own doing, in the middle of anything.
        misbehaved  ///< It sent nonsense.
    };
    /// Longest time without a sign of life from the program while an answer is due.
    static constexpr milliseconds patience{60'000};

    Client(World& world, const Habits& habits, std::uint32_t id, std::string user,
           Settings settings);

    void turn();
    /// The end of the world: leaves whatever it does.
    void vanish();

    [[nodiscard]] End end() const noexcept { return end_; }
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    /// A cancel may hit it: it asked for one, or is gone.
    [[nodiscard]] bool cancel_expected() const noexcept {
        return cancel_asked_ || end_ != End::none;
    }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::size_t wait_errors() const noexcept { return wait_errors_; }
    [[nodiscard]] std::size_t cancelled() const noexcept { return cancelled_; }
    [[nodiscard]] std::size_t lost() const noexcept { return lost_; }
    [[nodiscard]] std::size_t outdated() const noexcept { return outdated_; }
    [[nodiscard]] std::size_t answers() const noexcept { return answers_; }
    [[nodiscard]] std::string description() const;

  private:
    enum class Phase : std::uint8_t { before, encryption, login, serving, over };

    void begin();
    void write_startup();
    void follow_script();
    void send_frames(const std::vector<Frame>& frames);
    void transmit();
    void receive();
    void take_login(const Frame& frame);
    void take(const Frame& frame);
    void take_error(const Frame& frame);
    void ask_cancel();
    void go_on_cancelling();
    void misbehave();
    void leave(End end, bool by_reset);
    void trace(const std::string& what);
    void broken(const std::string& what);

    World& world_;
    const Habits& habits_;
    const std::uint32_t id_;
    const std::string user_;
    const Settings settings_;
    std::deque<Step> script_;
    Oracle oracle_;
    std::string input_;
    std::string output_;
    Phase phase_ = Phase::before;
    End end_ = End::none;
    int fd_ = -1;
    int cancel_fd_ = -1;
    std::string cancel_key_;  ///< As BackendKeyData carried it.
    std::string cancel_output_;
    std::string last_error_;
    std::size_t wait_errors_ = 0;
    std::size_t cancelled_ = 0;
    std::size_t lost_ = 0;
    std::size_t outdated_ = 0;
    std::size_t answers_ = 0;
    test::TimePoint pause_until_{};
    test::TimePoint heard_{};
    bool cancel_asked_ = false;
    bool byte_by_byte_ = false;
    bool slow_reader_ = false;
    bool farewell_ = false;
};

}  // namespace sluice::sim
