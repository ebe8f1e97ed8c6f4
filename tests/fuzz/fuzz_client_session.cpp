// What a client sends after its login. The first bytes choose limits, refusals and pieces; the
// same input cut otherwise must come to the same.

#include "protocol/assert.hpp"
#include "protocol/pg/client_session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace sluice;

struct Result {
    std::string to_backend;
    std::string answered;
    std::string violation;
    std::uint16_t pins = 0;
    bool finished = false;

    bool operator==(const Result&) const = default;
};

Result run(wire::Bytes input, std::size_t piece_bytes, unsigned refused_mask) {
    pg::ClientSession session(100'000);
    Result result;
    bool leased = false;
    bool synced = false;
    unsigned request_count = 0;
    std::size_t arrived = std::min(piece_bytes, input.size());
    std::size_t at = 0;
    while (true) {
        const wire::Bytes available = input.subspan(at, arrived - at);
        if (session.wants(available) == pg::Wants::backend && !leased) {
            const bool refused = ((refused_mask >> (request_count++ % 8)) & 1U) != 0;
            if (refused) {
                session.refuse();
            } else {
                leased = true;
            }
        }
        const auto step = session.next(available, leased ? pg::Lending::leased : pg::Lending::none);
        SLUICE_ASSERT(step.bytes <= available.size());
        switch (step.kind) {
            case StepKind::read_more:
                // Nothing that has to be held may grow without bound.
                SLUICE_ASSERT(available.size() <= 4096 + 16);
                if (arrived == input.size()) {
                    result.pins = session.within_frame() ? std::uint16_t{0} : session.pins();
                    return result;
                }
                arrived = std::min(arrived + piece_bytes, input.size());
                continue;
            case StepKind::forward:
                SLUICE_ASSERT(leased && step.bytes > 0);
                result.to_backend += step.inject;
                SLUICE_ASSERT(step.replaced == 0);
                result.to_backend += wire::as_text(available.first(step.bytes));
                break;
            case StepKind::wait:
            case StepKind::refuse: SLUICE_ASSERT(false); break;
            case StepKind::answer: result.answered += step.reply; break;
            case StepKind::discard: SLUICE_ASSERT(step.bytes > 0); break;
            case StepKind::finish: result.finished = true; return result;
            case StepKind::violate:
                result.violation = step.reply.empty() ? "closed without a word" : step.reply;
                return result;
        }
        at += step.bytes;
        // A lease ends only between frames; here after every Sync, so that many are taken.
        synced = synced || step.owed.owed == pg::Owed::sync;
        if (leased && synced && !session.within_frame()) {
            synced = false;
            leased = false;
            session.lease_ended();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const wire::Bytes input(reinterpret_cast<const std::byte*>(bytes) + 2, size - 2);
    const unsigned refused_mask = bytes[0];
    const Result whole = run(input, input.size() + 1, refused_mask);
    const Result pieces = run(input, 1U + bytes[1], refused_mask);
    const Result single = run(input, 1, refused_mask);
    SLUICE_ASSERT(whole == pieces && whole == single);
    return 0;
}
