#pragma once

#include <cstdint>
#include <string>

namespace sluice::resp {

/// How a client broke the protocol. Words are the server's own, so that a client library that knows
/// them recognises them.
enum class ProtocolFault : std::uint8_t {
    none,
    invalid_multibulk_length,
    unauthenticated_multibulk_length,
    invalid_bulk_length,
    unauthenticated_bulk_length,
    expected_dollar,
    too_big_inline_request,
    unbalanced_quotes,
    /// The server does not look at the two bytes behind a bulk. We do: two programs that read the
    /// same bytes differently are how one client's request becomes two.
    bulk_without_end,
    too_big_multibulk_line,
    too_big_bulk_line,
};

/// The error reply for it. `found` is the byte in place of the dollar.
void append_protocol_error(std::string& out, ProtocolFault fault, char found = '\0');

}  // namespace sluice::resp
