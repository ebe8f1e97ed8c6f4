#pragma once

#include <string>
#include <string_view>

namespace sluice::resp {

/// The answer to INFO, which is there in full, with one section more at its end. Whatever is not
/// such an answer, an error above all, stays as it is. A bulk string, or RESP3's verbatim one.
[[nodiscard]] std::string with_section(std::string_view reply, std::string_view section);

}  // namespace sluice::resp
