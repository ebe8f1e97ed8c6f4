#pragma once

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/client_session.hpp"
#include "protocol/wire/cursor.hpp"

#include "pool/shard.hpp"

#include "server/pg/profile.hpp"
#include "server/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::server {

class Departure;
class PgBackend;
class PgClient;
struct SessionInquiry;

/// The place where both directions meet: performs the steps of a client's session, carries the
/// bytes, takes a backend when one is wanted and gives it back when the backend's session says
/// that it may be. It knows no message; the sessions do.
///
///     client --received--> ClientSession --Step--> [lease] --bytes--> backend
///     client <--bytes-- BackendSession <--received-- backend
///
/// No state of its own: everything lies with the two ends. Confined to: their worker.
class PgRelay {
  public:
    /// Bytes of a client that has logged in.
    static void client_received(PgClient& client, wire::Bytes bytes);
    /// Goes on with what was kept of a client's bytes.
    static void serve_kept(PgClient& client);
    /// Bytes of a backend whose login is done.
    static void backend_received(PgBackend& backend, wire::Bytes bytes);
    /// Asks the pool for a backend. One that has been idle for a while is looked at first, for
    /// bytes that arrived or a connection that ended unnoticed; the next one is taken then.
    [[nodiscard]] static pool::Shard::Acquired acquire(PgClient& client);
    /// The pool gave the waiting client a backend.
    static void begin_lease(PgClient& client, PgBackend& backend);
    /// Gives the backend back if everything about it is settled and nothing holds it.
    static void release_if_settled(PgClient& client);
    /// Whether the backend can be taken from a client that rests over a portal: nothing of its
    /// session is the client's own, nor has it a half of a message.
    [[nodiscard]] static bool reclaimable(const PgClient& client);
    /// Takes it: what the client rests in is rolled back, and its next request is refused.
    static void reclaim(PgClient& client);
    /// A question about the session of the client's backend has been answered.
    static void told(PgClient& client, SessionInquiry& inquiry);
    /// Adds up how long its pins have lasted.
    static void count_pinned_time(PgClient& client);
    /// Gives it back although the client has gone or is going.
    static void abandon_lease(PgClient& client);
    /// The backend is no more; `reason` is what its client is told.
    static void backend_lost(PgBackend& backend,
                             RefusalReason reason = RefusalReason::backend_lost);
    /// The buffer budget has no room for bytes from it or to it.
    static void buffers_spent(PgBackend& backend);
    /// Reads from each side just when the other side keeps up.
    static void balance(PgClient& client);
    /// Everything that waited for the client has left.
    static void client_caught_up(PgClient& client);
    /// What its channels made the client wait for may have come.
    static void channels_settled(PgClient& client);

  private:
    /// What became of some of a backend's bytes.
    struct Passage {
        enum class End : std::uint8_t {
            open,          ///< Nothing in particular.
            answered,      ///< The client got a ReadyForQuery.
            backend_gone,  ///< The backend was closed on the way.
        };
        std::size_t bytes = 0;  ///< From the front; what is left waits for more.
        End end = End::open;
    };

    static Passage pass_on(PgBackend& backend, wire::Bytes bytes);
    static void event_came(PgBackend& backend, pg::BackendEvent event, wire::Bytes frame);
    static void send_again(PgBackend& backend);
    static void rename_error(PgBackend& backend, wire::Bytes frame, Departure& out);
    static void pass_run(PgBackend& backend, const pg::BackendRun& run, wire::Bytes frames,
                         Departure& out);
    static std::size_t serve(PgClient& client, wire::Bytes bytes);
    /// Whether the front of a client's bytes was dealt with, without a backend; or has to wait.
    enum class Served : std::uint8_t { no, yes, later };
    static void send_off(PgClient& client, Departure& out);
    [[nodiscard]] static bool serve_step(PgClient& client, const pg::ClientSession::Step& step,
                                         bool waited, Departure& out);
    [[nodiscard]] static Served serve_unleased(PgClient& client, wire::Bytes rest, Departure& out);
    [[nodiscard]] static Served opens_block(PgClient& client, wire::Bytes rest);
    static void refuse_block(PgClient& client);
    [[nodiscard]] static Served serve_here(PgClient& client, wire::Bytes rest, Departure& out);
    [[nodiscard]] static bool fails_block(PgClient& client);
    static void tell_of_failed_begin(PgClient& client, std::size_t bytes, Departure& out);
    [[nodiscard]] static pg::ClientSession::Step next_step(PgClient& client, wire::Bytes rest);
    /// What was under way on a client's backend when a step was decided.
    enum class Before : std::uint8_t { nothing, transaction, portal, request };
    [[nodiscard]] static Before before_step(const PgClient& client);
    static void forward(PgClient& client, const pg::ClientSession::Step& step, Before before,
                        Departure& out);
    static void free_database(PgClient& client, wire::Bytes frame);
    static bool take_backend(PgClient& client);
    static bool put_off_end(PgClient& client, const pg::ClientSession::Step& step, bool waited);
    static void await_answer(PgClient& client);
    static void count_pins(PgClient& client);
    static void restart_settings(PgClient& client);
    static void warn(PgClient& client);
    static bool settle_doubts(PgClient& client);
    static void ask(PgClient& client, std::unique_ptr<SessionInquiry> inquiry);
    static bool insist(PgClient& client, SessionInquiry& inquiry);
    [[nodiscard]] static bool settings_drifted(const PgClient& client);
    [[nodiscard]] static bool settling(PgClient& client);
    [[nodiscard]] static bool held(const PgClient& client);
    static bool remembers(PgClient& client);
    static void learn_calls(PgClient& client, SessionInquiry& inquiry, bool found_nothing);
    static void take_settings(PgClient& client, SessionInquiry& inquiry);
    static void take_profile(PgClient& client, const ProfileRef& profile);
    static void end_lease(PgClient& client, pool::Outcome outcome);
    static void answer_came(PgClient& client);
    static void rest_came(PgClient& client);
    static void take_back(PgClient& client);
    static void tell_of_loss(PgClient& client);
    [[nodiscard]] static bool drains_portal(PgClient& client);
    static void store_for_portal(PgClient& client, wire::Bytes bytes);
    static void portal_advanced(PgClient& client);
    [[nodiscard]] static std::size_t serve_portal(PgClient& client, wire::Bytes bytes);
    /// Part of the buffer budget up to which spools grow: the rest is for those that keep up.
    static constexpr std::uint64_t spool_share = 4;

    static void count_rest(const PgClient& client);
    [[nodiscard]] static bool reads_behind(const PgClient& client);
    [[nodiscard]] static bool spools(const PgClient& client, std::size_t held_bytes);
    [[nodiscard]] static bool pinned(const PgClient& client);
};

}  // namespace sluice::server
