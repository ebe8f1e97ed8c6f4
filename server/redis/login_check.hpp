#pragma once

#include "protocol/resp/backend_login.hpp"

#include "pool/permit_chain.hpp"

#include "config/settings.hpp"

#include "server/net/address.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"
#include "server/redis/client.hpp"
#include "server/redis/pool.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

class RedisLoginChecks;
class RedisSide;

/// One question to a Redis whether a password is that user's: a connection that logs in, hears the
/// answer, and closes. A shared backend cannot ask it, for it would be that user from then on.
///
/// Owned by RedisLoginChecks. Confined to: its worker.
class RedisLoginCheck final : public net::Stream, private net::Timer {
  public:
    using Result = RedisLoginResult;

    RedisLoginCheck(RedisLoginChecks& home, std::uint64_t id, const config::RedisDatabase& database,
                    std::string_view user, std::string_view password, const RedisControlPart& part);

    /// Several clients may ask the same.
    struct Asker {
        std::uint32_t slot;
        std::uint32_t question;
        std::uint64_t id;
    };
    std::vector<Asker> askers;

    [[nodiscard]] bool asks(std::string_view database, std::string_view user,
                            std::string_view password) const noexcept;
    /// False: no permit is to be had. Else `finished` of its home is called, perhaps from in here.
    [[nodiscard]] bool begin();
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& database() const noexcept { return database_.name; }
    [[nodiscard]] const resp::BackendIdentity& identity() const noexcept { return identity_; }
    void give_permit_back();

  private:
    void connected() override;
    void received(wire::Bytes bytes) override;
    void output_drained() override {}
    void ended(int error) override;
    void expired(net::TimePoint now) override;

    [[nodiscard]] bool take_permit();
    void resolve();
    void try_next_address();
    void finish(Result result, const std::string& error);

    RedisLoginChecks& home_;
    const std::uint64_t id_;
    const config::RedisDatabase database_;
    const resp::BackendIdentity identity_;
    resp::BackendLogin login_;
    pool::Budget own_{1};
    pool::PermitChain permits_;
    std::vector<net::SocketAddress> addresses_;
    std::string kept_;  ///< Of an answer that has not come to its end.
    bool begun_ = false;
    bool finished_ = false;
};

/// The logins of one worker's clients that their Redis is asked about, a few at a time.
///
/// Owned by its worker's RedisSide. Confined to: its worker.
class RedisLoginChecks {
  public:
    explicit RedisLoginChecks(RedisSide& side) noexcept : side_(side) {}
    ~RedisLoginChecks();
    RedisLoginChecks(const RedisLoginChecks&) = delete;
    RedisLoginChecks& operator=(const RedisLoginChecks&) = delete;

    /// The client is told login_judged(), from outside of this call.
    void ask(RedisClient& client, const config::RedisDatabase& database, std::string_view user,
             std::string_view password);
    /// A permit may have become free.
    void wake() { begin_more(); }
    void shut();

    // Told by a check.
    void finished(RedisLoginCheck& check, RedisLoginCheck::Result result, const std::string& error);
    [[nodiscard]] RedisLoginCheck* find(std::uint64_t id) noexcept;
    [[nodiscard]] RedisSide& side() const noexcept { return side_; }

  private:
    void begin_more();
    void begin_later();

    RedisSide& side_;
    std::vector<std::unique_ptr<RedisLoginCheck>> checks_;  ///< In order of arrival.
};

}  // namespace sluice::server
