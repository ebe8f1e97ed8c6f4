// What a client sends first, and what is made of its settings.

#include "protocol/assert.hpp"
#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/startup.hpp"
#include "protocol/pg/startup_settings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace sluice;

void message_received(const pg::StartupMessage& message) {
    SLUICE_ASSERT(!message.user.empty() && message.user.size() <= pg::name_bytes_max);
    SLUICE_ASSERT(!message.database.empty() && message.database.size() <= pg::name_bytes_max);
    std::string out;
    if (message.needs_negotiation()) {
        pg::append_negotiate_protocol_version(out, message.minor(), message.protocol_options);
    }
    const auto settings = pg::StartupSettings::from_parameters(message.parameters);
    if (!settings) return;

    // Written to a backend and read there, the settings are the same and nothing else has changed.
    out.clear();
    pg::append_startup_message(out, message.minor(), message.user, message.database,
                               settings->parameters());
    const pg::StartupResult again =
        pg::parse_startup(wire::as_bytes(out), 2 * pg::startup_bytes_max);
    const auto* const second = std::get_if<pg::StartupMessage>(&again.packet);
    SLUICE_ASSERT(second != nullptr && !second->needs_negotiation());
    SLUICE_ASSERT(second->user == message.user && second->database == message.database);
    SLUICE_ASSERT(*pg::StartupSettings::from_parameters(second->parameters) == *settings);

    std::string sql;
    pg::append_settings_sql(sql, pg::difference({}, *settings));
    for (const char c : sql)
        SLUICE_ASSERT(c >= ' ' && c <= '~');
    SLUICE_ASSERT(pg::difference(*settings, *settings).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const wire::Bytes received(reinterpret_cast<const std::byte*>(bytes), size);
    const pg::StartupResult result = pg::parse_startup(received);
    SLUICE_ASSERT(result.packet_bytes <= size);
    if (const auto* const message = std::get_if<pg::StartupMessage>(&result.packet)) {
        message_received(*message);
    } else if (const auto* const incomplete = std::get_if<pg::StartupIncomplete>(&result.packet)) {
        SLUICE_ASSERT(incomplete->bytes_wanted > size);
    } else if (const auto* const violation = std::get_if<pg::StartupViolation>(&result.packet)) {
        std::string out;
        pg::append_startup_violation(out, *violation);
    }
    // What was decided on a prefix stands when more arrives.
    const pg::StartupResult prefix = pg::parse_startup(received.first(size / 2));
    if (!std::holds_alternative<pg::StartupIncomplete>(prefix.packet)) {
        SLUICE_ASSERT(prefix.packet.index() == result.packet.index());
    }
    static_cast<void>(pg::parse_error_fields(received));
    return 0;
}
