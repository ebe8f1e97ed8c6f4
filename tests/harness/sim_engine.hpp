#pragma once

#include "server/net/engine.hpp"
#include "server/net/stream.hpp"

#include "tests/harness/sim_network.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <vector>

namespace sluice::test {

/// A worker's engine on the simulated network. Nobody calls run(): the simulation turns it, step
/// by step. It keeps a stream's interest as the kernel would, so that a change of mind that the
/// stream does not report is lost here as well.
class SimEngine final : public net::Engine {
  public:
    SimEngine(SimNetwork& network, net::BufferBudget& budget)
        : Engine(budget, network.now()), network_(network) {}
    ~SimEngine() override { clear_graveyard(); }

    /// One turn of the loop: tasks, what is ready in random order, timers.
    void turn();
    [[nodiscard]] bool has_tasks() const noexcept { return !tasks_.empty(); }
    [[nodiscard]] std::size_t stream_count() const noexcept { return streams_.size(); }

    void run() override {}
    bool run_posted() override;
    void stop() noexcept override {}
    void post(Task task) override { tasks_.push_back(std::move(task)); }
    void attach(net::Stream& stream) override;
    void detach(net::Stream& stream) noexcept override;
    void forget(net::Stream& stream) noexcept override;
    void interest_changed(net::Stream& stream) override;
    [[nodiscard]] int connect(const net::SocketAddress& address) noexcept override;
    [[nodiscard]] std::ptrdiff_t write(int fd, wire::Bytes bytes) noexcept override {
        return network_.write(fd, bytes);
    }
    [[nodiscard]] std::ptrdiff_t read(int fd, std::span<std::byte> into) noexcept override {
        return network_.read(fd, into);
    }
    [[nodiscard]] int connect_error(int fd) noexcept override { return network_.connect_error(fd); }
    void shut_down(int fd) noexcept override { network_.shut_down(fd); }
    void close(int fd) noexcept override { network_.close(fd); }
    bool watch(int fd, net::Watcher& watcher, net::Readiness) noexcept override {
        errno = ENOSPC;
        if (watches_left_ == 0) return false;
        --watches_left_;
        watched_[fd] = &watcher;
        return true;
    }
    void unwatch(int fd) noexcept override { watched_.erase(fd); }
    /// Of the descriptors that are no streams. Null: nobody watches it.
    [[nodiscard]] net::Watcher* watcher_of(int fd) { return watched_[fd]; }
    void set_watches_left(unsigned count) noexcept { watches_left_ = count; }

  private:
    bool run_tasks();
    void deliver(net::Stream& stream);
    void settle_changed();

    SimNetwork& network_;
    std::vector<net::Stream*> streams_;
    std::vector<net::Stream*> changed_;
    std::vector<Task> tasks_;
    std::map<int, net::Watcher*> watched_;
    unsigned watches_left_ = 1000;
    std::array<std::byte, 32U * 1024U> scratch_;
};

}  // namespace sluice::test
