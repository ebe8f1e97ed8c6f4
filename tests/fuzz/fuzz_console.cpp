// A client of the admin console that sends anything, in pieces whose size the first byte chooses.

#include "protocol/assert.hpp"

#include "server/admin/console_session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = data[0] == 0 ? size : data[0];
    sluice::server::ConsoleSession session;
    const sluice::server::Snapshot snapshot;
    const sluice::server::ConsoleFacts facts;
    std::string inbox;
    for (std::size_t at = 1; at < size; at += piece) {
        inbox.append(reinterpret_cast<const char*>(data) + at, std::min(piece, size - at));
        while (true) {
            const auto step = session.bytes_received(sluice::wire::as_bytes(inbox));
            SLUICE_ASSERT(step.bytes <= inbox.size());
            inbox.erase(0, step.bytes);
            if (step.kind == sluice::server::ConsoleStep::Kind::close) return 0;
            if (step.kind == sluice::server::ConsoleStep::Kind::read_more) break;
            static_cast<void>(session.snapshot_arrived(snapshot, facts));
        }
    }
    return 0;
}
