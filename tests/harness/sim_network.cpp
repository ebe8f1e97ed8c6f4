#include "tests/harness/sim_network.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::test {

namespace {

constexpr int first_descriptor = 1 << 30;

}  // namespace

SimNetwork::Socket& SimNetwork::at(int fd) {
    return *sockets_.at(static_cast<std::size_t>(fd - first_descriptor));
}

const SimNetwork::Socket& SimNetwork::at(int fd) const {
    return *sockets_.at(static_cast<std::size_t>(fd - first_descriptor));
}

int SimNetwork::make() {
    sockets_.push_back(std::make_unique<Socket>());
    return first_descriptor + static_cast<int>(sockets_.size()) - 1;
}

std::pair<int, int> SimNetwork::make_pair() {
    const int one = make();
    const int other = make();
    at(one).peer = other;
    at(other).peer = one;
    return {one, other};
}

void SimNetwork::listen(std::uint16_t port, Fate fate, Accept accept) {
    listeners_[port] = {std::move(fate), std::move(accept)};
}

int SimNetwork::connect(std::uint16_t port) {
    ++activity_;
    const auto listener = listeners_.find(port);
    const ConnectFate fate = listener == listeners_.end()
                                 ? ConnectFate{ConnectFate::Kind::fails_later}
                                 : listener->second.fate();
    if (fate.kind == ConnectFate::Kind::fails_at_once) {
        errno = ENETUNREACH;
        return -1;
    }
    const auto [ours, theirs] = make_pair();
    Socket& socket = at(ours);
    socket.phase = Phase::connecting;
    if (fate.kind != ConnectFate::Kind::hangs) socket.connect_at = now_ + fate.delay;
    if (fate.kind == ConnectFate::Kind::accepted) {
        listener->second.accept(theirs);
    } else {
        at(theirs).open = false;
    }
    return ours;
}

bool SimNetwork::connect_done(int fd) const {
    const Socket& socket = at(fd);
    return socket.connect_at && now_ >= *socket.connect_at;
}

int SimNetwork::connect_error(int fd) {
    Socket& socket = at(fd);
    ++activity_;
    if (!at(socket.peer).open && !socket.end_at && !socket.reset_at) return ECONNREFUSED;
    socket.phase = Phase::connected;
    return 0;
}

TimePoint SimNetwork::arrival(Socket& to) {
    const milliseconds latency(random.below(weather.latency_ms_max + 1));
    to.last_at = std::max(to.last_at, now_ + latency);
    return to.last_at;
}

std::ptrdiff_t SimNetwork::write(int fd, wire::Bytes bytes) {
    Socket& socket = at(fd);
    if (!socket.open) ++misuses_;
    Socket& peer = at(socket.peer);
    if (!socket.open || socket.output_ended || failed(fd) || !peer.open) {
        errno = failed(fd) ? ECONNRESET : EPIPE;
        return -1;
    }
    const std::size_t room = weather.pipe_bytes - std::min(weather.pipe_bytes, peer.arriving_bytes);
    std::size_t count = std::min(room, bytes.size());
    if (count > 1 && random.per_mille(weather.short_transfer)) count = random.between(1, count);
    if (count == 0 || random.per_mille(weather.false_alarm)) {
        errno = EAGAIN;
        return -1;
    }
    ++activity_;
    peer.arriving.push_back({arrival(peer), std::string(wire::as_text(bytes.first(count)))});
    peer.arriving_bytes += count;
    return static_cast<std::ptrdiff_t>(count);
}

std::ptrdiff_t SimNetwork::read(int fd, std::span<std::byte> into) {
    Socket& socket = at(fd);
    if (!socket.open) ++misuses_;
    if (!socket.open || failed(fd)) {
        errno = ECONNRESET;
        return -1;
    }
    if (!readable(fd) || random.per_mille(weather.false_alarm)) {
        errno = EAGAIN;
        return -1;
    }
    ++activity_;
    if (socket.arriving.empty()) return 0;
    // A read may join what was written apart, and may take apart what was written as one.
    std::size_t count = 0;
    const bool cut = random.per_mille(weather.short_transfer);
    const std::size_t most =
        cut ? random.between(1, std::min<std::size_t>(into.size(), 64)) : into.size();
    while (count < most && !socket.arriving.empty() && socket.arriving.front().at <= now_) {
        std::string& front = socket.arriving.front().bytes;
        const std::size_t taken = std::min(most - count, front.size());
        std::memcpy(into.data() + count, front.data(), taken);
        count += taken;
        socket.arriving_bytes -= taken;
        if (taken == front.size()) {
            socket.arriving.pop_front();
        } else {
            front.erase(0, taken);
        }
    }
    return static_cast<std::ptrdiff_t>(count);
}

void SimNetwork::end_towards(int fd) {
    Socket& peer = at(at(fd).peer);
    if (!peer.end_at) peer.end_at = arrival(peer);
}

void SimNetwork::shut_down(int fd) {
    at(fd).output_ended = true;
    end_towards(fd);
}

void SimNetwork::close(int fd) {
    Socket& socket = at(fd);
    if (!socket.open) {
        ++misuses_;
        return;
    }
    ++activity_;
    socket.open = false;
    end_towards(fd);
    socket.arriving.clear();
}

void SimNetwork::reset(int fd) {
    Socket& socket = at(fd);
    if (!socket.open) return;
    ++activity_;
    socket.open = false;
    Socket& peer = at(socket.peer);
    peer.reset_at = now_ + milliseconds(random.below(weather.latency_ms_max + 1));
    socket.arriving.clear();
}

bool SimNetwork::failed(int fd) const {
    const Socket& socket = at(fd);
    return socket.reset_at && now_ >= *socket.reset_at;
}

bool SimNetwork::readable(int fd) const {
    const Socket& socket = at(fd);
    if (failed(fd)) return true;
    if (!socket.arriving.empty()) return socket.arriving.front().at <= now_;
    return socket.end_at && now_ >= *socket.end_at;
}

bool SimNetwork::writable(int fd) const {
    const Socket& socket = at(fd);
    const Socket& peer = at(socket.peer);
    return failed(fd) || !peer.open || peer.arriving_bytes < weather.pipe_bytes;
}

std::size_t SimNetwork::open_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sockets_, [](const std::unique_ptr<Socket>& socket) { return socket->open; }));
}

}  // namespace sluice::test
