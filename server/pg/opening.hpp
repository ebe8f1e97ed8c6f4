#pragma once

#include "protocol/crypto.hpp"
#include "protocol/pg/backend_login.hpp"

#include "pool/actions.hpp"
#include "pool/registry.hpp"

#include "server/net/address.hpp"
#include "server/net/inbox.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::server {

class PgPool;
class Worker;

/// Opens one connection to a database server: tries the hosts of a pool in their order, of each its
/// addresses in theirs, and logs in.
///
///     resolving -> connecting -> logging in -> opened | not opened
///         ^----- next address, next host ---'
///
/// The socket is its owner's stream, which hands on what happens to it until it is told how the
/// opening has ended; the owner then destroys this. No state of the conversation outlives it.
///
/// Owned by its owner. Confined to: its worker, which knows it by its number while it lives.
class PgOpening final : private net::Timer {
  public:
    /// Who wants a connection.
    class Owner {
      public:
        virtual ~Owner() = default;
        /// Not attached, and attached anew for each address that is tried.
        [[nodiscard]] virtual net::Stream& socket() noexcept = 0;
        /// The server is idle and waits for a request.
        virtual void opened() = 0;
        /// Nobody let us in. The socket is closed. `error_body` is that of an ErrorResponse.
        virtual void not_opened(std::string error_body, pool::OpenFailure failure) = 0;
    };

    /// `startup` goes into the startup packet. The entry is that of a PgPool.
    PgOpening(Owner& owner, Worker& worker, std::shared_ptr<pool::PoolEntry> entry,
              pg::StartupSettings startup);
    ~PgOpening() override;

    void begin();
    /// Its owner wants no connection any more, or has got it: nothing happens from now on.
    void stop() noexcept;
    // What happened to the owner's socket.
    void connected();
    void received(wire::Bytes bytes);
    void ended(int error);

    /// What the server's login said, once it has ended well. May be taken.
    [[nodiscard]] pg::ParameterStatuses& statuses() noexcept { return statuses_; }
    [[nodiscard]] pg::BackendKey& key() noexcept { return key_; }
    /// NoticeResponse frames.
    [[nodiscard]] std::string& notices() noexcept { return notices_; }
    [[nodiscard]] const net::SocketAddress& address() const noexcept { return address_; }
    /// What came behind the login's end.
    [[nodiscard]] wire::Bytes rest() const noexcept { return inbox_.bytes(); }
    [[nodiscard]] bool connecting() const noexcept { return !login_; }

    /// Of replication connections: what the startup packet's parameter of that name says.
    void set_replication(std::string value) { replication_ = std::move(value); }

  private:
    void expired(net::TimePoint now) override;
    void try_next_host();
    void try_next_address();
    void resolved(const std::vector<net::SocketAddress>& found, const std::string& error);
    void failed(std::string text);
    void ended_badly(std::string error_body, pool::OpenFailure failure);
    /// False when the login ended, one way or the other.
    bool login_step(pg::BackendLogin::Step step, std::string& out);
    void derive_keys(const pg::ScramChallenge& challenge);
    void advance_derivation(const pg::ScramChallenge& challenge, crypto::Pbkdf2Sha256 derivation);
    void arm();

    Owner& owner_;
    Worker& worker_;
    const std::shared_ptr<pool::PoolEntry> entry_;
    PgPool& pool_;
    const std::uint64_t id_;
    pg::StartupSettings startup_;
    std::string replication_;
    std::unique_ptr<pg::BackendLogin> login_;
    net::Inbox inbox_;
    net::SocketAddress address_;
    std::vector<net::SocketAddress> addresses_;  ///< Of the host being tried, not tried yet.
    std::uint32_t hosts_tried_ = 0;
    std::uint32_t attempt_ = 0;  ///< Of logging in: tells a late derivation from an awaited one.
    std::string connect_error_;
    pg::ParameterStatuses statuses_;
    pg::BackendKey key_;
    std::string notices_;
};

}  // namespace sluice::server
