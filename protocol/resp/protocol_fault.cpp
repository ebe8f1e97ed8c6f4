#include "protocol/resp/protocol_fault.hpp"

#include <array>
#include <string_view>

namespace sluice::resp {

void append_protocol_error(std::string& out, ProtocolFault fault, char found) {
    // In the order of ProtocolFault.
    static constexpr std::array<std::string_view, 11> words{
        "unknown",
        "invalid multibulk length",
        "unauthenticated multibulk length",
        "invalid bulk length",
        "unauthenticated bulk length",
        "expected '$', got '",
        "too big inline request",
        "unbalanced quotes in request",
        "bulk without CRLF at its end",
        "too big mbulk count string",
        "too big bulk count string",
    };
    out += "-ERR Protocol error: ";
    out += words[static_cast<std::size_t>(fault)];
    if (fault == ProtocolFault::expected_dollar) {
        // A line break would end the reply in its middle. Source: Redis 7.0, which writes a blank.
        out += found == '\r' || found == '\n' ? ' ' : found;
        out += '\'';
    }
    out += "\r\n";
}

}  // namespace sluice::resp
