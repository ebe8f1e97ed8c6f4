#include "protocol/pg/frame_limits.hpp"

namespace sluice::pg {

namespace {

constexpr std::uint32_t length_bytes = 4;  ///< PostgreSQL's limits count the length itself.
constexpr std::uint32_t small_body_bytes_max = 10'000 - length_bytes;
constexpr std::uint32_t large_body_bytes_max = 0x3ffffffeU - length_bytes;

std::uint32_t body_bytes_max(ClientMessage type) noexcept {
    switch (type) {
        case ClientMessage::Close:
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail:
        case ClientMessage::Describe:
        case ClientMessage::Execute:
        case ClientMessage::Flush:
        case ClientMessage::Sync:
        case ClientMessage::Terminate: return small_body_bytes_max;
        case ClientMessage::Bind:
        case ClientMessage::CopyData:
        case ClientMessage::FunctionCall:
        case ClientMessage::Parse:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Query: break;
    }
    return large_body_bytes_max;
}

}  // namespace

bool is_possible(FrameHeader header) noexcept {
    return header.valid &&
           header.body_bytes <= body_bytes_max(static_cast<ClientMessage>(header.type));
}

}  // namespace sluice::pg
