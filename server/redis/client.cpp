#include "server/redis/client.hpp"

#include "protocol/resp/replies.hpp"

#include "server/log.hpp"
#include "server/redis/backend.hpp"
#include "server/redis/refusal.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::server {

namespace {

/// How long a client may take to read what was sent before it was closed.
constexpr std::chrono::milliseconds farewell_time{10'000};

}  // namespace

RedisClient::RedisClient(RedisSide& side, std::uint64_t id, std::uint32_t slot)
    : Stream(side.worker().engine()),
      side_(side),
      terms_(&side.terms_of({})),
      session_(terms_->login),
      id_(id),
      accepted_at_(side.worker().engine().now()),
      since_(accepted_at_),
      slot_(slot) {
    if (session_.logged_in()) phase_ = Phase::serving;
}

RedisClient::~RedisClient() {
    inbox_.clear(side_.worker().shared().buffers);
}

void RedisClient::begin(int fd) {
    // Who comes when all places are taken is heard out first: an error before its first command
    // would be taken for the answer to none, and client libraries lose their count.
    counted_ = side_.worker().shared().redis_clients.try_take();
    if (!counted_) phase_ = Phase::full;
    open(fd);
    arm_timer();
    look();
}

bool RedisClient::waits() const noexcept {
    return phase_ == Phase::awaiting_link || phase_ == Phase::awaiting_pin ||
           phase_ == Phase::awaiting_turn || phase_ == Phase::awaiting_channels ||
           phase_ == Phase::awaiting_login || phase_ == Phase::awaiting_answer;
}

bool RedisClient::subscribed() const noexcept {
    return subscription_ && subscription_->source.has(*this);
}

bool RedisClient::pinned() const noexcept {
    return backend_ != nullptr && backend_->use() == RedisBackend::Use::pinned;
}

void RedisClient::received(wire::Bytes bytes) {
    if (phase_ == Phase::leaving) return;
    if (phase_ == Phase::full) {
        refuse(RefusalReason::too_many_clients);
        return;
    }
    // Else it is the beginning of a login or a wait, which new bytes do not put off.
    if (phase_ == Phase::serving) since_ = engine().now();
    RedisRelay::client_received(*this, bytes);
}

void RedisClient::output_drained() {
    RedisRelay::balance(*this);
}

/// It may read on: what it asked before is answered first.
void RedisClient::input_ended() {
    if (phase_ != Phase::full) {
        keep_for_output();
        RedisRelay::serve(*this, {});
        RedisRelay::leave_if_done(*this);
        return;
    }
    Stream::input_ended();
}

void RedisClient::ended(int error) {
    if (phase_ == Phase::leaving) {
        side_.dismiss(*this);
        return;
    }
    if (error == ENOBUFS) {
        refuse(RefusalReason::buffers_spent);
        return;
    }
    leave(error == 0 ? "closed by client" : "connection lost");
}

void RedisClient::arm_timer() {
    const config::Redis& settings = side_.settings();
    net::Duration limit{0};
    if (phase_ == Phase::login || phase_ == Phase::full) limit = settings.client_login_timeout;
    if (phase_ == Phase::awaiting_link || phase_ == Phase::awaiting_turn ||
        phase_ == Phase::awaiting_channels || phase_ == Phase::awaiting_login ||
        phase_ == Phase::awaiting_answer) {
        limit = settings.wait_timeout;
    }
    if (phase_ == Phase::serving) limit = settings.client_idle_timeout;
    net::TimePoint due = since_ + limit;
    const net::Duration late = terms_->query_timeout;
    if (phase_ == Phase::serving && late.count() > 0 && awaits_a_reply()) {
        due = limit.count() > 0 ? std::min(due, heard_at_ + late) : heard_at_ + late;
        limit = late;
    }
    if (limit.count() > 0) {
        engine().timers().arm(*this, due);
    } else {
        disarm();
    }
}

void RedisClient::expired(net::TimePoint now) {
    switch (phase_) {
        case Phase::login:
        case Phase::full: refuse(RefusalReason::login_timeout); return;
        case Phase::awaiting_link:
        case Phase::awaiting_turn:
            shard_->leave(*this);
            refuse_request(RefusalReason::wait_timeout, redis_wait_error(now - since_));
            return;
        case Phase::awaiting_channels:
            if (subscription_->round != RedisRound::none) {
                subscription_->source.stop_round(*this);
                channels_ready();
                return;
            }
            subscription_->source.withdraw(*this);
            ++side_.refusals[static_cast<std::size_t>(RefusalReason::wait_timeout)];
            channels_refused(redis_wait_error(now - since_));
            return;
        case Phase::awaiting_login:
            login_judged(question_, RedisLoginResult::unavailable, "no answer in time");
            return;
        case Phase::awaiting_answer: {
            std::string out;
            resp::append_error(out, "ERR sluice: no answer in time");
            answered(question_, out);
            return;
        }
        case Phase::serving: serving_expired(now); return;
        case Phase::awaiting_pin: return;
        case Phase::leaving:
            close();
            side_.dismiss(*this);
            return;
    }
}

void RedisClient::serving_expired(net::TimePoint now) {
    const config::Redis& settings = side_.settings();
    const net::Duration late = terms_->query_timeout;
    if (late.count() > 0 && awaits_a_reply() && now - heard_at_ >= late) {
        RedisRelay::reply_late(*this);
        return;
    }
    const net::Duration idle = settings.client_idle_timeout;
    if (idle.count() > 0 && now - since_ >= idle) {
        // Whoever waits for a reply, or for messages, is not idle, unless it may be gone.
        const bool expects_more = owed_ > 0 || session_.tracking() || subscribed();
        if (reception_ended() || !expects_more) {
            leave("client_idle_timeout");
            return;
        }
        since_ = now;
    }
    arm_timer();
}

bool RedisClient::take_pin_permit(resp::PinReason reason) {
    pool::Budget* const limit = shard_->pool().limit_of(reason);
    if (limit == pin_permit_ || limit == nullptr) return true;
    bool taken = limit->try_take();
    if (!taken) {
        // Said first and looked again after: what comes back in between is not missed.
        limit->want();
        taken = limit->try_take();
    }
    if (!taken) return false;
    drop_pin_permit();
    pin_permit_ = limit;
    return true;
}

void RedisClient::drop_pin_permit() {
    pool::Budget* const permit = std::exchange(pin_permit_, nullptr);
    if (permit != nullptr && permit->give_back()) wake_redis(side_.worker().shared(), false);
}

void RedisClient::turn_come() {
    if (phase_ != Phase::awaiting_turn) return;  // It left while others were told.
    phase_ = Phase::serving;
    asks_again_ = true;
    RedisRelay::serve(*this, {});
    asks_again_ = false;
    if (phase_ == Phase::serving) arm_timer();
}

void RedisClient::begin_waiting() {
    heard_at_ = engine().now();
    if (terms_->query_timeout.count() > 0) arm_timer();
}

void RedisClient::granted(RedisBackend& backend) {
    side_.counters_of(*shard_).wait_seconds.record(engine().now() - arrived());
    phase_ = Phase::serving;
    arm_timer();
    RedisRelay::begin_pin(*this, backend);
    RedisRelay::serve(*this, {});
}

void RedisClient::refused(pool::Refused reason) {
    switch (reason) {
        case pool::Refused::wait_timeout:
            refuse_request(RefusalReason::wait_timeout, redis_wait_error(engine().now() - since_));
            return;
        case pool::Refused::queue_full:
            refuse_request(RefusalReason::queue_full, redis_error_of(RefusalReason::queue_full));
            return;
        case pool::Refused::backend_rejected:
            refuse_request(RefusalReason::backend_rejected,
                           redis_unreachable_error(shard_->pool().last_error()));
            return;
        case pool::Refused::draining: refuse(RefusalReason::shutdown); return;
    }
}

void RedisClient::link_ready() {
    phase_ = Phase::serving;
    arm_timer();
    RedisRelay::serve(*this, {});
}

void RedisClient::link_refused() {
    refuse_request(RefusalReason::backend_rejected,
                   redis_unreachable_error(shard_->pool().last_error()));
}

void RedisClient::channels_ready() {
    if (phase_ != Phase::awaiting_channels) return;
    if (subscription_ && subscription_->source.awaits(*this)) return;
    phase_ = session_.logged_in() ? Phase::serving : Phase::login;
    if (RedisRelay::end_round(*this) == RedisRelay::After::leaves) {
        leave("closed");
        return;
    }
    if (side_.worker().draining()) {
        drain();
        if (phase_ == Phase::leaving) return;
    }
    since_ = engine().now();
    arm_timer();
    RedisRelay::serve(*this, {});
}

void RedisClient::channels_refused(std::string_view error) {
    if (phase_ != Phase::awaiting_channels) return;
    std::string out;
    resp::append_error(out, error);
    send(out);
    RedisRelay::forget_subscription(*this);
    channels_ready();
}

void RedisClient::answered(std::uint32_t question, std::string_view reply, Farewell farewell) {
    if (phase_ != Phase::awaiting_answer || question != question_) return;
    phase_ = Phase::serving;
    send(reply);
    if (farewell == Farewell::leaves) {
        leave("CLIENT KILL");
        return;
    }
    if (side_.worker().draining()) {
        drain();
        return;
    }
    arm_timer();
    RedisRelay::serve(*this, {});
}

void RedisClient::login_judged(std::uint32_t question, RedisLoginResult result,
                               std::string_view error) {
    using resp::LoginVerdict;
    if (phase_ != Phase::awaiting_login || question != question_) return;
    phase_ = session_.logged_in() ? Phase::serving : Phase::login;
    if (result == RedisLoginResult::unavailable) {
        std::string out;
        const std::string text = redis_unreachable_error(std::string(error));
        const std::size_t bytes = session_.refuse(inbox_.bytes(), terms_->session, text, out);
        ++side_.refusals[static_cast<std::size_t>(RefusalReason::backend_rejected)];
        inbox_.consume(bytes, side_.worker().shared().buffers);
        send(out);
    } else if (result == RedisLoginResult::refused) {
        session_.judged(LoginVerdict::rejected);
        ++side_.refusals[static_cast<std::size_t>(RefusalReason::login_failed)];
    } else {
        session_.judged(LoginVerdict::accepted);
    }
    if (side_.worker().draining()) {
        drain();
        return;
    }
    arm_timer();
    RedisRelay::serve(*this, {});
}

std::array<std::uint32_t, resp::channel_kind_count> RedisClient::channel_counts() const noexcept {
    if (!subscription_) return {};
    return subscription_->source.book().counts_of(owner());
}

void RedisClient::leave_retiring() noexcept {
    if (backend_ != nullptr && backend_->retiring() && owed_ == 0 && !pinned()) backend_ = nullptr;
}

void RedisClient::unlink(RedisBackend& backend) noexcept {
    if (backend_ == &backend) backend_ = nullptr;
}

void RedisClient::refuse_request(RefusalReason reason, std::string_view error) {
    ++side_.refusals[static_cast<std::size_t>(reason)];
    phase_ = Phase::serving;
    drop_pin_permit();
    std::string out;
    const std::size_t bytes = session_.refuse(inbox_.bytes(), terms_->session, error, out);
    if (bytes == 0) {
        resp::append_error(out, error);
        send(out);
        leave("refused within a request");
        return;
    }
    inbox_.consume(bytes, side_.worker().shared().buffers);
    send(out);
    arm_timer();
    RedisRelay::serve(*this, {});
}

void RedisClient::refuse(RefusalReason reason) {
    if (phase_ == Phase::leaving) return;
    ++side_.refusals[static_cast<std::size_t>(reason)];
    if (row_of(reason).loudness == Loudness::warning) {
        log::warning("client refused", {{"client", id_}, {"reason", row_of(reason).label}});
    }
    // In the middle of a reply nothing can be said that the client would understand.
    const bool within_reply = backend_ != nullptr && backend_->session.within_reply_of() == owner();
    if (!within_reply) {
        std::string out;
        resp::append_error(out, redis_error_of(reason));
        send(out);
    }
    leave(row_of(reason).label);
}

void RedisClient::leave(std::string_view why, Ending ending) {
    if (phase_ == Phase::leaving) return;
    RedisRelay::part(*this);
    const bool was_counted = counted_ && phase_ != Phase::login;
    phase_ = Phase::leaving;
    disarm();
    if (counted_) side_.worker().shared().redis_clients.give_back();
    counted_ = false;
    if (was_counted && side_.worker().configuration().settings.log.log_disconnections) {
        log::info("client left", {{"client", id_}, {"reason", why}});
    }
    if (ending == Ending::cut) close();
    if (is_open()) {
        close_after_output();
        engine().timers().arm(*this, engine().now() + farewell_time);
    } else {
        side_.dismiss(*this);
    }
}

void RedisClient::take_terms() noexcept {
    terms_ = &side_.terms_of(session_.user());
    key_doubted_ = true;
}

void RedisClient::drain() {
    if (phase_ == Phase::leaving) return;
    const bool holds = owed_ > 0 || waits() || (session_.holds_pin() && !session_.tracking());
    if (!holds) leave("shutdown");
}

}  // namespace sluice::server
