#pragma once

#include <optional>

/// What happens to what a client leaves in its session, one policy a feature. `track` lets it
/// follow the client from backend to backend; `pin` keeps the backend until it is gone; `reject`
/// refuses the request; `warn` lets it happen and be lost at the end of the transaction.
namespace sluice::config {

enum class TrackPolicy { track, pin, reject, warn };
enum class ListenPolicy { fan_out, pin, reject, warn };
enum class KeepPolicy { pin, reject, warn };

struct SessionState {
    TrackPolicy set = TrackPolicy::track;   ///< SET, RESET, set_config().
    TrackPolicy role = TrackPolicy::track;  ///< SET ROLE, SET SESSION AUTHORIZATION.
    ListenPolicy listen = ListenPolicy::fan_out;
    KeepPolicy temporary_table = KeepPolicy::pin;
    KeepPolicy advisory_lock = KeepPolicy::pin;    ///< Those of the session.
    KeepPolicy with_hold = KeepPolicy::pin;        ///< DECLARE ... WITH HOLD.
    TrackPolicy sql_prepare = TrackPolicy::track;  ///< PREPARE.
    TrackPolicy code = TrackPolicy::track;         ///< DO, CALL, LOAD.
    bool operator==(const SessionState&) const = default;
};

/// The same where nothing need be said.
struct SessionStateOverrides {
    std::optional<TrackPolicy> set;
    std::optional<TrackPolicy> role;
    std::optional<ListenPolicy> listen;
    std::optional<KeepPolicy> temporary_table;
    std::optional<KeepPolicy> advisory_lock;
    std::optional<KeepPolicy> with_hold;
    std::optional<TrackPolicy> sql_prepare;
    std::optional<TrackPolicy> code;
    bool operator==(const SessionStateOverrides&) const = default;
};

/// When a backend is asked what a client has left in it: never, when a text calls what is not
/// known to be harmless, or after each transaction.
enum class Probe { off, unknown, always };

}  // namespace sluice::config
