#pragma once

#include "tests/harness/sim_network.hpp"
#include "tests/sim/relay_sim_model.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::sim {

using test::TimePoint;
using Settings = std::map<std::string, std::string>;

/// A database server on the simulated network. It plays its part by the Model, misbehaves as often
/// as it is told to, and looks at what comes: whether a session that another client uses now still
/// holds something of the one before, and whether a cancel hits somebody who did not ask.
class Database {
  public:
    /// Chances per mille: of a connect, of a login, of a frame, or of a turn.
    struct Faults {
        unsigned connect_refused = 0;
        unsigned connect_slow = 0;
        unsigned connect_hangs = 0;
        unsigned login_refused = 0;   ///< FATAL, of the kind that passes.
        unsigned login_rejected = 0;  ///< FATAL, of the kind that holds for every client.
        unsigned login_closed = 0;
        unsigned frame_death = 0;
        unsigned turn_death = 0;    ///< Of each session, whatever it does.
        unsigned turn_notice = 0;   ///< NoticeResponse or ParameterStatus, of each session.
        unsigned hostile = 0;       ///< Of a frame: the answer is against the protocol.
        unsigned role_refused = 0;  ///< Of the times that the program applies a role.
        unsigned outdated = 0;      ///< Of a Bind of the program's statements: its plan is.
        unsigned cancel_lost = 0;   ///< The cancel's connection hangs, or is reset unread.
        bool gives_keys = true;
    };
    /// What the world knows of clients.
    struct Witness {
        std::function<bool(std::uint32_t client)> cancel_expected;
        std::function<Settings(std::uint32_t client)> settings_of;
        std::function<void(std::string)> trace;
    };

    Database(test::SimNetwork& network, std::uint16_t port, Witness witness);

    Faults faults;

    void turn();
    /// Sessions past their startup packet whose other end is open.
    [[nodiscard]] std::size_t live_count(const std::string& user) const;
    [[nodiscard]] std::size_t live_count() const;
    [[nodiscard]] std::size_t session_count() const noexcept { return sessions_.size(); }
    /// Sessions that ended, or were refused, without the other end's wish.
    [[nodiscard]] std::size_t fault_count() const noexcept { return fault_count_; }
    [[nodiscard]] std::size_t cancel_count() const noexcept { return cancel_count_; }
    [[nodiscard]] std::size_t query_count() const noexcept { return query_count_; }
    /// The first promise that was broken; empty: none.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  private:
    enum class Phase : std::uint8_t { starting, login, serving, cancelling, mute, dead };
    struct Session {
        int fd = -1;
        Phase phase = Phase::starting;
        std::string input;
        std::string output;
        std::deque<Frame> frames;
        Model model;
        Settings startup;
        Settings settings;
        std::string user;
        std::uint32_t process_id = 0;
        std::uint32_t key = 0;
        std::uint32_t client = 0;        ///< Who wrote the last text.
        std::uint32_t batch_client = 0;  ///< Whose texts came since all was settled; 0: none.
        bool running = false;            ///< The first of `frames`, until `until`.
        bool own_text = false;  ///< What runs, or ran last, is the program's and no client's.
        bool lent = false;      ///< A failed block that is nobody's yet.
        bool ends_after_output = false;
        TimePoint until{};
    };

    [[nodiscard]] test::ConnectFate fate();
    void accept(int fd);
    void act(Session& session);
    void read(Session& session);
    void write(Session& session);
    void die(Session& session);
    void end(Session& session, bool by_reset);
    void read_startup(Session& session);
    void answer_login(Session& session);
    void serve(Session& session);
    void begin(Session& session, const Frame& frame);
    void finish(Session& session);
    [[nodiscard]] static bool is_question(std::string_view text);
    static void answer_question(Session& session, const std::string& text);
    [[nodiscard]] bool outdated(Session& session, const Frame& frame);
    void check_text(Session& session, const std::vector<Statement>& statements);
    void change_settings(Session& session, const std::string& text);
    void apply_settings(Session& session, std::string_view rest);
    void say_something(Session& session);
    void break_protocol(Session& session);
    void cancel(Session& session);
    void broken(std::string what);
    void trace(const Session& session, const std::string& what);

    test::SimNetwork& network_;
    Witness witness_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::string problem_;
    std::uint32_t next_process_id_ = 1000;
    std::size_t fault_count_ = 0;
    std::size_t cancel_count_ = 0;
    std::size_t query_count_ = 0;
};

}  // namespace sluice::sim
