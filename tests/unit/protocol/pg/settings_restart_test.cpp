#include "protocol/pg/settings_restart.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::pg {
namespace {

StartupSettings settings_of(const std::vector<StartupParameter>& parameters) {
    return *StartupSettings::from_parameters(parameters);
}

StatementFacts facts_of(const std::vector<std::pair<EffectKind, std::string>>& effects) {
    StatementFacts facts;
    for (const auto& [kind, name] : effects) {
        Effect effect;
        effect.kind = kind;
        effect.name = name;
        facts.effects.push_back(effect);
    }
    return facts;
}

using Changes = std::vector<SettingChange>;

TEST(RestartBehind, sets_what_the_text_has_reset) {
    const StartupSettings start = settings_of({{"timezone", "UTC"}, {"work_mem", "9MB"}});
    const auto behind = [&](const std::vector<std::pair<EffectKind, std::string>>& effects) {
        return restart_behind(facts_of(effects), start);
    };
    const Changes both{{"timezone", "UTC"}, {"work_mem", "9MB"}};
    EXPECT_EQ(behind({{EffectKind::reset_all, ""}}), both);
    EXPECT_EQ(behind({{EffectKind::discard_all, ""}}), both);
    EXPECT_EQ(behind({{EffectKind::reset, "work_mem"}}), (Changes{{"work_mem", "9MB"}}));
    EXPECT_EQ(behind({{EffectKind::reset, "datestyle"}}), Changes{});
    EXPECT_EQ(behind({{EffectKind::reset_all, ""}, {EffectKind::set, "timezone"}}),
              (Changes{{"work_mem", "9MB"}}));
    EXPECT_EQ(behind({{EffectKind::rollback, ""}, {EffectKind::reset_all, ""}}), both);
    EXPECT_EQ(behind({{EffectKind::reset_all, ""}, {EffectKind::rollback, ""}}), Changes{});
    EXPECT_EQ(behind({{EffectKind::reset_all, ""}, {EffectKind::rollback_to, ""}}), Changes{});
}

TEST(RestartBehind, sets_the_role_last_and_with_session_authorization) {
    const StartupSettings start =
        settings_of({{"role", "a"}, {"session_authorization", "b"}, {"work_mem", "9MB"}});
    EXPECT_EQ(restart_behind(facts_of({{EffectKind::discard_all, ""}}), start),
              (Changes{{"work_mem", "9MB"}, {"session_authorization", "b"}, {"role", "a"}}));
    EXPECT_EQ(restart_behind(facts_of({{EffectKind::reset, "session_authorization"}}), start),
              (Changes{{"session_authorization", "b"}, {"role", "a"}}));
    EXPECT_EQ(restart_behind(facts_of({{EffectKind::reset, "role"},
                                       {EffectKind::set, "session_authorization"}}),
                             start),
              Changes{});
}

TEST(Restarted, what_the_client_brought_and_the_backend_lacks_was_reset) {
    const StartupSettings start = settings_of({{"timezone", "UTC"}, {"work_mem", "9MB"}});
    EXPECT_EQ(restarted({}, start), start);
    EXPECT_EQ(restarted(start, start), start);
    EXPECT_EQ(restarted(settings_of({{"jit", "off"}, {"timezone", "GMT"}}), start),
              settings_of({{"jit", "off"}, {"timezone", "GMT"}, {"work_mem", "9MB"}}));
    EXPECT_EQ(restarted({}, {}), StartupSettings{});
}

TEST(Restarted, neither_no_role_nor_an_empty_placeholder_is_a_reset) {
    const StartupSettings start =
        settings_of({{"app.tenant", "a"}, {"role", "r"}, {"work_mem", "9MB"}});
    const StartupSettings told = settings_of({{"work_mem", "5MB"}});
    EXPECT_EQ(restarted(told, start), told);
    EXPECT_EQ(restarted({}, start), settings_of({{"app.tenant", "a"}, {"work_mem", "9MB"}}))
        << "RESET ALL";
    EXPECT_EQ(restarted({}, settings_of({{"app.tenant", "a"}})), StartupSettings{});
}

}  // namespace
}  // namespace sluice::pg
