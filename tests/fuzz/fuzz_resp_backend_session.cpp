// What a Redis backend sends, a hostile one included, before and after its login. The first byte is
// the size of the pieces, the second how many replies are owed to whom.

#include "protocol/assert.hpp"
#include "protocol/resp/backend_login.hpp"
#include "protocol/resp/backend_session.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

struct Got {
    std::string bytes;
    std::uint64_t replies = 0;
    bool violated = false;
    bool operator==(const Got&) const = default;
};

Got deliver(std::string_view bytes, std::size_t piece, unsigned requests) {
    resp::BackendSession session;
    for (unsigned request = 0; request < requests; ++request)
        session.requested(static_cast<resp::Owner>(1 + request % 3), 1, request % 2);
    Got got;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size() && !got.violated; at += piece) {
        kept += bytes.substr(at, piece);
        while (true) {
            const std::size_t owed = session.owed_count();
            const auto run = session.next(wire::as_bytes(kept));
            SLUICE_ASSERT(run.bytes <= kept.size() && run.replies <= owed);
            got.violated = run.event == resp::BackendRun::Event::violation;
            if (got.violated || run.bytes == 0) break;
            for (std::size_t byte = 0; byte < run.bytes; ++byte) {
                got.bytes += kept[byte];
                got.bytes += static_cast<char>('0' + static_cast<unsigned>(run.owner));
            }
            got.replies += run.replies;
            kept.erase(0, run.bytes);
        }
    }
    return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view sent(reinterpret_cast<const char*>(bytes) + 2, size - 2);
    const unsigned requests = bytes[1];
    // However the bytes come apart, every owner gets the same.
    const Got whole = deliver(sent, sent.size() + 1, requests);
    const Got pieces = deliver(sent, 1 + bytes[0] % 16U, requests);
    SLUICE_ASSERT(whole.replies == pieces.replies && whole.violated == pieces.violated);
    if (!whole.violated) SLUICE_ASSERT(whole.bytes == pieces.bytes);

    const resp::BackendIdentity identity{"u", "p", requests % 2U, resp::RespVersion::resp3, "n"};
    resp::BackendLogin login(identity);
    std::string kept(sent);
    const auto step = login.received(wire::as_bytes(kept));
    SLUICE_ASSERT(step.bytes <= kept.size());
    return 0;
}
