#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The frames that name a prepared statement: where the name stands, and how they are written.
/// Source: PostgreSQL 15 manual, "Message Formats".
namespace sluice::pg {

/// Where the statement's name stands in a frame of which a part is in hand.
struct NamedFrame {
    std::string_view name;
    std::size_t name_at = 0;   ///< From the frame's first byte.
    std::size_t name_end = 0;  ///< Behind the zero byte of the name.
};

/// Longest name that is looked for. PostgreSQL itself uses only the first 63 bytes of one.
constexpr std::size_t searched_name_bytes_max = 4096;

enum class NameSearch : std::uint8_t { found, more_bytes, absent, too_long };

/// Finds the name of a Parse, Bind, Describe or Close whose first bytes are `available`; absent
/// where the body ends before the name does.
[[nodiscard]] NameSearch find_name(wire::Bytes available, NamedFrame& found) noexcept;

/// True when this is the whole of what Parse says behind the name, and nothing else.
[[nodiscard]] bool is_parse_body(wire::Bytes body) noexcept;

/// Appends the header and the front of such a frame with another name in it, to which the rest
/// of `frame` (its beginning, with all of the name) is to be added.
void append_renamed_front(std::string& out, wire::Bytes frame, const NamedFrame& named,
                          std::string_view name);
void append_parse(std::string& out, std::string_view name, std::string_view body);
/// A Parse of an empty text with so many parameters of unknown types.
void append_empty_parse(std::string& out, std::string_view name, std::uint16_t parameter_count);
/// How many parameters a statement has by what Parse says behind the name: those that are declared,
/// or the highest that the text seems to name.
[[nodiscard]] std::uint16_t parameter_count(std::string_view parse_body);
void append_close(std::string& out, std::string_view name);
/// Describe of a statement, and a Flush behind it.
void append_describe(std::string& out, std::string_view name);
void append_close_portal(std::string& out, std::string_view portal);
/// Without parameters.
void append_bind(std::string& out, std::string_view portal, std::string_view name);
void append_execute(std::string& out, std::string_view portal);

/// Appends an ErrorResponse with the client's name in place of ours, wherever that stands.
void append_renamed_error(std::string& out, wire::Bytes frame, std::string_view ours,
                          std::string_view clients);

}  // namespace sluice::pg
