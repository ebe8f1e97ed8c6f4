#pragma once

#include "protocol/wire/cursor.hpp"

#include "server/admin/console_session.hpp"
#include "server/net/inbox.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::server {

class PgClient;

/// A client of the admin console: carries bytes between its socket and the console's session, and
/// fetches the snapshots that the answers are made of.
///
/// Owned by its client. Confined to: the client's worker.
class PgConsole {
  public:
    /// Places beyond `max_clients` that only the console's clients may take, so that it answers
    /// when everything else is full.
    static constexpr std::uint32_t reserve = 8;

    /// Whether a client that asks for this database means the console.
    [[nodiscard]] static bool is_console(std::string_view database) noexcept;
    /// Ends the login of `client`: it may use the console, or is refused. `reply` holds what the
    /// login has to send first.
    static void open(PgClient& client, const std::string& user, std::string reply);

    explicit PgConsole(PgClient& client) : client_(client) {}
    ~PgConsole();

    void received(wire::Bytes bytes);

  private:
    void proceed();
    void gather(SnapshotDetail detail);

    PgClient& client_;
    ConsoleSession session_;
    net::Inbox inbox_;
    enum class Phase : std::uint8_t { serving, gathering } phase_ = Phase::serving;
};

}  // namespace sluice::server
