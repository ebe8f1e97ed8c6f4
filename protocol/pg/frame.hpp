#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>

/// The PostgreSQL frame: one type byte, then a length that counts itself but not the type.
/// Source: PostgreSQL 15 manual, "Message Formats".
namespace sluice::pg {

/// What a client sends after its startup packet. Names are the manual's.
enum class ClientMessage : char {
    Bind = 'B',
    Close = 'C',
    CopyData = 'd',
    CopyDone = 'c',
    CopyFail = 'f',
    Describe = 'D',
    Execute = 'E',
    Flush = 'H',
    FunctionCall = 'F',
    Parse = 'P',
    PasswordMessage = 'p',  ///< Also SASLInitialResponse, SASLResponse.
    Query = 'Q',
    Sync = 'S',
    Terminate = 'X',
};

/// What a backend sends. Names are the manual's.
enum class BackendMessage : char {
    Authentication = 'R',
    BackendKeyData = 'K',
    BindComplete = '2',
    CloseComplete = '3',
    CommandComplete = 'C',
    CopyBothResponse = 'W',
    CopyData = 'd',
    CopyDone = 'c',
    CopyInResponse = 'G',
    CopyOutResponse = 'H',
    DataRow = 'D',
    EmptyQueryResponse = 'I',
    ErrorResponse = 'E',
    FunctionCallResponse = 'V',
    NegotiateProtocolVersion = 'v',
    NoData = 'n',
    NoticeResponse = 'N',
    NotificationResponse = 'A',
    ParameterDescription = 't',
    ParameterStatus = 'S',
    ParseComplete = '1',
    PortalSuspended = 's',
    ReadyForQuery = 'Z',
    RowDescription = 'T',
};

enum class TransactionStatus : char { idle = 'I', in_transaction = 'T', failed = 'E' };

constexpr std::size_t frame_header_bytes = 5;

struct FrameHeader {
    char type = 0;
    std::uint32_t body_bytes = 0;
    bool valid = false;  ///< False: the length is under 4, or over 2 GiB.
};

/// Reads a header from at least `frame_header_bytes` bytes.
[[nodiscard]] inline FrameHeader read_frame_header(wire::Bytes bytes) noexcept {
    const std::uint32_t length = wire::load_u32(bytes.data() + 1);
    const bool valid = length >= 4 && length <= 0x7fffffffU;
    return {static_cast<char>(bytes[0]), valid ? length - 4 : 0, valid};
}

}  // namespace sluice::pg
