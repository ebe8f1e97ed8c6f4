#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

/// What the relay is to do with the bytes at the front of what a client sent. A session returns
/// steps and performs nothing. `Owed` is the protocol's own word for the reply that a forwarded
/// frame asks for; the relay only carries it to the backend's session.
enum class StepKind : std::uint8_t {
    read_more,  ///< Nothing can be decided before more bytes arrive.
    forward,    ///< Send `bytes` on to the backend; `inject` in place of the first `replaced`,
                ///< `behind` after the last.
    wait,       ///< Nothing can be decided before the backend has answered more.
    answer,     ///< Consume `bytes` and send `reply` to the client.
    discard,    ///< Consume `bytes`.
    refuse,     ///< Consume nothing: send an error for the request at the front, and refuse it.
    finish,     ///< The client said farewell.
    violate,    ///< The client broke the protocol; `reply` says how, in one sentence or not at all.
};

template <typename Owed>
struct Step {
    StepKind kind = StepKind::read_more;
    Owed owed{};
    Owed injected_owed{};
    Owed behind_owed{};
    std::size_t bytes = 0;
    std::size_t replaced = 0;  ///< Of `bytes`.
    std::string_view inject;   ///< Valid until the session is asked again.
    std::string_view behind;   ///< Static lifetime.
    std::string_view reply;    ///< Static lifetime.
};

}  // namespace sluice
