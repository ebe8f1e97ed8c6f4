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
/// Without channels the connection is kept this long, for the next listener.
constexpr net::Duration linger{10'000};
/// Between two attempts to get a permit, and how many.
constexpr net::Duration permit_retry{50};
constexpr std::uint32_t permit_attempts = 100;
constexpr net::Duration first_pause{1'000};

}  // namespace

Worker& listening_home(Worker& any, std::string_view database) {
    const auto& workers = any.shared().workers;
    return *workers[std::hash<std::string_view>()(database) % workers.size()];
}

ListeningBackend& ListeningBackends::of(const ListeningKey& key) {
    auto& backend = backends_[key];
    if (!backend) backend = std::make_unique<ListeningBackend>(worker_, key);
    return *backend;
}

void ListeningBackends::barrier(const std::string& database, const ListenOrder& order) {
    // Each answers; the client waits for the last. One at least does.
    std::uint32_t asked = 0;
    for (auto at = backends_.lower_bound({database, {}});
         at != backends_.end() && at->first.database == database; ++at) {
        if (at->second->phase() != ListeningBackend::Phase::listening) continue;
        at->second->barrier(order);
        ++asked;
    }
    Worker& asking = *worker_.shared().workers[order.worker];
    asking.post([&asking, order, asked] { asking.channels().barriers_set(order, asked); });
}

ListeningCounts ListeningBackends::counts() const {
    ListeningCounts counts;
    for (const auto& [key, backend] : backends_) {
        counts.channels += backend->channel_count();
        switch (backend->phase()) {
            case ListeningBackend::Phase::resting: break;
            case ListeningBackend::Phase::pausing: ++counts.pausing; break;
            case ListeningBackend::Phase::opening: ++counts.opening; break;
            case ListeningBackend::Phase::listening: ++counts.listening; break;
        }
    }
    return counts;
}

ListeningBackend::ListeningBackend(Worker& home, ListeningKey key)
    : Stream(home.engine()), home_(home), key_(std::move(key)) {}

ListeningBackend::~ListeningBackend() {
    inbox_.clear(home_.shared().buffers);
    if (permit_) give_back_permit();
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
        std::string name = order.channel;
        send_listen(std::move(order));
        return;
    }
    if (waiting_.size() >= waiting_max || phase_ == Phase::pausing) {
        const std::string body = static_cast<PgPool&>(*entry_->attachment).last_error();
        tell(order.worker, [order, body](ChannelBoard& board) { board.refused(order, body); });
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
    send(out);
}

void ListeningBackend::unlisten(unsigned worker, const std::string& name) {
    const auto at = channels_.find(name);
    if (at == channels_.end() || worker >= at->second.listeners.size() ||
        at->second.listeners[worker] == 0) {
        return;
    }
    --at->second.listeners[worker];
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
        send(out);
    }
    rest_if_idle();
}

void ListeningBackend::barrier(const ListenOrder& order) {
    barriers_next_.push_back(order);
    if (barriers_sent_.empty()) send_barrier();
}

void ListeningBackend::send_barrier() {
    barriers_sent_ = std::exchange(barriers_next_, {});
    std::string out;
    session_.barrier(ticket_of({Request::Kind::barriers, {}}), out);
    send(out);
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

// The connection.

bool ListeningBackend::take_permit() {
    if (permit_) return true;
    if (!Permits::try_take(home_.shared(), *entry_)) {
        Permits::want(home_.shared(), *entry_);
        return false;
    }
    permit_ = entry_;
    return true;
}

void ListeningBackend::give_back_permit() {
    Permits::give_back(home_.shared(), *std::exchange(permit_, {}));
}

void ListeningBackend::open() {
    if (!take_permit()) {
        phase_ = Phase::opening;
        if (++failures_ < permit_attempts) {
            engine().timers().arm(*this, engine().now() + permit_retry);
            return;
        }
        std::string frame;
        pg::append_error(frame, pg::Severity::error, "53300",
                         "there is no room for a connection that listens", {},
                         "Raise server.max_backends or max_db_connections.");
        not_opened(frame.substr(pg::frame_header_bytes), pool::OpenFailure::unavailable);
        return;
    }
    phase_ = Phase::opening;
    disarm();
    pg::StartupSettings startup;
    if (!key_.encoding.empty()) startup.set("client_encoding", key_.encoding);
    startup.set("application_name", "sluice listener");
    PgOpening::Owner& owner = *this;
    opening_ = std::make_unique<PgOpening>(owner, home_, entry_, std::move(startup));
    opening_->begin();
}

void ListeningBackend::end_opening() {
    if (!opening_) return;
    opening_->stop();
    engine().bury(std::move(opening_));
}

void ListeningBackend::connected() {
    opening_->connected();
}

void ListeningBackend::opened() {
    log::info("listening backend opened",
              {{"database", key_.database}, {"process_id", opening_->key().process_id}});
    const std::string rest(wire::as_text(opening_->rest()));
    end_opening();
    phase_ = Phase::listening;
    failures_ = 0;
    session_ = {};
    std::string out;
    for (const auto& [name, channel] : channels_)
        session_.listen(name, ticket_of({}), out);
    if (was_lost_) session_.barrier(ticket_of({Request::Kind::restored, {}}), out);
    if (!out.empty()) send(out);
    for (ListenOrder& order : std::exchange(waiting_, {}))
        send_listen(std::move(order));
    if (!rest.empty()) received(wire::as_bytes(rest));
    rest_if_idle();
}

void ListeningBackend::not_opened(std::string error_body, pool::OpenFailure) {
    const pg::ErrorFields fields = pg::parse_error_fields(wire::as_bytes(error_body));
    log::warning(
        "listening backend cannot be opened",
        {{"database", key_.database}, {"sqlstate", fields.sqlstate}, {"error", fields.message}});
    end_opening();
    if (permit_) give_back_permit();
    refuse_waiting(error_body);
    failures_ = std::min<std::uint32_t>(failures_ + 1, 4);
    phase_ = Phase::pausing;
    const auto longest = home_.settings().server_login_retry;
    const auto pause = std::min(longest, first_pause * (1U << (failures_ - 1)));
    engine().timers().arm(*this, engine().now() + pause);
}

void ListeningBackend::refuse_waiting(const std::string& error_body) {
    for (const ListenOrder& order : std::exchange(waiting_, {})) {
        tell(order.worker,
             [order, error_body](ChannelBoard& board) { board.refused(order, error_body); });
    }
}

void ListeningBackend::ended(int error) {
    if (phase_ == Phase::opening) {
        opening_->ended(error);
    } else {
        lost();
    }
}

/// Who waited for something that the connection would have said waits for the next one.
void ListeningBackend::lost() {
    log::warning("listening backend lost", {{"database", key_.database}});
    close();
    inbox_.clear(home_.shared().buffers);
    for (auto& [ticket, request] : std::exchange(requests_, {})) {
        if (request.kind != Request::Kind::order) continue;
        --channels_[request.order.channel].pending;
        waiting_.push_back(std::move(request.order));
    }
    std::erase_if(channels_, [](const auto& channel) { return channel.second.listening == 0; });
    release_barriers(std::exchange(barriers_sent_, {}));
    release_barriers(std::exchange(barriers_next_, {}));
    if (!channels_.empty()) {
        was_lost_ = true;
        ++home_.listening_backends().losses;
    }
    phase_ = Phase::resting;
    if (!channels_.empty() || !waiting_.empty()) {
        open();
    } else {
        give_back_permit();
    }
}

void ListeningBackend::expired(net::TimePoint) {
    switch (phase_) {
        case Phase::opening: open(); return;  // For want of a permit.
        case Phase::pausing:
            phase_ = Phase::resting;
            if (!channels_.empty() || !waiting_.empty()) open();
            return;
        case Phase::listening:
            if (!channels_.empty() || session_.owed() > 0) return;
            close();
            inbox_.clear(home_.shared().buffers);
            requests_.clear();
            phase_ = Phase::resting;
            give_back_permit();
            return;
        case Phase::resting: return;
    }
}

void ListeningBackend::rest_if_idle() {
    if (phase_ != Phase::listening) return;
    if (!channels_.empty()) {
        disarm();
    } else {
        engine().timers().arm(*this, engine().now() + linger);
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
        lost();
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
        case Came::violation: lost(); return;
        case Came::done:
        case Came::refused: break;
    }
    const auto at = requests_.find(event.ticket);
    if (at == requests_.end()) return;
    Request request = std::move(at->second);
    requests_.erase(at);
    answered(std::move(request), event.error);
}

void ListeningBackend::answered(Request request, const std::string& error) {
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
    if (!error.empty()) {
        tell(order.worker, [order, error](ChannelBoard& board) { board.refused(order, error); });
        leave_channel(order.channel);
        return;
    }
    if (channel.listeners.size() <= order.worker) channel.listeners.resize(order.worker + 1);
    ++channel.listeners[order.worker];
    ++channel.listening;
    rest_if_idle();
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
    for (unsigned worker = 0; worker < at->second.listeners.size(); ++worker) {
        if (at->second.listeners[worker] == 0) continue;
        tell(worker, [key = key_, name = at->first, frame](ChannelBoard& board) {
            board.notified(key, name, frame);
        });
    }
}

}  // namespace sluice::server
