#pragma once

#include "pool/registry.hpp"

#include "server/net/stream.hpp"
#include "server/pg/cancel_key.hpp"
#include "server/pg/opening.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice::server {

class PgClient;

/// A replication connection, physical or logical: the client's bytes and those of a backend of its
/// own pass as they come, both ways at once, until one side ends.
///
/// The backend is in no pool. PostgreSQL counts such connections apart (max_wal_senders), and so
/// does `max_replication_connections`, of which this holds a permit. It logs in with the pool's
/// user and secret and with what the client's startup packet said; whether the user may replicate
/// the server decides, and its refusal is what the client gets.
///
/// Owned by its client. Confined to: the client's worker.
class PgReplication final : public net::Stream, private PgOpening::Owner {
  public:
    /// What of a login is still of use.
    struct Beginning {
        std::shared_ptr<pool::PoolEntry> entry;
        pg::StartupSettings settings;
        std::string replication;  ///< The startup parameter.
        std::string greeting;     ///< To be sent in front of AuthenticationOk.
        CancelKeyForm key_form = CancelKeyForm::short_form;
    };

    /// The caller has taken the permit.
    PgReplication(PgClient& client, Beginning beginning);
    ~PgReplication() override;

    void begin();
    void client_received(wire::Bytes bytes);
    /// The client's cancel request goes on to its backend, which may be doing nothing: what passes
    /// here is not followed. False, and `done` is not called, when it does not.
    [[nodiscard]] bool cancel(std::function<void()> done);
    /// Everything that was on its way to the client has left.
    void client_caught_up();
    /// The client is gone, or going: nothing passes any more.
    void client_left() noexcept;

  private:
    [[nodiscard]] net::Stream& socket() noexcept override { return *this; }
    void opened() override;
    void not_opened(std::string error_body, pool::OpenFailure failure) override;
    void connected() override;
    void received(wire::Bytes bytes) override;
    void output_drained() override;
    void ended(int error) override;
    void end_opening() noexcept;

    PgClient* client_;  ///< Null once it has left.
    Beginning beginning_;
    std::unique_ptr<PgOpening> opening_;
    net::SocketAddress address_;
    pg::BackendKey key_;
    pool::Budget& permits_;
};

}  // namespace sluice::server
