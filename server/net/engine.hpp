#pragma once

#include "server/net/address.hpp"
#include "server/net/chunk.hpp"
#include "server/net/timer_wheel.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace sluice::net {

class Stream;

/// What readiness a source that is not a stream (a listener, a connecting socket) waits for.
enum class Readiness : std::uint8_t { readable, writable };

/// A file descriptor that wants to know when it is ready and does its own system calls.
class Watcher {
  public:
    enum class Kind : std::uint8_t { descriptor, stream };

    explicit Watcher(Kind kind = Kind::descriptor) noexcept : kind_(kind) {}
    virtual ~Watcher() = default;
    virtual void ready() = 0;
    [[nodiscard]] Kind kind() const noexcept { return kind_; }

  private:
    Kind kind_;
};

/// Something that is done once at the end of a turn, however often the turn asked for it: what many
/// peers put together leaves in one system call.
class TurnEnd {
  public:
    TurnEnd() = default;
    virtual ~TurnEnd() = default;
    TurnEnd(const TurnEnd&) = delete;
    TurnEnd& operator=(const TurnEnd&) = delete;
    virtual void turn_ended() = 0;

  private:
    friend class Engine;
    bool asked_ = false;
};

/// One worker's input and output: moves bytes between sockets and streams, keeps its time, runs
/// what other threads post. Sessions and the relay are written against this interface alone, so
/// that they run unchanged on another one.
///
/// Confined to: the thread that calls run(), except for post() and stop().
class Engine {
  public:
    using Task = std::function<void()>;

    Engine(BufferBudget& budget, TimePoint start) : chunks_(budget), timers_(start), now_(start) {}
    virtual ~Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Turns the loop until stop(): waits, delivers, runs tasks, runs due timers.
    virtual void run() = 0;
    virtual void stop() noexcept = 0;
    /// For the time after run(): runs what has been posted. False when there was nothing.
    virtual bool run_posted() = 0;
    /// Runs `task` on this engine's thread in its next turn. From any thread.
    virtual void post(Task task) = 0;

    /// Bytes for `stream` are delivered from now on. The engine does not own it.
    virtual void attach(Stream& stream) = 0;
    /// No event for `stream` comes any more; its socket stays open (it moves to another engine).
    virtual void detach(Stream& stream) noexcept = 0;
    /// As detach, for a socket that is about to be closed, which tells the kernel as well.
    virtual void forget(Stream& stream) noexcept = 0;
    /// Tells the engine that what a stream waits for has changed.
    virtual void interest_changed(Stream& stream) = 0;

    // What a stream needs of its socket; as the system calls of the same names, never blocking.
    /// Begins a connect: a descriptor for Stream::open_connecting, or -1 and errno.
    [[nodiscard]] virtual int connect(const SocketAddress& address) noexcept = 0;
    /// Of an error of connect(): nothing was tried, for there is no descriptor left.
    [[nodiscard]] static bool out_of_files(int error) noexcept {
        return error == EMFILE || error == ENFILE;
    }
    [[nodiscard]] virtual std::ptrdiff_t write(int fd, wire::Bytes bytes) noexcept = 0;
    [[nodiscard]] virtual std::ptrdiff_t read(int fd, std::span<std::byte> into) noexcept = 0;
    /// 0, or the error with which the connect under way has failed.
    [[nodiscard]] virtual int connect_error(int fd) noexcept = 0;
    /// The peer sees the end of what was written, and is not read any more.
    virtual void shut_down(int fd) noexcept = 0;
    virtual void close(int fd) noexcept = 0;

    /// False, and errno, where the system takes no more of them.
    [[nodiscard]] virtual bool watch(int fd, Watcher& watcher, Readiness readiness) noexcept = 0;
    virtual void unwatch(int fd) noexcept = 0;

    /// Calls `what` at the end of this turn, before the next wait.
    void at_turn_end(TurnEnd& what) {
        if (what.asked_) return;
        what.asked_ = true;
        turn_ends_.push_back(&what);
    }
    /// `what` goes away.
    void forget_turn_end(TurnEnd& what) noexcept {
        if (what.asked_) std::erase(turn_ends_, &what);
        what.asked_ = false;
    }

    /// Destroys `dead` at the end of this turn, when no event of the turn can name it any more.
    template <typename T>
    void bury(std::unique_ptr<T> dead) {
        graveyard_.emplace_back(dead.release(),
                                [](void* object) { delete static_cast<T*>(object); });
    }

    /// The time of this turn. Read once a turn, for a clock call per message adds up.
    [[nodiscard]] TimePoint now() const noexcept { return now_; }
    /// How many events this turn began with: a measure of how busy it is.
    [[nodiscard]] int turn_events() const noexcept { return turn_events_; }
    [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
    [[nodiscard]] ChunkStore& chunks() noexcept { return chunks_; }

  protected:
    void begin_turn(TimePoint now, int events) noexcept {
        now_ = now;
        turn_events_ = events;
    }
    void run_turn_ends() {
        // One may ask for another, or for its own next time.
        while (!turn_ends_.empty()) {
            TurnEnd* const next = turn_ends_.back();
            turn_ends_.pop_back();
            next->asked_ = false;
            next->turn_ended();
        }
    }
    void clear_graveyard() {
        // A destructor may bury more.
        while (!graveyard_.empty()) {
            auto dead = std::move(graveyard_);
            graveyard_.clear();
        }
    }

  private:
    ChunkStore chunks_;
    TimerWheel timers_;
    TimePoint now_;
    int turn_events_ = 0;
    std::vector<TurnEnd*> turn_ends_;
    std::vector<std::unique_ptr<void, void (*)(void*)>> graveyard_;
};

/// The engine that works everywhere.
[[nodiscard]] std::unique_ptr<Engine> make_epoll_engine(BufferBudget& budget);

}  // namespace sluice::net
