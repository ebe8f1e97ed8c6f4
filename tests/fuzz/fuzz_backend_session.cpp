// What a backend sends after its login, a hostile one included. The input is a list of orders:
// 0 to 31 send a request, 32 to 63 a private one, the rest let a backend's frame arrive, its type
// by the order and its body by what follows.

#include "protocol/assert.hpp"
#include "protocol/pg/backend_session.hpp"
#include "protocol/wire/writer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

constexpr std::array<pg::Owed, 10> requests{
    pg::Owed::nothing, pg::Owed::parse,   pg::Owed::bind,  pg::Owed::describe,
    pg::Owed::execute, pg::Owed::close,   pg::Owed::query, pg::Owed::function_call,
    pg::Owed::sync,    pg::Owed::copy_end};
constexpr std::string_view types = "123TntDCIsHGdcVZZZESNARKWv?";

struct Passed {
    std::string bytes;
    bool violated = false;
};

void receive(pg::BackendSession& session, std::string& pending, std::size_t piece_bytes,
             std::string_view bytes, Passed& passed) {
    for (std::size_t at = 0; at < bytes.size() && !passed.violated; at += piece_bytes) {
        pending += bytes.substr(at, piece_bytes);
        while (true) {
            const pg::BackendRun run = session.next(wire::as_bytes(pending));
            if (run.event == pg::BackendEvent::violation) {
                passed.violated = true;
                return;
            }
            SLUICE_ASSERT(run.bytes <= pending.size());
            if (run.bytes == 0) break;
            passed.bytes += run.audience == pg::Audience::client ? 'c' : 'n';
            passed.bytes += pending.substr(0, run.bytes).back();
            pending.erase(0, run.bytes);
        }
    }
}

void check(const pg::BackendSession& session) {
    // The rule of release.
    if (!session.releasable()) return;
    SLUICE_ASSERT(session.settled() && !session.busy() && session.owed_count() == 0);
    SLUICE_ASSERT(!session.in_doubt() && !session.within_frame());
    SLUICE_ASSERT(session.status() == pg::TransactionStatus::idle);
}

void run(const std::uint8_t* orders, std::size_t size, std::size_t piece_bytes) {
    pg::BackendSession session;
    std::string pending;
    Passed passed;
    std::size_t requests_max = 0;
    for (std::size_t at = 0; at < size && !passed.violated; ++at) {
        const unsigned order = orders[at];
        if (order < 64) {
            const auto audience = order < 32 ? pg::Audience::client : pg::Audience::nobody;
            session.sent({requests[order % requests.size()], audience});
            ++requests_max;
            SLUICE_ASSERT(session.owed_count() <= requests_max);
        } else if (order < 250) {
            std::string frame;
            const char type = types[order % types.size()];
            wire::Writer writer(frame);
            writer.begin_frame(type);
            if (type == 'Z') {
                writer.u8(static_cast<std::uint8_t>("ITE"[order % 3]));
            } else {
                writer.raw(std::string(order % 7, 'x'));
            }
            writer.end_frame();
            receive(session, pending, piece_bytes, frame, passed);
        } else if (order < 253) {
            std::string out;
            session.append_recovery(out);
            requests_max += 4;  // Parse, Bind and Execute of ROLLBACK, and Sync.
        } else {
            const std::string_view raw(reinterpret_cast<const char*>(orders) + at, size - at);
            receive(session, pending, piece_bytes, raw, passed);
            return;
        }
        check(session);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    run(bytes, size, 1U << 20U);
    run(bytes, size, 1);
    return 0;
}
