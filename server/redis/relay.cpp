#include "server/redis/relay.hpp"

#include "protocol/resp/client_session.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/shard.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

using Kind = resp::ClientStep::Kind;

/// Requests a client may have outstanding before it is not read: bounds the queue of owed replies.
constexpr std::uint32_t owed_count_max = 4096;
/// A reply that is larger than this keeps others waiting on its way.
constexpr std::size_t large_reply_bytes = 64U * 1024;
/// Smaller ones until its client is one like the others again.
constexpr std::uint8_t heavy_reply_count = 64;
/// Bytes that a backend has not taken before the clients that feed it are not read.
constexpr std::size_t unsent_bytes_max = 256U * 1024;
/// Replies that a client with a backend of its own has not taken before that is not read.
constexpr std::size_t unread_bytes_max = 256U * 1024;

/// Puts its string back where it was borrowed, with what memory it has.
class BorrowedRoom {
  public:
    explicit BorrowedRoom(std::string& room) : home_(room), room_(std::exchange(room, {})) {
        room_.clear();
    }
    ~BorrowedRoom() {
        room_.clear();
        home_ = std::move(room_);
    }
    BorrowedRoom(const BorrowedRoom&) = delete;
    BorrowedRoom& operator=(const BorrowedRoom&) = delete;
    [[nodiscard]] std::string& get() noexcept { return room_; }

  private:
    std::string& home_;
    std::string room_;
};

}  // namespace

void RedisRelay::client_received(RedisClient& client, wire::Bytes arrived) {
    if (client.inbox_.empty() && !client.waits() && !client.gathered_) {
        serve(client, arrived);
        return;
    }
    if (!client.inbox_.append(arrived, client.side_.worker().shared().buffers)) {
        client.refuse(RefusalReason::buffers_spent);
        return;
    }
    serve(client, {});
}

void RedisRelay::serve(RedisClient& client, wire::Bytes arrived) {
    using Phase = RedisClient::Phase;
    if (client.phase_ != Phase::login && client.phase_ != Phase::serving) return;
    if (client.gathered_) return;
    if (client.shard_ != nullptr && (client.key_doubted_ || client.shard_->pool().retired()) &&
        follow_key(client) == Goes::away) {
        client.leave("its database is not in the settings any more");
        return;
    }
    RedisSide& side = client.side_;
    net::BufferBudget& buffers = side.worker().shared().buffers;
    const bool kept = arrived.empty();
    const wire::Bytes bytes = kept ? client.inbox_.bytes() : arrived;
    BorrowedRoom out(side.room);
    std::size_t at = 0;
    bool pool_asked = false;
    Goes goes = Goes::on;
    while (goes == Goes::on && at < bytes.size()) {
        resp::Situation situation;
        if (client.backend_ != nullptr) {
            situation.lending = client.pinned() ? resp::Lending::pinned : client.lent_;
            situation.block_refusal = client.backend_->block_refusal();
        }
        situation.owed = client.owed_ > 0;
        situation.subscribed = client.subscribed();
        situation.heavy = client.heavy_left_ > 0;
        situation.memory_spent =
            client.shard_ != nullptr && client.shard_->pool().gate().holds(client.engine().now());
        const std::size_t answer_at = out.get().size();
        const resp::ClientStep step = client.session_.next(
            bytes.subspan(at), situation, client.terms_->session, side.facts_of(client), out.get());
        if (step.kind == Kind::read_more || step.kind == Kind::wait) break;
        at += step.bytes;
        if (step.spared != resp::Spared::nothing) count_spared(client, step.spared);
        pool_asked = pool_asked || step.kind == Kind::lend || step.kind == Kind::reset;
        goes = perform(client, step, out.get(), answer_at);
        client.session_.sent();
        if (client.owed_ >= owed_count_max) break;
    }
    if (!out.get().empty()) client.send(out.get());
    if (goes == Goes::away) {
        client.leave("closed");
        return;
    }
    if (kept) {
        client.inbox_.consume(at, buffers);
    } else if (!client.inbox_.append(bytes.subspan(at), buffers)) {
        client.refuse(RefusalReason::buffers_spent);
        return;
    }
    balance(client);
    if (client.reception_ended()) leave_if_done(client);
    if (pool_asked && client.shard_ != nullptr) client.shard_->perform_orders();
}

RedisRelay::Goes RedisRelay::perform(RedisClient& client, const resp::ClientStep& step,
                                     std::string& out, std::size_t answer_at) {
    switch (step.kind) {
        case Kind::read_more:
        case Kind::wait: return Goes::on;
        case Kind::judge: return judge(client, step);
        case Kind::lend: return lend(client, step);
        case Kind::answer: return follow_key(client);
        case Kind::finish: return part_first(client, RedisRound::quit, out, answer_at);
        case Kind::reset:
            give_back(client, false);
            if (follow_key(client) == Goes::away) return Goes::away;
            return part_first(client, RedisRound::reset, out, answer_at);
        case Kind::consult: return consult(client, step, out);
        case Kind::subscribe: return subscribe(client, step, out);
        case Kind::unsubscribe: return unsubscribe(client, step, out);
        case Kind::ping: return ping(client, out, answer_at);
        case Kind::forward:
        case Kind::part: break;
    }
    // What we answer ourselves comes before what the server will.
    if (!out.empty()) {
        client.send(out);
        out.clear();
    }
    RedisBackend& backend = *client.backend_;
    RedisCounters& counters = client.side_.counters_of(*client.shard_);
    counters.received_bytes += step.send.size();
    counters.commands += step.replies;
    const bool first = client.owed_ == 0;
    backend.session.requested(step.muted ? client.muted_owner() : client.owner(), step.replies,
                              step.skipped);
    client.owed_ += step.replies;
    client.blocked_ = step.may_wait || (client.blocked_ && !first);
    if (first) client.begin_waiting();
    tell_gate(client, step.memory);
    backend.put(step.send);
    if (!step.adds_section) return Goes::on;
    client.gathered_ = std::make_unique<std::string>();
    return Goes::waits;
}

RedisRelay::Goes RedisRelay::judge(RedisClient& client, const resp::ClientStep& step) {
    ++client.question_;
    const resp::LoginVerdict verdict = client.side_.judge(client, step.user, step.password);
    client.session_.judged(verdict);
    if (verdict != resp::LoginVerdict::none) return Goes::on;
    client.phase_ = RedisClient::Phase::awaiting_login;
    client.since_ = client.engine().now();
    client.arm_timer();
    return Goes::waits;
}

void RedisRelay::count_spared(RedisClient& client, resp::Spared why) {
    RedisCounters& counters = client.side_.counters_of(client.terms_->database);
    ++(why == resp::Spared::memory ? counters.shed_commands : counters.oversized_requests);
}

/// The backend owes for the command already. While nothing is wrong, this is one load.
void RedisRelay::tell_gate(RedisClient& client, resp::MemoryUse use) {
    MemoryGate& gate = client.shard_->pool().gate();
    if (gate.closed() || use == resp::MemoryUse::neutral) return;
    const net::TimePoint now = client.engine().now();
    if (use == resp::MemoryUse::frees) gate.room_made(now);
    if (use == resp::MemoryUse::takes && gate.claim_probe(now)) client.backend_->session.probe();
}

void RedisRelay::hear_of_memory(RedisBackend& backend, const resp::BackendRun& run) {
    MemoryGate& gate = backend.shard().pool().gate();
    if (run.oom_replies > 0) gate.oom_answered(run.oom_replies, backend.engine().now());
    using Answer = MemoryGate::ProbeAnswer;
    switch (run.probe) {
        case resp::BackendRun::Probe::none: return;
        case resp::BackendRun::Probe::accepted: gate.probe_answered(Answer::accepted); return;
        case resp::BackendRun::Probe::refused: gate.probe_answered(Answer::refused); return;
        case resp::BackendRun::Probe::unclear: gate.probe_answered(Answer::unclear); return;
    }
}

void RedisRelay::backend_received(RedisBackend& backend, wire::Bytes arrived) {
    const RedisShard::OrdersHeld held(backend.shard());
    net::BufferBudget& buffers = backend.shard().worker().shared().buffers;
    const bool kept = !backend.inbox_.empty();
    if (kept && !backend.inbox_.append(arrived, buffers)) {
        backend_lost(backend, RefusalReason::buffers_spent);
        return;
    }
    const wire::Bytes bytes = kept ? backend.inbox_.bytes() : arrived;
    const resp::Owner pushes =
        backend.client_ != nullptr ? backend.client_->owner() : resp::Owner::nobody;
    std::size_t at = 0;
    while (at < bytes.size() && backend.is_open()) {
        const resp::BackendRun run = backend.session.next(bytes.subspan(at), pushes);
        if (run.event == resp::BackendRun::Event::violation) {
            backend_lost(backend, RefusalReason::backend_violation);
            return;
        }
        if (run.bytes == 0) break;
        if (run.oom_replies > 0 || run.probe != resp::BackendRun::Probe::none) {
            hear_of_memory(backend, run);
        }
        if (run.demoted) backend.shard().doubt(backend);
        deliver(backend, static_cast<std::uint32_t>(run.owner), bytes.subspan(at, run.bytes),
                run.replies);
        at += run.bytes;
    }
    if (!backend.is_open()) return;
    if (kept) {
        backend.inbox_.consume(at, buffers);
    } else if (!backend.inbox_.append(bytes.subspan(at), buffers)) {
        backend_lost(backend, RefusalReason::buffers_spent);
        return;
    }
    if (backend.client_ != nullptr) {
        release_if_settled(*backend.client_);
    } else if (backend.settled()) {
        if (backend.retiring() && backend.use() == RedisBackend::Use::shared) {
            backend.shut();
            return;
        }
        backend.shard().yield();
    }
}

/// Whose replies are large goes where they hold up only their like; see decision 0008.
void RedisRelay::weigh(RedisClient& client, std::size_t bytes, std::uint32_t replies) {
    const std::size_t sum = client.reply_bytes_ + bytes;
    client.reply_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(sum, UINT32_MAX));
    if (replies == 0) return;
    const bool large = sum > large_reply_bytes && sum / replies > large_reply_bytes;
    client.reply_bytes_ = 0;
    if (large) {
        client.heavy_left_ = heavy_reply_count;
    } else if (client.heavy_left_ > 0) {
        client.heavy_left_ -=
            static_cast<std::uint8_t>(std::min<std::uint32_t>(replies, client.heavy_left_));
    }
}

/// Nothing is owed to it: it may ask anew. The session asks by itself for the other lane.
void RedisRelay::change_lane(RedisClient& client) {
    client.leave_retiring();
    const bool wants_slow = client.lent_ == resp::Lending::slow;
    const bool has_slow =
        client.backend_ != nullptr && client.backend_->lane() == RedisBackend::Lane::slow;
    // It is among the quick ones for want of a slow one, which may have come meanwhile.
    if (wants_slow && !has_slow) client.backend_ = nullptr;
}

void RedisRelay::deliver(RedisBackend& backend, std::uint32_t owner, wire::Bytes bytes,
                         std::uint32_t replies) {
    if (owner == 0) return;
    RedisSide& side = backend.shard().worker().redis();
    RedisClient* const client = side.client_at((owner & ~RedisClient::muted_bit) - 1);
    if (client == nullptr || client->backend_ != &backend) return;
    client->owed_ -= replies;
    weigh(*client, bytes.size(), replies);
    client->heard_at_ = client->engine().now();
    if ((owner & RedisClient::muted_bit) == 0) {
        side.counters_of(backend.shard()).sent_bytes += bytes.size();
        if (client->gathered_) {
            gather(*client, bytes);
        } else {
            client->send(bytes);
        }
        if (client->subscription_) hear_held(*client);
        const std::uint64_t unread = client->pending_output_bytes();
        if (unread > side.settings().client_buffer_max && !client->pinned()) {
            // The others wait for what comes behind: the backend is read on, the client is cut.
            ++side.counters_of(backend.shard()).slow_readers;
            client->leave("does not read its replies", RedisClient::Ending::cut);
            return;
        }
    }
    // What its backend says of changed keys comes unasked for.
    if (client->session_.tracking()) balance(*client);
    if (client->owed_ == 0 && !client->pinned()) change_lane(*client);
    if (client->owed_ == 0 && side.worker().draining()) {
        client->drain();
        // Who watches or is within MULTI stays, and what it has sent brings it to its end.
        if (client->phase_ == RedisClient::Phase::leaving) return;
    }
    if (client->inbox_.empty() && !client->reception_paused()) return;
    if (client->owed_ == 0 || client->owed_ < owed_count_max / 2) serve(*client, {});
}

void RedisRelay::backend_drained(RedisBackend& backend) {
    if (!std::exchange(backend.feeders_paused_, false)) return;
    if (backend.client_ != nullptr) {
        balance(*backend.client_);
        return;
    }
    backend.shard().worker().redis().for_each_client([&backend](RedisClient& client) {
        if (client.backend_ == &backend && client.reception_paused()) balance(client);
    });
}

void RedisRelay::leave_if_done(RedisClient& client) {
    using Phase = RedisClient::Phase;
    if (client.phase_ == Phase::leaving) return;
    // It may be gone altogether: it must take no element from a list with it, and nothing comes of
    // the rest of its request.
    const bool will_block =
        (client.phase_ == Phase::awaiting_pin || client.phase_ == Phase::awaiting_turn) &&
        client.pin_reason_ == resp::PinReason::blocking;
    const bool hopeless = client.blocked() || client.session_.within_request();
    if (client.waits() ? !will_block : client.owed_ > 0 && !hopeless) return;
    client.leave("closed by client");
}

void RedisRelay::balance(RedisClient& client) {
    if (client.phase_ == RedisClient::Phase::leaving) return;
    const bool held = client.waits() || client.owed_ > 0;
    bool pause = client.owed_ >= owed_count_max ||
                 (held && client.inbox_.size() > client.terms_->session.held_bytes_max * 2);
    if (RedisBackend* const backend = client.backend_; backend != nullptr) {
        if (backend->unsent_bytes() > unsent_bytes_max) {
            pause = true;
            backend->feeders_paused_ = true;
        }
        if (client.pinned()) {
            if (client.pending_output_bytes() > unread_bytes_max) {
                backend->pause_reception();
            } else if (backend->reception_paused()) {
                backend->resume_reception();
            }
        }
    }
    if (pause) {
        client.pause_reception();
    } else if (client.reception_paused()) {
        client.resume_reception();
    }
}

}  // namespace sluice::server
