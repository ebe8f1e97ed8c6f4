#pragma once

#include "protocol/pg/frame.hpp"

namespace sluice::pg {

/// False for the header of a client's frame that makes PostgreSQL close without a word: its length
/// is less than its own four bytes, or more than that type of message may have. So do we, for a
/// backend that is handed such a header is lost.
/// Source: PostgreSQL 15, SocketBackend() and PQ_SMALL_MESSAGE_LIMIT, PQ_LARGE_MESSAGE_LIMIT.
[[nodiscard]] bool is_possible(FrameHeader header) noexcept;

}  // namespace sluice::pg
