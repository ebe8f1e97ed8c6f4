// A client's SASL messages. The input holds several, each behind two bytes of length. It has no
// password, so it must never be let in.

#include "protocol/assert.hpp"
#include "protocol/pg/password.hpp"
#include "protocol/pg/scram_server.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace sluice;
    static const pg::ScramVerifier verifier =
        pg::mock_scram_verifier(wire::as_bytes("fuzz"), "user", 4096);
    pg::ScramServer server(verifier, pg::ScramUser::known, "server");
    wire::Cursor input(wire::Bytes(reinterpret_cast<const std::byte*>(bytes), size));
    while (input.left() > 0) {
        const std::uint16_t length = input.u16();
        const wire::Bytes message = input.take(length);
        if (input.failed()) break;
        std::string out;
        const pg::ScramServerStep step = server.message_received(message, out);
        using Outcome = pg::ScramServerStep::Outcome;
        SLUICE_ASSERT(step.outcome != Outcome::verified);
        SLUICE_ASSERT(out.empty() == (step.outcome != Outcome::challenged));
    }
    static_cast<void>(pg::parse_stored_secret({reinterpret_cast<const char*>(bytes), size}));
    return 0;
}
