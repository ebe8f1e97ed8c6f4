#include "protocol/pg/settings_restart.hpp"

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

namespace sluice::pg {

namespace {

/// No StatementName is like it, for their digits have no underscore.
constexpr std::string_view private_name = "sluice__start";

constexpr std::string_view authorization = "session_authorization";

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
            std::erase_if(changes, [](const SettingChange& one) { return !is_role(one.name); });
            for (const StartupParameter& setting : settings)
                if (!is_role(setting.name)) add(setting);
        } else if (effect.kind == EffectKind::reset && of_session) {
            // With the one, PostgreSQL resets the other.
            const bool both = effect.name == authorization;
            for (const StartupParameter& setting : settings)
                if (setting.name == effect.name || (both && is_role(setting.name))) add(setting);
        } else if (effect.kind == EffectKind::set && of_session) {
            erase(effect.name);
            if (effect.name == authorization) erase("role");
        } else if (effect.kind == EffectKind::rollback) {
            changes.clear();
        } else if (effect.kind == EffectKind::rollback_to) {
            // Which of it holds, nobody can say here.
            return {};
        }
    }
    // As a role, the others might not be set; and session_authorization undoes it.
    std::ranges::stable_sort(changes, {}, [](const SettingChange& change) {
        return change.name == authorization ? 1 : is_role(change.name) ? 2 : 0;
    });
    return changes;
}

StartupSettings restarted(const StartupSettings& told, const StartupSettings& start) {
    StartupSettings settings = told;
    bool none_left = !start.empty();
    const auto add_missing = [&](auto&& concerns) {
        for (const StartupParameter& setting : start.parameters()) {
            // `SET ROLE NONE` looks as if it had been reset.
            if (is_role(setting.name) || !concerns(setting.name)) continue;
            if (told.find(setting.name)) {
                none_left = false;
            } else {
                std::ignore = settings.set(setting.name, setting.value);
            }
        }
    };
    const auto is_placeholder = [](std::string_view name) {
        return name.find('.') != std::string_view::npos;
    };
    add_missing(std::not_fn(is_placeholder));
    // One that is empty is not told of, whether it was set so or reset: RESET ALL resets them all.
    if (none_left && settings != told) add_missing(is_placeholder);
    return settings;
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
