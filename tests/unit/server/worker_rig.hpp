#pragma once

#include "config/settings.hpp"

#include "server/shared.hpp"
#include "server/worker.hpp"

#include "tests/harness/sim_engine.hpp"
#include "tests/harness/sim_network.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

/// Workers on a simulated network whose links lose and delay nothing, clients that are bare
/// sockets, and a database server that answers as little as a test needs: it lets everybody in,
/// never ends a query with "sleep" in it, and keeps cancel requests open until it is told to close
/// them.
class WorkerRig {
  public:
    /// Trust, and one database `app`.
    [[nodiscard]] static config::Settings settings_sample();

    explicit WorkerRig(const config::Settings& settings, unsigned worker_count = 1);
    ~WorkerRig();

    /// A client's socket, accepted by that worker.
    [[nodiscard]] int connect(unsigned worker = 0);
    void send(int socket, std::string_view bytes);
    /// What the client has received and nobody has taken yet.
    [[nodiscard]] std::string take(int client);
    /// The server has closed its end, or is about to behind its last words.
    [[nodiscard]] bool is_ended(int client) const;
    /// Sends a startup packet and lets it be answered.
    [[nodiscard]] std::string log_in(int client, std::string_view user = "ann",
                                     std::string_view database = "app");
    /// A logged-in client in the middle of a query that never ends; its cancel request.
    [[nodiscard]] std::string busy_client(unsigned worker = 0);

    void turns(unsigned count = 30);
    void advance(std::chrono::milliseconds by) { network.advance(by); }
    [[nodiscard]] Worker& worker(unsigned index) { return *shared->workers[index]; }
    /// Cancel requests that the database has and has not answered by a close.
    [[nodiscard]] std::size_t cancel_count() const noexcept { return cancels_.size(); }
    void answer_cancels();
    /// The database's end of the session that began last.
    [[nodiscard]] int database_session() const { return last_session_; }
    /// Sessions of the database that have begun.
    [[nodiscard]] unsigned database_session_count() const noexcept { return session_count_; }
    void end_database_session(int socket);

    test::SimNetwork network{1};
    boost::asio::io_context control;
    std::unique_ptr<Shared> shared;
    std::vector<test::SimEngine*> engines;

  private:
    void serve_database();
    void serve(int socket, std::string& received);

    std::map<int, std::string> sessions_;  ///< Of the database: received and not served.
    std::vector<int> cancels_;
    int last_session_ = -1;
    unsigned session_count_ = 0;
};

/// The `sqlstate` of the first ErrorResponse in a reply, or empty.
[[nodiscard]] std::string refusal_of(std::string_view reply);

}  // namespace sluice::server
