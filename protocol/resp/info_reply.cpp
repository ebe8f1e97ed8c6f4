#include "protocol/resp/info_reply.hpp"

#include "protocol/resp/length_line.hpp"
#include "protocol/wire/cursor.hpp"

namespace sluice::resp {

std::string with_section(std::string_view reply, std::string_view section) {
    if (!reply.starts_with('$') && !reply.starts_with('=')) return std::string(reply);
    const LengthLine line = read_length_line(wire::as_bytes(reply), 1);
    if (line.state != LengthLine::State::read || line.value < 0) return std::string(reply);
    const std::size_t head = 1 + line.bytes;
    const auto bytes = static_cast<std::size_t>(line.value);
    if (reply.size() - head < 2 || reply.size() - head - 2 != bytes) return std::string(reply);
    const std::string_view body = reply.substr(head, bytes);
    // A blank line stands between two sections, and none before the first. A verbatim string
    // begins with its kind: "txt:".
    const bool is_first = body.empty() || body == "txt:";
    std::string text(body);
    if (!is_first) text += "\r\n";
    text += section;
    return reply[0] + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

}  // namespace sluice::resp
