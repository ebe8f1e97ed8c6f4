#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

namespace sluice::pool {

class Backend;
class Budget;
class Waiter;

/// How a lease ended, in the words of the one who knows what the bytes meant.
enum class Outcome : std::uint8_t {
    clean,        ///< Provably as new: may be handed on as it is.
    needs_reset,  ///< Whole, but carries a session's traces.
    broken,       ///< Of no more use.
};

/// Why a client got no backend.
enum class Refused : std::uint8_t {
    queue_full,        ///< max_waiters are in line.
    wait_timeout,      ///< It waited as long as wait_timeout allows.
    backend_rejected,  ///< The database refused the login; its own error is the answer.
    draining,          ///< This program is shutting down, or the pool is gone.
};
inline constexpr std::size_t refused_count = 4;

enum class OpenFailure : std::uint8_t {
    /// A verdict that holds for every waiter: wrong password, no such database. Want of room
    /// ("too many clients") is no such verdict.
    rejected,
    /// Nobody there, no answer, starting up, no room: to be tried again while the waiters wait.
    unavailable,
    /// Nothing was tried, for want of something of our own: says nothing of the database.
    short_of_resources,
};

/// Why a backend was closed. The last two come without a Close action: the server knew first.
enum class CloseReason : std::uint8_t {
    broken,        ///< Its lease ended with Outcome::broken.
    idle_timeout,  ///< Not needed for server_idle_timeout.
    lifetime,      ///< Older than its share of server_lifetime.
    recycled,      ///< RECONNECT or reload.
    evicted,       ///< Another pool needed the permit.
    over_limit,    ///< pool_size was lowered.
    paused,        ///< PAUSE.
    draining,      ///< Shutdown.
    open_failed,   ///< It never became ready.
    lost,          ///< Its peer closed it, or a check, a reset or its socket failed.
};
inline constexpr std::size_t close_reason_count = 10;

/// Orders to the server. It performs them all after each call of a Shard.

/// The waiter holds the backend now.
struct Grant {
    Waiter* waiter;
    Backend* backend;
};
struct Refuse {
    Waiter* waiter;
    Refused reason;
};
/// Make a Backend and call opening() with it, then connect. The permit is taken already, so even
/// a server that cannot make a socket has to answer: opening(), open_failed(), closed().
struct Open {
    std::uint32_t affinity;
};
/// Close the socket, then call closed().
struct Close {
    Backend* backend;
    CloseReason reason;
};
/// Clean the backend, then call reset_done(), or lost().
struct Reset {
    Backend* backend;
};
/// Ask the backend for a sign of life, then call check_done(), or lost().
struct Check {
    Backend* backend;
};
/// Carry the backend to the worker of that shard, and call arrived() there. It must arrive even
/// when it died on the way: arrived(), then lost().
struct Send {
    Backend* backend;
    unsigned shard;
};
/// Post wake() to these shards of the same pool.
struct Wake {
    std::uint64_t shard_mask;
};
/// The budget is spent and somebody waits for it: post evict_one() to every shard of every pool
/// that shares it.
struct NeedPermit {
    Budget* budget;
};
/// A permit of the budget is free and somebody waited for it: post wake() to every shard of every
/// pool that shares it.
struct OfferPermit {
    Budget* budget;
};

using Action =
    std::variant<Grant, Refuse, Open, Close, Reset, Check, Send, Wake, NeedPermit, OfferPermit>;

}  // namespace sluice::pool
