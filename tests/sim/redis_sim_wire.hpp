#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis_sim {

using Words = std::vector<std::string>;

/// RESP as both ends of the simulation speak it, written apart from the
/// program's own so that a mistake there is not repeated here.
[[nodiscard]] std::string request(const Words& words);
[[nodiscard]] std::string bulk(std::string_view text);
/// A map in RESP3 and the flat array of it in RESP2.
[[nodiscard]] std::string map_of(unsigned version, const Words& names_and_values);

/// A whole request at the front, and its bytes; empty words when it has not all
/// come. Nothing for what is no array of bulks.
struct Cut {
    Words words;
    std::size_t bytes = 0;
};
[[nodiscard]] std::optional<Cut> cut_request(std::string_view input);

/// Bytes of the whole reply at the front; 0 when it has not all come. Nothing
/// for what is none.
[[nodiscard]] std::optional<std::size_t> reply_bytes(std::string_view input);

/// The words of an array or push of bulks and integers; nothing for any other
/// reply.
[[nodiscard]] std::optional<Words> words_of(std::string_view reply);

/// Text that belongs to a key: whoever gets another's sees it.
[[nodiscard]] std::string filling(std::string_view key, std::size_t bytes);

/// Keys are `CLIENT:SERIAL`; 0 where there is none.
[[nodiscard]] std::uint32_t client_of(std::string_view key);
[[nodiscard]] std::uint32_t serial_of(std::string_view key);

}  // namespace sluice::redis_sim
