#include "tests/harness/sim_engine.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::test {

namespace {

// Bits of Stream::note(); never 0 while attached.
constexpr std::uint8_t attached = 1;
constexpr std::uint8_t reads = 2;
constexpr std::uint8_t writes = 4;

std::uint8_t wanted(const net::Stream& stream) noexcept {
    if (stream.life() == net::Stream::Life::connecting) return attached | writes;
    const unsigned reading = stream.reception_paused() ? 0U : reads;
    const unsigned writing = stream.pending_output_bytes() > 0 ? writes : 0U;
    return static_cast<std::uint8_t>(attached | reading | writing);
}

}  // namespace

void SimEngine::turn() {
    begin_turn(network_.now(), static_cast<int>(streams_.size()));
    const bool tasks_first = network_.random.below(2) == 0;
    if (tasks_first) run_tasks();
    std::vector<net::Stream*> order = streams_;
    for (std::size_t left = order.size(); left > 1; --left)
        std::swap(order[left - 1], order[network_.random.below(left)]);
    for (net::Stream* const stream : order) {
        if (stream->note() != 0) deliver(*stream);
    }
    if (!tasks_first) run_tasks();
    settle_changed();
    timers().advance(now());
    run_turn_ends();
    settle_changed();
    clear_graveyard();
}

bool SimEngine::run_posted() {
    const bool any = run_tasks();
    run_turn_ends();
    clear_graveyard();
    return any;
}

bool SimEngine::run_tasks() {
    std::vector<Task> tasks;
    tasks.swap(tasks_);
    for (Task& task : tasks)
        task();
    return !tasks.empty();
}

void SimEngine::attach(net::Stream& stream) {
    streams_.push_back(&stream);
    stream.set_note(wanted(stream));
}

void SimEngine::detach(net::Stream& stream) noexcept {
    forget(stream);
}

void SimEngine::forget(net::Stream& stream) noexcept {
    stream.set_note(0);
    std::erase(changed_, &stream);
    std::erase(streams_, &stream);
}

void SimEngine::interest_changed(net::Stream& stream) {
    if (stream.life() == net::Stream::Life::failed ||
        stream.life() == net::Stream::Life::finishing) {
        changed_.push_back(&stream);
        return;
    }
    stream.set_note(wanted(stream));
}

int SimEngine::connect(const net::SocketAddress& address) noexcept {
    return network_.connect(address.port());
}

void SimEngine::deliver(net::Stream& stream) {
    const int fd = stream.fd();
    if (stream.life() == net::Stream::Life::connecting) {
        if (network_.connect_done(fd)) stream.socket_connected();
        return;
    }
    const bool failed = network_.failed(fd);
    const bool readable = (stream.note() & reads) != 0 && network_.readable(fd);
    const bool writable = (stream.note() & writes) != 0 && network_.writable(fd);
    if (readable ||
        (failed && !stream.reception_paused() && stream.life() == net::Stream::Life::open)) {
        stream.socket_readable(scratch_);
        if (stream.note() == 0) return;
    } else if (failed) {
        stream.socket_failed(0);
        return;
    }
    if (writable) stream.socket_writable();
}

void SimEngine::settle_changed() {
    while (!changed_.empty()) {
        net::Stream* const stream = changed_.back();
        changed_.pop_back();
        if (stream->note() == 0) continue;
        if (stream->life() == net::Stream::Life::failed) {
            stream->socket_failed(ECONNRESET);
        } else if (stream->pending_output_bytes() == 0) {
            stream->socket_writable();
        } else {
            stream->set_note(attached | writes);
        }
    }
}

}  // namespace sluice::test
