#pragma once

#include "protocol/pg/client_channels.hpp"
#include "protocol/pg/statement_facts.hpp"
#include "protocol/wire/cursor.hpp"

#include "server/net/timer_wheel.hpp"
#include "server/pg/channel_board.hpp"
#include "server/pg/departure.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::server {

class PgBackend;
class PgClient;

/// What a client that has to do with channels needs beside its session: it is told what others
/// notify, at the moments at which PostgreSQL would tell it; and the end of a transaction that
/// may have changed its channels, or have notified, is kept from it until that is settled.
///
///     none -> subscribing -> subscribed -> none            LISTEN by itself, without a backend
///     none -> asking -> agreeing -> none                   LISTEN among other things
///     none -> agreeing -> none                             NOTIFY: until it has come back
///
/// Owned by its client, made when first needed. Confined to: its worker.
class PgListening final : private net::Timer {
  public:
    explicit PgListening(PgClient& client);
    ~PgListening() override;

    /// The front of the client's bytes, if it is a whole Query of one LISTEN or UNLISTEN and
    /// nothing else, for a client without a backend: how many bytes have been answered here, 0 when
    /// the answer is still to come. Nothing when it is something else.
    [[nodiscard]] static std::optional<std::size_t> serve(PgClient& client, wire::Bytes rest);

    /// The client's requests wait.
    [[nodiscard]] bool holds() const noexcept {
        return stage_ != Stage::none && stage_ != Stage::subscribed;
    }
    /// It keeps the end of a transaction from its client, and so the backend.
    [[nodiscard]] bool keeps_ready() const noexcept {
        return stage_ == Stage::asking || stage_ == Stage::agreeing;
    }
    /// A request goes on through this backend that may notify.
    void forwarded(PgBackend& backend);
    /// A ReadyForQuery is at hand, as the last bytes of what is to leave for the client.
    void ready_came(PgBackend& backend, std::size_t run_bytes, Departure& out);
    /// The answer to the question, a row at a time; then its end. False: not to be believed.
    [[nodiscard]] bool row_came(wire::Bytes body);
    void question_answered();
    /// True when nothing is awaited any more: the end of the transaction has been sent.
    [[nodiscard]] bool settle();
    /// A notification by the backend itself, whole.
    void backend_notified(PgBackend& backend, wire::Bytes frame, Departure& out);
    /// The lease has ended.
    void lease_ended();
    /// The client leaves.
    void left();

    // Told by the board.
    [[nodiscard]] bool awaits(std::uint32_t serial) const noexcept;
    void agreed(std::uint32_t serial, const std::string& channel);
    void refused(const std::string& error_body);
    void barriers_set(std::uint32_t serial, std::uint32_t count);
    void passed(std::uint32_t serial);
    /// A frame for the client, now or when it can be told.
    void hear(std::string_view frame);
    /// The others do not wait for one that does not read.
    void cut();
    /// Everything that was on its way to the client has left.
    void caught_up();

  private:
    enum class Stage : std::uint8_t { none, subscribing, subscribed, asking, agreeing };

    void enter_group();
    [[nodiscard]] bool may_hear() const noexcept;
    [[nodiscard]] std::size_t serve_query(const pg::StatementFacts& facts, std::size_t bytes);
    std::size_t answer(std::string_view tag, std::size_t bytes);
    void begin_asking(PgBackend& backend);
    void begin_agreeing();
    void drop_unheard();
    void forget_sender();
    /// Among the clients that listen to something.
    void count();
    void expired(net::TimePoint now) override;

    PgClient& client_;
    ChannelBoard::Group* group_ = nullptr;
    std::string pending_;         ///< Frames that the client cannot be told yet.
    std::uint32_t serial_ = 0;    ///< Of the orders of the present stage.
    std::uint32_t awaited_ = 0;   ///< Answers to LISTEN.
    std::uint32_t barriers_ = 0;  ///< Answers to a barrier, and word of how many there will be.
    std::uint32_t sender_ = 0;    ///< The backend's process id that is noted as ours; 0: none.
    Stage stage_ = Stage::none;
    bool counted_ = false;  ///< Among those that listen.
};

}  // namespace sluice::server
