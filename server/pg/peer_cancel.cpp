#include "server/pg/peer_cancel.hpp"

#include "protocol/pg/startup.hpp"

#include "server/net/socket_options.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::server {

namespace {

/// Behind the key of a request that another instance has sent on. No key of a client ends so, for
/// none is as long as with it.
constexpr std::string_view mark{"\0sluice\1", 8};
constexpr unsigned instance_shift = 24;
constexpr std::size_t secret_bytes = 4;

}  // namespace

/// One connection to a peer, which ends when the peer has seen to the cancel and closes it.
///
/// Holds one permit of the process' bound on cancels from begin to end.
///
/// Owned by PeerCancels. Confined to: its worker.
class PeerCancel final : public net::Stream, private net::Timer {
  public:
    /// The caller has taken a permit for it.
    PeerCancel(Worker& worker, std::uint64_t question, std::string_view packet)
        : Stream(worker.engine()), worker_(worker), question_(question), packet_(packet) {}
    ~PeerCancel() override { worker_.shared().cancels.give_back(); }

    void begin(int fd) {
        const config::Duration time = worker_.settings().cancel_wait_timeout;
        if (time.count() > 0) worker_.engine().timers().arm(*this, worker_.engine().now() + time);
        open_connecting(fd);
    }
    [[nodiscard]] std::uint64_t question() const noexcept { return question_; }
    void stop() noexcept {
        close();
        disarm();
    }

  private:
    void connected() override { send(packet_); }
    void received(wire::Bytes) override {}  // There is nothing to be said.
    void output_drained() override {}
    void ended(int error) override {
        const bool reached = life() != Life::connecting && (error == 0 || error == ECONNRESET);
        worker_.peer_cancels().ended(*this, reached);
    }
    void expired(net::TimePoint) override { worker_.peer_cancels().ended(*this, false); }

    Worker& worker_;
    const std::uint64_t question_;
    const std::string packet_;
};

PeerCancels::PeerCancels(Worker& worker) : worker_(worker) {}
PeerCancels::~PeerCancels() = default;

bool PeerCancels::take_mark(std::string& key) {
    if (key.size() <= mark.size() || !key.ends_with(mark)) return false;
    key.resize(key.size() - mark.size());
    return true;
}

std::uint32_t PeerCancels::secret_of(std::uint32_t instance, std::uint32_t random) {
    if (instance == 0) return random;
    return (instance << instance_shift) | (random & ((1U << instance_shift) - 1));
}

bool PeerCancels::ask(std::uint32_t process_id, std::string_view key, std::function<void()> done) {
    const config::Postgres& settings = worker_.settings();
    if (key.size() < secret_bytes || key.size() + mark.size() > pg::cancel_key_bytes_max) {
        return false;
    }
    const std::uint32_t named = wire::load_u32(wire::as_bytes(key).data()) >> instance_shift;
    // A key of our own that nobody has any more is nobody else's either.
    if (settings.instance != 0 && named == settings.instance) return false;
    std::vector<config::HostPort> hosts;
    for (const config::Peer& peer : settings.peers)
        if (peer.instance == 0 || peer.instance == named) hosts.push_back(peer.address);
    if (hosts.empty()) return false;
    Question question{worker_.next_id(), {}, hosts.size(), std::move(done)};
    const std::string marked = std::string(key).append(mark);
    pg::append_cancel_request(question.packet, process_id, wire::as_bytes(marked));
    const std::uint64_t id = question.id;
    questions_.push_back(std::move(question));
    for (const config::HostPort& host : hosts) {
        if (const auto address = net::numeric_address(host.host, host.port)) {
            resolved(id, {*address});
            continue;
        }
        // The answer comes from another thread, perhaps after the question is settled.
        worker_.shared().resolver.resolve(
            host.host, host.port,
            [&worker = worker_, id](std::vector<net::SocketAddress> found, const std::string&) {
                worker.post([&worker, id, found = std::move(found)] {
                    worker.peer_cancels().resolved(id, found);
                });
            });
    }
    return true;
}

PeerCancels::Question* PeerCancels::find(std::uint64_t id) noexcept {
    const auto at = std::ranges::find(questions_, id, &Question::id);
    return at == questions_.end() ? nullptr : &*at;
}

void PeerCancels::resolved(std::uint64_t id, const std::vector<net::SocketAddress>& addresses) {
    Question* const question = find(id);
    if (question == nullptr) return;
    if (addresses.empty()) ++worker_.counters.peer_cancels_failed;
    for (const net::SocketAddress& address : addresses)
        ask_address(*question, address);
    settle(id);
}

void PeerCancels::ask_address(Question& question, const net::SocketAddress& address) {
    // Anybody may make keys up, and a peer may be slow: half of the permits stay for the cancels of
    // clients that are here.
    pool::Budget& permits = worker_.shared().cancels;
    if (!permits.try_take_within((permits.limit() + 1) / 2)) {
        ++worker_.counters.peer_cancels_failed;
        return;
    }
    // From here on the object has the permit, and gives it back however it ends.
    auto call = std::make_unique<PeerCancel>(worker_, question.id, question.packet);
    const int fd = worker_.engine().connect(address);
    if (fd < 0) {
        ++worker_.counters.peer_cancels_failed;
        return;
    }
    net::set_tcp_options(fd, worker_.settings());
    ++question.left;
    call->begin(fd);
    calls_.push_back(std::move(call));
}

void PeerCancels::ended(PeerCancel& call, bool reached) {
    ++(reached ? worker_.counters.peer_cancels : worker_.counters.peer_cancels_failed);
    const std::uint64_t question = call.question();
    call.stop();
    const auto at = std::ranges::find(calls_, &call, &std::unique_ptr<PeerCancel>::get);
    worker_.engine().bury(std::move(*at));
    calls_.erase(at);
    settle(question);
}

/// One name or address of it has come to its end.
void PeerCancels::settle(std::uint64_t id) {
    Question* const question = find(id);
    if (question == nullptr || --question->left > 0) return;
    const auto done = std::move(question->done);
    std::erase_if(questions_, [id](const Question& one) { return one.id == id; });
    done();
}

void PeerCancels::close_all() noexcept {
    questions_.clear();
    calls_.clear();
}

}  // namespace sluice::server
