#pragma once

#include "protocol/wire/cursor.hpp"

#include "server/net/timer_wheel.hpp"

#include "tests/harness/random.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::test {

using net::TimePoint;
using std::chrono::milliseconds;

/// What becomes of a connect.
struct ConnectFate {
    enum class Kind : std::uint8_t { accepted, fails_at_once, fails_later, hangs } kind;
    milliseconds delay{0};
};

/// Sockets in memory under virtual time: bounded pipes, delayed delivery, reads and writes of
/// random length, ends and resets. Descriptors are far above any real one, so that a system call
/// that goes past the engine hits nothing.
///
/// Confined to: the one thread of the simulation.
class SimNetwork {
  public:
    using Accept = std::function<void(int fd)>;
    using Fate = std::function<ConnectFate()>;

    explicit SimNetwork(std::uint64_t seed) : random(seed) {}

    struct Weather {
        std::size_t pipe_bytes = 16U * 1024U;  ///< On their way in one direction.
        std::size_t latency_ms_max = 2;
        unsigned short_transfer = 200;  ///< Per mille of reads and writes that are cut short.
        unsigned false_alarm = 20;      ///< Per mille of reads and writes that find nothing.
    };
    Weather weather;
    Random random;

    [[nodiscard]] TimePoint now() const noexcept { return now_; }
    void advance(milliseconds by) noexcept { now_ += by; }
    /// Bytes moved, ends and connects so far: tells whether anything happens at all.
    [[nodiscard]] std::uint64_t activity() const noexcept { return activity_; }

    /// Who accepts connects to this port, and what becomes of each.
    void listen(std::uint16_t port, Fate fate, Accept accept);
    /// A connected pair: the two descriptors.
    [[nodiscard]] std::pair<int, int> make_pair();

    /// As the system calls: -1 and errno when nothing can be done.
    [[nodiscard]] int connect(std::uint16_t port);
    [[nodiscard]] int connect_error(int fd);
    [[nodiscard]] std::ptrdiff_t write(int fd, wire::Bytes bytes);
    [[nodiscard]] std::ptrdiff_t read(int fd, std::span<std::byte> into);
    void shut_down(int fd);
    void close(int fd);
    /// The peer sees a reset, and bytes on their way are lost.
    void reset(int fd);

    [[nodiscard]] bool connect_done(int fd) const;
    [[nodiscard]] bool readable(int fd) const;
    [[nodiscard]] bool writable(int fd) const;
    [[nodiscard]] bool failed(int fd) const;
    [[nodiscard]] bool is_open(int fd) const { return at(fd).open; }
    /// Whether the other end has not been closed.
    [[nodiscard]] bool peer_open(int fd) const { return at(at(fd).peer).open; }
    [[nodiscard]] std::size_t open_count() const;
    /// Uses of a descriptor after its close.
    [[nodiscard]] std::size_t misuse_count() const noexcept { return misuses_; }

  private:
    enum class Phase : std::uint8_t { connecting, connected, connect_failed };
    struct Segment {
        TimePoint at;
        std::string bytes;
    };
    struct Socket {
        int peer = -1;
        Phase phase = Phase::connected;
        bool open = true;
        bool output_ended = false;
        std::optional<TimePoint> connect_at;  ///< Of the end of a connect; none: never.
        std::optional<TimePoint> reset_at;
        std::optional<TimePoint> end_at;  ///< The peer closed: end behind all segments.
        std::deque<Segment> arriving;
        std::size_t arriving_bytes = 0;
        TimePoint last_at{};
    };
    struct Listener {
        Fate fate;
        Accept accept;
    };

    [[nodiscard]] Socket& at(int fd);
    [[nodiscard]] const Socket& at(int fd) const;
    [[nodiscard]] int make();
    [[nodiscard]] TimePoint arrival(Socket& to);
    void end_towards(int fd);

    TimePoint now_{std::chrono::hours(1)};
    std::vector<std::unique_ptr<Socket>> sockets_;
    std::map<std::uint16_t, Listener> listeners_;
    std::uint64_t activity_ = 0;
    std::size_t misuses_ = 0;
};

}  // namespace sluice::test
