// How a listening backend comes to be, and what becomes of one that is lost.

#include "server/log.hpp"
#include "server/pg/listening_backend.hpp"
#include "server/pg/permits.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

/// Without channels the connection is kept this long, for the next listener.
constexpr net::Duration linger{10'000};
/// Between two attempts to get a permit, and how many.
constexpr net::Duration permit_retry{50};
constexpr std::uint32_t permit_attempts = 100;
/// Pauses double from one of these to server_login_retry: a server that let the last one in and
/// lost it is expected back sooner than one that lets nobody in.
constexpr net::Duration first_pause_of_failures{1'000};
constexpr net::Duration first_pause_of_losses{100};
/// A connection that has lived so long is made again at once when it is lost.
constexpr net::Duration lived_long{10'000};
/// So many early losses in a row, a second and a half of pauses, are waited out by who listens.
constexpr std::uint32_t patient_losses = 5;

net::Duration pause_after(std::uint32_t times, net::Duration first, config::Duration longest) {
    const std::uint32_t doublings = std::min<std::uint32_t>(times, 8) - 1;
    return std::max(first_pause_of_losses, std::min(longest, first * (1U << doublings)));
}

std::string error_body(std::string_view sqlstate, std::string_view text, std::string_view hint) {
    std::string frame;
    pg::append_error(frame, pg::Severity::error, sqlstate, text, {}, hint);
    return frame.substr(pg::frame_header_bytes);
}

}  // namespace

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
    if (permit_) Permits::give_back(home_.shared(), *std::exchange(permit_, {}));
}

void ListeningBackend::open() {
    phase_ = Phase::opening;
    if (!take_permit()) {
        if (++permit_tries_ < permit_attempts) {
            engine().timers().arm(*this, engine().now() + permit_retry);
            return;
        }
        not_opened(error_body("53300", "there is no room for a connection that listens",
                              "Raise server.max_backends or max_db_connections."),
                   pool::OpenFailure::unavailable);
        return;
    }
    permit_tries_ = 0;
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
    last_error_.clear();
    opened_at_ = engine().now();
    session_ = {};
    std::string out;
    for (const auto& [name, channel] : channels_)
        session_.listen(name, ticket_of({}), out);
    if (was_lost_) session_.barrier(ticket_of({Request::Kind::restored, {}}), out);
    if (!out.empty()) ask(out);
    for (ListenOrder& order : std::exchange(waiting_, {}))
        send_listen(std::move(order));
    if (!rest.empty()) received(wire::as_bytes(rest));
    keep_time();
}

void ListeningBackend::not_opened(std::string error, pool::OpenFailure) {
    const pg::ErrorFields fields = pg::parse_error_fields(wire::as_bytes(error));
    log::warning(
        "listening backend cannot be opened",
        {{"database", key_.database}, {"sqlstate", fields.sqlstate}, {"error", fields.message}});
    end_opening();
    permit_tries_ = 0;
    // Nobody waits for the next attempt, which may fail as well.
    last_error_ = std::move(error);
    pause(pause_after(++failures_, first_pause_of_failures, home_.settings().server_login_retry));
}

void ListeningBackend::pause(net::Duration time) {
    give_back_permit();
    if (!last_error_.empty()) refuse_waiting(last_error_);
    phase_ = Phase::pausing;
    engine().timers().arm(*this, engine().now() + time);
}

void ListeningBackend::ended(int error) {
    if (phase_ == Phase::opening) {
        opening_->ended(error);
    } else {
        lost("the server closed it");
    }
}

/// Who waited for something that the connection would have said waits for the next one.
void ListeningBackend::drop() {
    close();
    inbox_.clear(home_.shared().buffers);
    asked_at_.reset();
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
    disarm();
}

/// One that is lost soon may be followed by many: the first is made again at once, for a single
/// loss is nothing, and the others after a pause. A LISTEN that is refused may cost its client the
/// connection, so the first pauses are waited out.
void ListeningBackend::lost(std::string_view why) {
    log::warning("listening backend lost", {{"database", key_.database}, {"reason", why}});
    const bool lived = engine().now() - opened_at_ >= lived_long;
    early_losses_ = lived ? 0 : early_losses_ + 1;
    drop();
    if (early_losses_ > patient_losses)
        last_error_ =
            error_body("08006", "the connection that listens was lost: " + std::string(why), {});
    if (early_losses_ > 1) {
        pause(pause_after(early_losses_ - 1, first_pause_of_losses,
                          home_.settings().server_login_retry));
    } else if (!channels_.empty() || !waiting_.empty()) {
        open();
    } else {
        give_back_permit();
    }
}

/// The oldest request has not been answered in time. Who waits need not wait for another one.
void ListeningBackend::overdue() {
    const std::string error =
        error_body("08006", "the connection that listens does not answer", {});
    for (auto& [ticket, request] : requests_) {
        if (request.kind != Request::Kind::order) continue;
        --channels_[request.order.channel].pending;
        waiting_.push_back(std::exchange(request, {}).order);
    }
    refuse_waiting(error);
    lost("it does not answer");
}

void ListeningBackend::expired(net::TimePoint) {
    switch (phase_) {
        case Phase::opening: open(); return;  // For want of a permit.
        case Phase::pausing:
            phase_ = Phase::resting;
            if (!channels_.empty() || !waiting_.empty()) open();
            return;
        case Phase::listening:
            if (asked_at_) {
                overdue();
            } else if (channels_.empty()) {
                drop();
                give_back_permit();
            }
            return;
        case Phase::resting: return;
    }
}

void ListeningBackend::ask(std::string_view requests) {
    if (!asked_at_) asked_at_ = engine().now();
    send(wire::as_bytes(requests));
    keep_time();
}

/// What the timer is for while the backend listens: the next answer, or the next listener.
void ListeningBackend::keep_time() {
    if (phase_ != Phase::listening) return;
    const config::Duration answer_time = home_.settings().server_connect_timeout;
    if (asked_at_ && answer_time.count() > 0) {
        engine().timers().arm(*this, *asked_at_ + answer_time);
    } else if (!asked_at_ && channels_.empty()) {
        engine().timers().arm(*this, engine().now() + linger);
    } else {
        disarm();
    }
}

}  // namespace sluice::server
