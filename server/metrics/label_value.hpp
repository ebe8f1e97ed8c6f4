#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::server {

/// Longest label value made of a name that a client chose; PostgreSQL itself cuts names at 63.
inline constexpr std::size_t label_bytes_max = 128;

/// A name as a label may bear it. Bytes that are not UTF-8 become `\xNN`, since one of them makes
/// Prometheus refuse the whole page; what is longer than `label_bytes_max` is cut and marked.
[[nodiscard]] std::string label_value(std::string_view name);

}  // namespace sluice::server
