#pragma once

#include "protocol/resp/reply_scanner.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::resp {

/// Writes replies as a server of the client's version of the protocol does.

void append_bulk(std::string& out, std::string_view text);
/// Text for people: RESP3 marks it as such.
void append_verbatim(std::string& out, std::string_view text, RespVersion version);
void append_integer(std::string& out, std::int64_t number);
void append_null(std::string& out, RespVersion version);
void append_array(std::string& out, std::size_t count);
/// A map of RESP3; in RESP2 the same pairs one behind the other.
void append_map(std::string& out, std::size_t pair_count, RespVersion version);
/// A push of RESP3; in RESP2 an array.
void append_push(std::string& out, std::size_t count, RespVersion version);
/// `text` begins with the error's token and has no dash. Line breaks in it become blanks.
void append_error(std::string& out, std::string_view text);

struct Greeting {
    std::uint64_t client_id = 0;
    std::string_view server_version;
    RespVersion version = RespVersion::resp2;
};
/// The answer to HELLO.
void append_greeting(std::string& out, const Greeting& greeting);

}  // namespace sluice::resp
