#pragma once

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/owed_queue.hpp"

#include "pool/waiter.hpp"

#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/refusal.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::server {

class RedisBackend;
class RedisShard;
class RedisSide;
class RedisSubscriber;
struct RedisTerms;
/// What a Redis says of a password. Without an answer the login cannot be judged.
enum class RedisLoginResult : std::uint8_t { accepted, refused, unavailable };

/// What a client waits for at the backend of its channels, with the answer to give it then: that
/// the server has given up those that it leaves, or says what comes behind every message so far.
enum class RedisRound : std::uint8_t { none, unsubscribe, reset, quit, ping };

/// What a client has that has subscribed to something.
struct RedisSubscription {
    RedisSubscriber& source;
    net::Inbox held;    ///< Messages that came in the middle of a reply.
    net::Inbox answer;  ///< What it is told when the round is over.
    RedisRound round = RedisRound::none;
};

/// One client of the Redis side, from accept to close.
///
/// It has at most one backend at a time: a shared one that it comes back to as long as it likes, or
/// a pinned one. While replies are owed to it, it changes neither, so they come in order.
///
/// Owned by its worker's RedisSide. Confined to: its worker.
class RedisClient final : public net::Stream, public pool::Waiter, private net::Timer {
  public:
    enum class Phase : std::uint8_t {
        login,
        serving,
        awaiting_link,
        awaiting_pin,
        awaiting_turn,
        awaiting_channels,
        awaiting_login,   ///< The server is asked about a password.
        awaiting_answer,  ///< Of other workers, or of the control connection.
        full,
        leaving,
    };

    RedisClient(RedisSide& side, std::uint64_t id, std::uint32_t slot);
    ~RedisClient() override;

    void begin(int fd);

    // Told by the shard.
    void granted(RedisBackend& backend);
    void refused(pool::Refused reason);
    void linked(RedisBackend& backend) noexcept { backend_ = &backend; }
    void link_ready();
    void link_refused();
    /// A pin for its reason may be had; it asks again.
    void turn_come();
    /// Its backend is to go: it asks for another, if nothing is owed to it there.
    void leave_retiring() noexcept;
    /// That shared backend closes; nothing is owed on it.
    void unlink(RedisBackend& backend) noexcept;

    // Told by its subscriber: those it wants, or a round. Said too late, or again, it means
    // nothing.
    void channels_ready();
    void channels_refused(std::string_view error);

    /// What it waits for from elsewhere; nothing when it does not want to see it.
    enum class Farewell : std::uint8_t { stays, leaves };
    void answered(std::uint32_t question, std::string_view reply,
                  Farewell farewell = Farewell::stays);
    /// Which of them it waits for: an answer to an earlier one comes too late.
    [[nodiscard]] std::uint32_t question() const noexcept { return question_; }

    /// What the server says of the password that it has given.
    void login_judged(std::uint32_t question, RedisLoginResult result, std::string_view error);

    /// Sends an error as the last word, and leaves.
    void refuse(RefusalReason reason);
    /// Sends `error` in place of the reply to the request that waits, and goes on.
    void refuse_request(RefusalReason reason, std::string_view error);
    /// `cut`: what it has not read is not worth waiting for.
    enum class Ending : std::uint8_t { behind_output, cut };
    void leave(std::string_view why, Ending ending = Ending::behind_output);
    /// Shutdown or other settings: leaves when nothing is owed to it.
    void drain();

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
    [[nodiscard]] resp::Owner owner() const noexcept { return static_cast<resp::Owner>(slot_ + 1); }
    /// For replies that it does not want to see.
    [[nodiscard]] resp::Owner muted_owner() const noexcept {
        return static_cast<resp::Owner>((slot_ + 1) | muted_bit);
    }
    static constexpr std::uint32_t muted_bit = 1U << 31U;
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] const resp::ClientSession& session() const noexcept { return session_; }
    [[nodiscard]] RedisBackend* backend() const noexcept { return backend_; }
    [[nodiscard]] RedisShard* shard() const noexcept { return shard_; }
    [[nodiscard]] bool pinned() const noexcept;
    [[nodiscard]] bool waits() const noexcept;
    [[nodiscard]] bool subscribed() const noexcept;
    [[nodiscard]] const RedisTerms& terms() const noexcept { return *terms_; }
    /// The settings have changed, and what was made of the old ones is about to go.
    void take_terms() noexcept;
    [[nodiscard]] net::TimePoint accepted_at() const noexcept { return accepted_at_; }

    // For CLIENT LIST.
    [[nodiscard]] RedisSide& side() const noexcept { return side_; }
    [[nodiscard]] net::TimePoint heard_from_at() const noexcept { return since_; }
    [[nodiscard]] std::size_t kept_bytes() const noexcept { return inbox_.size(); }
    [[nodiscard]] bool blocked() const noexcept { return blocked_ && owed_ > 0; }
    [[nodiscard]] resp::PinReason pin_reason() const noexcept { return pin_reason_; }
    [[nodiscard]] std::array<std::uint32_t, resp::channel_kind_count> channel_counts()
        const noexcept;

  private:
    friend class RedisRelay;

    void received(wire::Bytes bytes) override;
    void output_drained() override;
    void input_ended() override;
    void ended(int error) override;
    void expired(net::TimePoint now) override;
    void serving_expired(net::TimePoint now);
    void arm_timer();
    /// Nobody but the server knows when a blocking command is answered.
    [[nodiscard]] bool awaits_a_reply() const noexcept { return owed_ > 0 && !blocked_; }
    /// Something is owed to it from now on.
    void begin_waiting();
    /// A permit for a pin of this reason, unless it has one. False: it waits for it.
    [[nodiscard]] bool take_pin_permit(resp::PinReason reason);
    void drop_pin_permit();

    RedisSide& side_;
    RedisShard* shard_ = nullptr;  ///< Of its key; null before the first request for a backend.
    RedisBackend* backend_ = nullptr;
    const RedisTerms* terms_ = nullptr;  ///< Of its user.
    resp::ClientSession session_;
    std::unique_ptr<RedisSubscription> subscription_;
    /// Of the answer to INFO, which gets a section more when it is there in full. Until then
    /// nothing is asked behind it.
    std::unique_ptr<std::string> gathered_;
    net::Inbox inbox_;
    std::uint64_t id_;
    net::TimePoint accepted_at_;
    net::TimePoint since_;       ///< Of the phase, or of the last bytes.
    net::TimePoint heard_at_{};  ///< From a backend, or the first request since nothing was owed.
    pool::Budget* pin_permit_ = nullptr;  ///< Of the pin it has or waits for.
    std::uint32_t slot_;
    std::uint32_t question_ = 0;     ///< The last one that was put to others; see question().
    std::uint32_t reply_bytes_ = 0;  ///< Of the reply under way, as far as it matters.
    std::uint8_t heavy_left_ = 0;    ///< Small replies until it is not heavy any more.
    resp::Lending lent_ = resp::Lending::none;  ///< Of shared ones: which it asked for.
    std::uint32_t owed_ = 0;                    ///< Replies outstanding, muted ones too.
    Phase phase_ = Phase::login;
    resp::PinReason pin_reason_ = resp::PinReason::blocking;
    bool blocked_ = false;      ///< Something it is owed for may wait for other clients.
    bool asks_again_ = false;   ///< For the pin it has waited for.
    bool key_doubted_ = false;  ///< Other settings may lead it to other backends.
    bool counted_ = false;      ///< Holds a place below `max_clients`.
};

}  // namespace sluice::server
