#pragma once

#include "protocol/pg/backend_login.hpp"
#include "protocol/pg/scram_keys.hpp"

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::load {

using TimePoint = std::chrono::steady_clock::time_point;

/// Whom the clients call, and what each asks for in its life.
struct Errand {
    sockaddr_in address{};
    std::string user;
    std::string database;
    std::string password;  ///< Empty: none is given.
    std::string query = "SELECT 1";
    unsigned queries = 1;  ///< In a life, one behind the answer to the other.
};

/// What has come of all clients together.
struct Tally {
    std::vector<std::chrono::microseconds> lives;   ///< Of those that had all their answers.
    std::map<std::string, std::uint64_t> failures;  ///< Lives that had not, by SQLSTATE or reason.
    std::uint64_t queries = 0;
};

/// The keys of the errand's password under the salt that was asked for last: with one secret
/// behind all logins the same one each time, so that the bench does not measure its own hashing.
class KeyMemo {
  public:
    [[nodiscard]] const pg::ScramClientKeys& keys(const std::string& password,
                                                  const pg::ScramChallenge& challenge);

  private:
    pg::ScramChallenge challenge_;
    pg::ScramClientKeys keys_;
};

/// A client as short-lived functions are: connects, logs in, asks, hears the answer, leaves; and
/// when it is told to, lives again.
///
/// Confined to: one thread, whose epoll instance it is in while it lives.
class BriefClient {
  public:
    BriefClient(const Errand& errand, Tally& tally, KeyMemo& memo, int epoll_fd) noexcept
        : errand_(errand), tally_(tally), memo_(memo), epoll_fd_(epoll_fd) {}
    ~BriefClient();
    BriefClient(const BriefClient&) = delete;
    BriefClient& operator=(const BriefClient&) = delete;

    void begin(TimePoint now);
    /// Its socket has something to say. True if the client has had all its answers and has left.
    [[nodiscard]] bool ready(TimePoint now);
    [[nodiscard]] bool lives() const noexcept { return fd_ >= 0; }

  private:
    void connected();
    void received(wire::Bytes bytes, TimePoint now);
    void frame_came(char type, wire::Bytes body, TimePoint now);
    void login_came(char type, wire::Bytes body);
    void ask();
    void send(const std::string& bytes);
    void failed(const std::string& reason);
    void end() noexcept;

    const Errand& errand_;
    Tally& tally_;
    KeyMemo& memo_;
    const int epoll_fd_;
    int fd_ = -1;
    TimePoint born_{};
    unsigned asked_ = 0;
    std::unique_ptr<pg::BackendLogin> login_;  ///< From the connect to the end of the login.
    std::string received_;                     ///< A frame that is not whole yet.
};

}  // namespace sluice::load
