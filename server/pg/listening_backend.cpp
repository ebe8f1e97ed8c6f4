#include "server/pg/listening_backend.hpp"

#include "protocol/wire/writer.hpp"

#include "server/log.hpp"
#include "server/pg/channel_board.hpp"
#include "server/pg/notify_senders.hpp"
#include "server/pg/permits.hpp"
#include "server/pg/pool.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::server {

namespace {

/// Orders that may wait for the connection; each is one client's.
constexpr std::size_t waiting_max = 10'000;
/// What one receive may bring is no sign of a worker that lags.
constexpr std::uint64_t posted_bytes_least = 256ULL * 1024;

std::string overrun_error() {
    std::string frame;
    pg::append_error(frame, pg::Severity::error, "53200",
                     "more is notified to this channel than its listeners take");
    return frame.substr(pg::frame_header_bytes);
}

}  // namespace

ListeningBackend::ListeningBackend(Worker& home, ListeningKey key)
    : Stream(home.engine()), home_(home), key_(std::move(key)) {}

ListeningBackend::~ListeningBackend() {
    inbox_.clear(home_.shared().buffers);
    give_back_permit();
}

template <typename Task>
void ListeningBackend::tell(unsigned worker, Task task) {
    Worker& told = *home_.shared().workers[worker];
    told.post([&told, task = std::move(task)] { task(told.channels()); });
}

// What clients want.

void ListeningBackend::listen(ListenOrder order) {
    entry_ = order.entry;
    if (phase_ == Phase::listening) {
        send_listen(std::move(order));
        return;
    }
    const bool refuses = phase_ == Phase::pausing && !last_error_.empty();
    if (waiting_.size() >= waiting_max || refuses) {
        tell(order.worker,
             [order, error = last_error_](ChannelBoard& board) { board.refused(order, error); });
        return;
    }
    waiting_.push_back(std::move(order));
    if (phase_ == Phase::resting) open();
}

void ListeningBackend::send_listen(ListenOrder order) {
    Channel& channel = channels_[order.channel];
    ++channel.pending;
    const std::string name = order.channel;
    std::string out;
    session_.listen(name, ticket_of({Request::Kind::order, std::move(order)}), out);
    ask(out);
}

void ListeningBackend::unlisten(unsigned worker, const std::string& name) {
    const auto at = channels_.find(name);
    if (at == channels_.end() || worker >= at->second.places.size() ||
        at->second.places[worker].listeners == 0) {
        return;
    }
    --at->second.places[worker].listeners;
    --at->second.listening;
    leave_channel(name);
}

void ListeningBackend::leave_channel(const std::string& name) {
    const auto at = channels_.find(name);
    if (at == channels_.end() || at->second.listening > 0 || at->second.pending > 0) return;
    channels_.erase(at);
    if (phase_ == Phase::listening) {
        std::string out;
        session_.unlisten(name, ticket_of({}), out);
        ask(out);
    }
}

void ListeningBackend::barrier(const ListenOrder& order) {
    if (barriers_next_.size() >= waiting_max) {
        release_barriers({order});
        return;
    }
    barriers_next_.push_back(order);
    if (barriers_sent_.empty()) send_barrier();
}

void ListeningBackend::send_barrier() {
    barriers_sent_ = std::exchange(barriers_next_, {});
    std::string out;
    session_.barrier(ticket_of({Request::Kind::barriers, {}}), out);
    ask(out);
}

void ListeningBackend::release_barriers(std::vector<ListenOrder> barriers) {
    for (const ListenOrder& order : barriers) {
        tell(order.worker, [order](ChannelBoard& board) { board.passed(order); });
    }
}

std::uint64_t ListeningBackend::ticket_of(Request request) {
    requests_.emplace(++last_ticket_, std::move(request));
    return last_ticket_;
}

void ListeningBackend::refuse_waiting(const std::string& error_body) {
    for (const ListenOrder& order : std::exchange(waiting_, {})) {
        tell(order.worker,
             [order, error_body](ChannelBoard& board) { board.refused(order, error_body); });
    }
}

// What it says.

void ListeningBackend::received(wire::Bytes bytes) {
    if (phase_ == Phase::opening) {
        opening_->received(bytes);
        return;
    }
    net::BufferBudget& buffers = home_.shared().buffers;
    if (!inbox_.append(bytes, buffers)) {
        lost("buffer_memory_max is spent");
        return;
    }
    while (phase_ == Phase::listening) {
        auto event = session_.next(inbox_.bytes());
        if (event.kind == pg::ListeningSession::Event::Kind::more_bytes) return;
        const std::size_t taken = event.bytes;
        event_came(event);
        if (phase_ != Phase::listening || !is_open()) return;
        inbox_.consume(taken, buffers);
    }
}

void ListeningBackend::event_came(pg::ListeningSession::Event& event) {
    using Came = pg::ListeningSession::Event::Kind;
    switch (event.kind) {
        case Came::more_bytes:
        case Came::nothing: return;
        case Came::notification: notified(event.notification); return;
        case Came::violation: lost("it broke the protocol"); return;
        case Came::done:
        case Came::refused: break;
    }
    asked_at_.reset();
    if (session_.owed() > 0) asked_at_ = engine().now();
    const auto at = requests_.find(event.ticket);
    if (at == requests_.end()) return;
    Request request = std::move(at->second);
    requests_.erase(at);
    if (event.kind == Came::refused && request.kind == Request::Kind::order) {
        listen_refused(std::move(request.order), event.error);
    } else {
        answered(std::move(request));
    }
    keep_time();
}

void ListeningBackend::listen_refused(ListenOrder order, const std::string& error) {
    --channels_[order.channel].pending;
    tell(order.worker, [order, error](ChannelBoard& board) { board.refused(order, error); });
    leave_channel(order.channel);
}

void ListeningBackend::answered(Request request) {
    switch (request.kind) {
        case Request::Kind::nobody: return;
        case Request::Kind::barriers:
            release_barriers(std::exchange(barriers_sent_, {}));
            if (!barriers_next_.empty()) send_barrier();
            return;
        case Request::Kind::restored:
            was_lost_ = false;
            for (unsigned worker = 0; worker < home_.shared().workers.size(); ++worker)
                tell(worker, [key = key_](ChannelBoard& board) { board.interrupted(key); });
            return;
        case Request::Kind::order: break;
    }
    ListenOrder& order = request.order;
    Channel& channel = channels_[order.channel];
    --channel.pending;
    if (channel.places.size() <= order.worker) channel.places.resize(order.worker + 1);
    Place& place = channel.places[order.worker];
    if (place.overrun) {
        ++channel.pending;
        listen_refused(std::move(order), overrun_error());
        return;
    }
    ++place.listeners;
    ++channel.listening;
    tell(order.worker, [order, key = key_](ChannelBoard& board) { board.agreed(key, order); });
}

void ListeningBackend::notified(const pg::Notification& notification) {
    const auto at = channels_.find(notification.channel);
    if (at == channels_.end()) return;
    const std::uint32_t sender =
        home_.shared().notify_senders.find(key_.database, notification.process_id);
    pg::Notification shown = notification;
    if (sender != 0) shown.process_id = sender;
    std::string frame;
    pg::append_notification(frame, shown);
    std::vector<Place>& places = at->second.places;
    for (unsigned worker = 0; worker < places.size(); ++worker) {
        if (places[worker].listeners == 0 || places[worker].overrun) continue;
        post_notification(worker, at->first, places[worker], frame);
    }
}

void ListeningBackend::post_notification(unsigned worker, const std::string& channel, Place& place,
                                         const std::string& frame) {
    const std::uint64_t wanted = home_.settings().listener_buffer_max;
    const std::uint64_t bytes_max = wanted == 0 ? 0 : std::max(wanted, posted_bytes_least);
    PostedBytes& posted = home_.shared().workers[worker]->channels().posted;
    if (posted.try_post(frame.size(), bytes_max)) {
        tell(worker, [key = key_, channel, frame](ChannelBoard& board) {
            board.notified(key, channel, frame);
        });
        return;
    }
    place.overrun = true;
    tell(worker, [key = key_, channel](ChannelBoard& board) { board.overrun(key, channel); });
}

void ListeningBackend::overrun_ended(unsigned worker, const std::string& name) {
    const auto at = channels_.find(name);
    if (at == channels_.end() || worker >= at->second.places.size()) return;
    at->second.places[worker].overrun = false;
}

}  // namespace sluice::server
