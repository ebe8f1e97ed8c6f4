#pragma once

#include <cstdint>
#include <initializer_list>

namespace sluice::pg {

/// What happens to what a client leaves in its session. See docs/session-state.md.
enum class Treatment : std::uint8_t {
    track,   ///< It follows the client; what cannot pins.
    pin,     ///< The client keeps its backend.
    reject,  ///< The request is refused.
    warn,    ///< It happens, and is lost at the end of the transaction.
};

/// When a backend is asked what its client has left in it, beyond what the words of texts tell.
enum class Probe : std::uint8_t { off, unknown, always };

struct SessionPolicy {
    Treatment set = Treatment::track;
    Treatment role = Treatment::track;
    Treatment listen = Treatment::track;
    Treatment temporary_table = Treatment::pin;
    Treatment advisory_lock = Treatment::pin;
    Treatment with_hold = Treatment::pin;
    Treatment sql_prepare = Treatment::track;
    Treatment code = Treatment::track;
    Probe probe = Probe::unknown;

    [[nodiscard]] bool rejects() const noexcept {
        for (const Treatment one :
             {set, role, listen, temporary_table, advisory_lock, with_hold, sql_prepare, code}) {
            if (one == Treatment::reject) return true;
        }
        return false;
    }
};

}  // namespace sluice::pg
