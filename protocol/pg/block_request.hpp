#pragma once

#include "protocol/pg/block_command.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::pg {

class ClientStatements;

/// What a client asks for with one Query, or with one batch of the extended protocol up to its
/// Sync, that is nothing but one BlockCommand; so that it can be answered without a backend.
struct BlockRequest {
    BlockCommand command = BlockCommand::none;
    std::size_t bytes = 0;  ///< Of its frames. 0, without a command: a Query that is not whole yet.
    std::string_view text;
    bool extended = false;
    bool describes_statement = false;
    bool describes_portal = false;
    bool parses = false;
    std::string_view name;        ///< Of the statement that is parsed or bound.
    std::string_view parse_body;  ///< What Parse says behind the name.
};

/// Looks at the front of what a client has sent. A batch must be in hand up to its Sync, for until
/// that has come the client may be waiting for a part of the answer; with Flush, that is.
/// `statements`: those of the client, which Bind may use; may be null.
[[nodiscard]] BlockRequest read_block_request(wire::Bytes available,
                                              const ClientStatements* statements);

/// Appends what PostgreSQL says to it, ReadyForQuery included.
void append_block_answer(std::string& out, const BlockRequest& request);

}  // namespace sluice::pg
