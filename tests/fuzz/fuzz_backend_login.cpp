// A hostile backend: the first byte picks our secret, frames (type, two bytes of length, body)
// follow. It does not know the password, so SCRAM may never end well.

#include "protocol/assert.hpp"
#include "protocol/pg/backend_login.hpp"
#include "protocol/pg/error_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace sluice;

pg::BackendSecret secret_for(std::uint8_t choice) {
    switch (choice % 4U) {
        case 0: return pg::PlainPassword{"password"};
        case 1: return pg::Md5Secret{};
        case 2: return pg::ScramKeysOnly{};
        default: return pg::NoSecret{};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    wire::Cursor input(wire::Bytes(reinterpret_cast<const std::byte*>(bytes), size));
    pg::BackendLogin login(pg::ProtocolMinor::two, "user", "database", pg::StartupSettings{},
                           secret_for(input.u8()), "client");
    std::string out;
    login.start(out);
    bool scram = false;
    while (input.left() > 0) {
        const char type = static_cast<char>(input.u8());
        const std::uint16_t length = input.u16();
        const wire::Bytes body = input.take(length);
        if (input.failed()) break;
        const pg::BackendLogin::Step step = login.frame_received(type, body, out);
        if (const auto* const asked = std::get_if<pg::BackendLogin::NeedScramKeys>(&step)) {
            SLUICE_ASSERT(!asked->salt.empty() && asked->iterations > 0);
            SLUICE_ASSERT(asked->iterations <= pg::scram_iterations_max);
            scram = true;
            login.scram_keys_derived(
                pg::derive_scram_client_keys("password", wire::as_bytes(asked->salt), 1), out);
        } else if (const auto* const refused = std::get_if<pg::BackendLogin::Refused>(&step)) {
            static_cast<void>(pg::parse_error_fields(refused->body));
            break;
        } else if (!std::holds_alternative<pg::BackendLogin::Continue>(step)) {
            SLUICE_ASSERT(!scram || !std::holds_alternative<pg::BackendLogin::Ready>(step));
            break;
        }
    }
    return 0;
}
