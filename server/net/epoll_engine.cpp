#include "protocol/assert.hpp"

#include "server/net/engine.hpp"
#include "server/net/stream.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>

namespace sluice::net {

namespace {

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

constexpr std::size_t scratch_bytes = 32U * 1024U;
constexpr int events_max = 256;

// The three calls of the steady state, made without glibc's wrappers: those are cancellation
// points, which in a program of several threads cost two locked instructions and a cold function
// each time, and no thread is ever cancelled here.

std::ptrdiff_t send_now(int fd, wire::Bytes bytes) noexcept {
    return ::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                     nullptr, 0);
}

std::ptrdiff_t receive_now(int fd, std::span<std::byte> into) noexcept {
    return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), MSG_DONTWAIT, nullptr, nullptr);
}

int wait_for_events(int epoll_fd, std::span<epoll_event> events, int wait_ms) noexcept {
    return static_cast<int>(::syscall(SYS_epoll_pwait, epoll_fd, events.data(), events.size(),
                                      wait_ms, nullptr, std::size_t{0}));
}

}  // namespace

/// Level-triggered epoll: a stream is registered once, and in the steady state neither a wait nor
/// a receive costs another call. One receive a stream and turn keeps a busy peer from starving
/// the others.
class EpollEngine final : public Engine, private Watcher {
  public:
    explicit EpollEngine(BufferBudget& budget)
        : Engine(budget, std::chrono::steady_clock::now()),
          epoll_fd_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          wake_fd_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
        checked(watch(wake_fd_, *this, Readiness::readable) ? 0 : -1, "epoll_ctl");
    }
    ~EpollEngine() override {
        clear_graveyard();
        ::close(wake_fd_);
        ::close(epoll_fd_);
    }

    void run() override {
        std::array<epoll_event, events_max> events;
        while (!stopped_.load(std::memory_order_acquire)) {
            const int count = wait_for_events(epoll_fd_, events, wait_ms());
            begin_turn(std::chrono::steady_clock::now(), count);
            for (int index = 0; index < count; ++index) {
                deliver(events[static_cast<std::size_t>(index)]);
            }
            settle_changed();
            timers().advance(now());
            run_turn_ends();
            settle_changed();
            clear_graveyard();
        }
    }

    bool run_posted() override {
        const bool any = run_tasks();
        run_turn_ends();
        clear_graveyard();
        return any;
    }

    void stop() noexcept override {
        stopped_.store(true, std::memory_order_release);
        wake();
    }

    void post(Task task) override {
        bool first = false;
        {
            const std::lock_guard lock(tasks_mutex_);
            first = tasks_.empty();
            tasks_.push_back(std::move(task));
        }
        if (first) wake();
    }

    void attach(Stream& stream) override {
        epoll_event event{};
        event.events = wanted(stream);
        event.data.ptr = static_cast<Watcher*>(&stream);
        stream.set_note(pack(event.events));
        // For want of memory or of watches (fs.epoll.max_user_watches): its loss alone.
        if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, stream.fd(), &event) != 0) stream.unwatchable();
    }

    void detach(Stream& stream) noexcept override {
        if (stream.note() == 0) return;
        ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, stream.fd(), nullptr);
        forget(stream);
    }

    void forget(Stream& stream) noexcept override {
        if (delivering_ == &stream) delivering_ = nullptr;
        stream.set_note(0);
        std::erase(changed_, &stream);
    }

    void interest_changed(Stream& stream) override {
        if (stream.life() == Stream::Life::failed || stream.life() == Stream::Life::finishing) {
            changed_.push_back(&stream);
            return;
        }
        const std::uint32_t events = wanted(stream);
        if (pack(events) == stream.note()) return;
        epoll_event event{};
        event.events = events;
        event.data.ptr = static_cast<Watcher*>(&stream);
        ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, stream.fd(), &event);
        stream.set_note(pack(events));
    }

    int connect(const SocketAddress& address) noexcept override {
        const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || ::connect(fd, address.get(), address.size) == 0 || errno == EINPROGRESS) {
            return fd;
        }
        const int error = errno;
        ::close(fd);
        errno = error;
        return -1;
    }
    std::ptrdiff_t write(int fd, wire::Bytes bytes) noexcept override {
        return send_now(fd, bytes);
    }
    std::ptrdiff_t read(int fd, std::span<std::byte> into) noexcept override {
        return receive_now(fd, into);
    }
    int connect_error(int fd) noexcept override {
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }
    void shut_down(int fd) noexcept override {
        // Reading what the peer sent meanwhile keeps the close from becoming a reset, which could
        // overtake the last words on their way.
        std::byte rest[4096];
        ::shutdown(fd, SHUT_WR);
        for (int turns = 0; turns < 16; ++turns) {
            if (::recv(fd, rest, sizeof rest, MSG_DONTWAIT) <= 0) break;
        }
    }
    void close(int fd) noexcept override { ::close(fd); }

    bool watch(int fd, Watcher& watcher, Readiness readiness) noexcept override {
        epoll_event event{};
        event.events = readiness == Readiness::readable ? EPOLLIN : EPOLLOUT;
        event.data.ptr = &watcher;
        return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
    }

    void unwatch(int fd) noexcept override { ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

  private:
    // Bits of Stream::note(); never 0 while attached.
    static constexpr std::uint8_t attached = 1;
    static constexpr std::uint8_t reads = 2;
    static constexpr std::uint8_t writes = 4;

    static std::uint8_t pack(std::uint32_t events) noexcept {
        return static_cast<std::uint8_t>(attached | ((events & EPOLLIN) != 0 ? reads : 0) |
                                         ((events & EPOLLOUT) != 0 ? writes : 0));
    }

    static std::uint32_t wanted(const Stream& stream) noexcept {
        if (stream.life() == Stream::Life::connecting) return EPOLLOUT;
        std::uint32_t events = 0;
        if (!stream.reception_paused()) events |= EPOLLIN;
        if (stream.pending_output_bytes() > 0) events |= EPOLLOUT;
        return events;
    }

    int wait_ms() {
        const auto due = timers().next_due();
        if (!due) return -1;
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*due - now());
        return wait.count() <= 0 ? 0
                                 : static_cast<int>(std::min<std::int64_t>(wait.count(), 60'000));
    }

    void deliver(const epoll_event& event) {
        auto* const watcher = static_cast<Watcher*>(event.data.ptr);
        if (watcher->kind() == Kind::descriptor) {
            watcher->ready();
            return;
        }
        auto& stream = *static_cast<Stream*>(watcher);
        // Closed by an earlier event of this turn; the graveyard keeps the object until its end.
        if (stream.note() == 0) return;
        if (stream.life() == Stream::Life::connecting) {
            stream.socket_connected();
            return;
        }
        const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        if ((event.events & EPOLLIN) != 0 ||
            (failed && !stream.reception_paused() && stream.life() == Stream::Life::open)) {
            // It may have been closed in there, or have moved to another worker, whose it is then:
            // not even its note may be read here any more.
            delivering_ = &stream;
            stream.socket_readable(scratch_);
            if (delivering_ == nullptr) return;
            delivering_ = nullptr;
        } else if (failed) {
            stream.socket_failed(0);
            return;
        }
        if ((event.events & EPOLLOUT) != 0) stream.socket_writable();
    }

    /// Streams that failed or finish are told outside of the call that made them so.
    void settle_changed() {
        while (!changed_.empty()) {
            Stream* const stream = changed_.back();
            changed_.pop_back();
            if (stream->note() == 0) continue;
            if (stream->life() == Stream::Life::failed) {
                stream->socket_failed(ECONNRESET);
            } else if (stream->pending_output_bytes() == 0) {
                stream->socket_writable();
            } else {
                stop_reading(*stream);
            }
        }
    }

    void stop_reading(Stream& stream) {
        epoll_event event{};
        event.events = EPOLLOUT;
        event.data.ptr = static_cast<Watcher*>(&stream);
        ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, stream.fd(), &event);
        stream.set_note(pack(event.events));
    }

    void ready() override {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
        run_tasks();
    }

    bool run_tasks() {
        std::vector<Task> tasks;
        {
            const std::lock_guard lock(tasks_mutex_);
            tasks.swap(tasks_);
        }
        for (Task& task : tasks) {
            task();
        }
        return !tasks.empty();
    }

    void wake() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t put = ::write(wake_fd_, &one, sizeof one);
    }

    int epoll_fd_;
    int wake_fd_;
    std::array<std::byte, scratch_bytes> scratch_;
    std::vector<Stream*> changed_;
    Stream* delivering_ = nullptr;  // Null again when it left this engine meanwhile.
    std::atomic<bool> stopped_{false};
    std::mutex tasks_mutex_;
    std::vector<Task> tasks_;
};

std::unique_ptr<Engine> make_epoll_engine(BufferBudget& budget) {
    return std::make_unique<EpollEngine>(budget);
}

}  // namespace sluice::net
