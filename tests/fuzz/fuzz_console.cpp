// A client of the admin console that sends anything. The first byte chooses the size of pieces; the
// same input cut otherwise must come to the same.

#include "protocol/assert.hpp"

#include "server/admin/console_session.hpp"

#include "tests/unit/server/console_sample.hpp"
#include "tests/unit/server/snapshot_sample.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluice;
using server::ConsoleStep;

struct Result {
    std::string replies;
    bool closed = false;
    bool operator==(const Result&) const = default;
};

Result run(std::string_view input, std::size_t piece_bytes) {
    static const server::Snapshot snapshot = server::snapshot_sample();
    static const config::Postgres postgres = server::postgres_sample();
    static const server::ConsoleFacts facts = server::facts_sample(postgres);
    server::ConsoleSession session;
    Result result;
    std::string inbox;
    for (std::size_t at = 0; at < input.size(); at += piece_bytes) {
        inbox += input.substr(at, piece_bytes);
        while (true) {
            const ConsoleStep step = session.bytes_received(wire::as_bytes(inbox));
            SLUICE_ASSERT(step.bytes <= inbox.size());
            inbox.erase(0, step.bytes);
            result.replies += step.reply;
            if (step.kind == ConsoleStep::Kind::close) {
                result.closed = true;
                return result;
            }
            if (step.kind == ConsoleStep::Kind::read_more) break;
            result.replies += session.snapshot_arrived(snapshot, facts);
        }
        // Nothing that has to be held may grow without bound.
        SLUICE_ASSERT(inbox.size() < server::ConsoleSession::frame_bytes_max);
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const server::ConsoleCommand command = server::parse_console_command(input);
    SLUICE_ASSERT((command.kind == server::ConsoleCommand::Kind::show) ==
                  (command.show != nullptr));
    SLUICE_ASSERT(command.text.size() <= 256);
    const Result whole = run(input, input.size() + 1);
    SLUICE_ASSERT(run(input, 1) == whole);
    SLUICE_ASSERT(run(input, std::size_t{1} + data[0]) == whole);
    return 0;
}
