#include "protocol/pg/settings_restart.hpp"

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// No StatementName is like it, for their digits have no underscore.
constexpr std::string_view private_name = "sluice__start";

bool of_role(std::string_view name) noexcept {
    return name == "role" || name == "session_authorization";
}

void append_bind_of(std::string& out, std::string_view portal, std::string_view statement) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Bind))
        .c_string(portal)
        .c_string(statement)
        .u16(0)
        .u16(0)
        .u16(0)
        .end_frame();
}

void append_execute_of(std::string& out, std::string_view portal) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Execute))
        .c_string(portal)
        .u32(0)
        .end_frame();
}

/// The text, and no parameters.
void append_text(std::string& out, std::string_view name, std::string_view text) {
    std::string body(text);
    body.append(3, '\0');
    append_parse(out, name, body);
}

}  // namespace

std::vector<SettingChange> restart_behind(const StatementFacts& facts,
                                          const StartupSettings& start) {
    std::vector<SettingChange> changes;
    const std::vector<StartupParameter> settings = start.parameters();
    const auto erase = [&changes](std::string_view name) {
        std::erase_if(changes, [name](const SettingChange& one) { return one.name == name; });
    };
    const auto add = [&](const StartupParameter& setting) {
        erase(setting.name);
        changes.push_back({setting.name, setting.value});
    };
    for (const Effect& effect : facts.effects) {
        const bool of_session = !effect.has(EffectNote::of_transaction);
        if (effect.kind == EffectKind::discard_all) {
            changes.clear();
            std::ranges::for_each(settings, add);
        } else if (effect.kind == EffectKind::reset_all) {
            std::erase_if(changes, [](const SettingChange& one) { return !of_role(one.name); });
            for (const StartupParameter& setting : settings)
                if (!of_role(setting.name)) add(setting);
        } else if (effect.kind == EffectKind::reset && of_session) {
            for (const StartupParameter& setting : settings)
                if (setting.name == effect.name) add(setting);
        } else if (effect.kind == EffectKind::set && of_session) {
            erase(effect.name);
        } else if (effect.kind == EffectKind::rollback || effect.kind == EffectKind::rollback_to) {
            // Which of it holds, nobody can say here.
            return {};
        }
    }
    return changes;
}

void append_as_extended(std::string& out, std::string_view text, BackendSession& backend,
                        const OwedReply& execute) {
    append_text(out, {}, text);
    backend.sent({Owed::parse, Audience::client_if_error});
    append_bind_of(out, {}, {});
    backend.sent({Owed::bind, Audience::client_if_error});
    append_execute_of(out, {});
    backend.sent(execute);
}

OwedReply append_within(std::string& out, std::string_view sql, BackendSession& backend) {
    constexpr Audience audience = Audience::client_if_error;
    // One may be left from a time when it failed.
    append_close(out, private_name);
    backend.sent({Owed::close, audience});
    append_text(out, private_name, sql);
    backend.sent({Owed::parse, audience});
    append_bind_of(out, private_name, private_name);
    backend.sent({Owed::bind, audience});
    append_execute_of(out, private_name);
    backend.sent({Owed::execute, audience});
    // In a transaction block the portal would outlive it.
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Close))
        .u8('P')
        .c_string(private_name)
        .end_frame();
    backend.sent({Owed::close, audience});
    append_close(out, private_name);
    return {Owed::close, audience};
}

void append_drop_unnamed(std::string& out, BackendSession& backend) {
    append_close(out, {});
    OwedReply close{Owed::close, Audience::client_if_error};
    close.twist = Twist::unnamed;
    backend.sent(close);
}

}  // namespace sluice::pg
