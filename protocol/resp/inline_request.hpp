#pragma once

#include <string>
#include <string_view>

namespace sluice::resp {

enum class InlineSplit { request, blank, unbalanced_quotes };

/// Turns a line that somebody typed into a request in array form, with the server's own rules of
/// quoting. Nothing is appended unless the answer is `request`. `line` may end with CRLF or LF.
/// Source: Redis 7.0, "Inline commands" and the quoting that redis-cli documents.
[[nodiscard]] InlineSplit append_inline_request(std::string& out, std::string_view line);

}  // namespace sluice::resp
