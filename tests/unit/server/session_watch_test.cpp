// What clients leave in sessions, as texts tell it: with PostgreSQL's own grammar.

#include "protocol/pg/session_watch.hpp"

#include "protocol/pg/harmless_texts.hpp"
#include "protocol/pg/session_rejection.hpp"
#include "protocol/pg/settings_restart.hpp"

#include "server/sql/statement_memo.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::sql {
namespace {

using pg::Feature;
using pg::PinReason;
using pg::SessionWatch;

/// One client's watch, and the texts it sends.
struct Watched {
    StatementMemo memo{{}, 1};
    pg::HarmlessTexts harmless;
    pg::SessionPolicy policy;
    SessionWatch watch;
    pg::SchemaGeneration generation;
    std::uint32_t errors = 0;

    void send(std::string_view text, bool opens = true,
              SessionWatch::Sent sent = SessionWatch::Sent::as_query) {
        pg::StatementScanner scanner;
        scanner.feed(wire::as_bytes(std::string(text) + '\0'));
        if (scanner.features() == Feature::none) {
            watch.request_sent();
            return;
        }
        watch.text_sent(scanner.features(), text, sent,
                        {memo, harmless, policy, generation, opens, errors});
    }
    [[nodiscard]] Feature doubts_of(std::string_view text) {
        send(text);
        return watch.take_doubts(errors).features;
    }
    [[nodiscard]] bool pins(PinReason reason) const {
        return (watch.pins() >> static_cast<unsigned>(reason) & 1U) != 0;
    }
};

TEST(SessionWatch, doubts_what_texts_of_the_session_say) {
    Watched client;
    for (const char* text : {"SET work_mem = 1", "SELECT set_config('work_mem', '1', false)",
                             "SET ROLE second", "BEGIN; SET work_mem = 1; COMMIT"}) {
        EXPECT_EQ(client.doubts_of(text), Feature::set) << text;
        EXPECT_EQ(client.watch.pins(), 0U) << text;
    }
    for (const char* text : {"RESET work_mem", "RESET ALL", "SET work_mem TO DEFAULT",
                             "DISCARD ALL", "SET TIME ZONE LOCAL"}) {
        EXPECT_EQ(client.doubts_of(text), Feature::reset) << text;
    }
    EXPECT_EQ(client.doubts_of("CREATE TEMP TABLE t (i int)"), Feature::temporary);
    EXPECT_EQ(client.doubts_of("DO ''"), Feature::code);
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::unknown_function);
}

TEST(SessionWatch, doubts_nothing_that_ends_with_its_transaction) {
    Watched client;
    for (const char* text :
         {"SET LOCAL work_mem = 1", "SELECT set_config('app.tenant', $1, true)", "SHOW work_mem",
          "SET TRANSACTION READ ONLY", "SELECT 1", "SELECT pg_advisory_xact_lock(1)"}) {
        EXPECT_EQ(client.doubts_of(text), Feature::none) << text;
        EXPECT_FALSE(client.watch.needs_reset()) << text;
    }
}

TEST(SessionWatch, knows_a_transaction_of_one_text_of_constants) {
    Watched client;
    client.send("SET a.b = 1; SET work_mem = 2");
    EXPECT_EQ(client.watch.sole_text(0), "SET a.b = 1; SET work_mem = 2");
    EXPECT_EQ(client.watch.sole_text(1), "") << "an error came";
    const auto doubts = client.watch.take_doubts(0);
    ASSERT_TRUE(doubts.notes);
    EXPECT_EQ(doubts.notes->placeholders, std::vector<std::string>{"a.b"});

    client.send("SET work_mem = 2", false);
    EXPECT_EQ(client.watch.sole_text(0), "") << "inside a transaction";
    (void)client.watch.take_doubts(0);
    client.send("SET work_mem = 2");
    client.send("SELECT 1");
    EXPECT_EQ(client.watch.sole_text(0), "") << "not alone";
    (void)client.watch.take_doubts(0);
    client.send("SELECT set_config('work_mem', '1', false) FROM t");
    EXPECT_EQ(client.watch.sole_text(0), "") << "who knows how often";
}

TEST(SessionWatch, wants_a_bound_statement_executed_before_it_believes_it) {
    Watched client;
    client.send("SET work_mem = 2", true, SessionWatch::Sent::by_bind);
    EXPECT_EQ(client.watch.sole_text(0), "");
    client.watch.execute_sent();
    EXPECT_EQ(client.watch.sole_text(0), "SET work_mem = 2");
    client.watch.execute_sent();
    EXPECT_EQ(client.watch.sole_text(0), "");
}

TEST(SessionWatch, pins_for_a_setting_whose_name_cannot_be_known) {
    for (const char* text : {"SELECT set_config($1, $2, false)",
                             "UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'"}) {
        Watched client;
        client.send(text);
        EXPECT_FALSE(client.pins(PinReason::set)) << "it may fail";
        EXPECT_EQ(client.watch.take_doubts(0).features, Feature::set);
        EXPECT_TRUE(client.pins(PinReason::set));
    }
}

TEST(SessionWatch, pins_for_nothing_that_is_wrong) {
    Watched client;
    client.send("SET what is this");
    client.errors = 1;
    (void)client.watch.take_doubts(1);
    EXPECT_FALSE(client.pins(PinReason::set));
    client.send("SET what is this");
    client.send("SELECT 1");
    client.errors = 2;
    (void)client.watch.take_doubts(2);
    EXPECT_TRUE(client.pins(PinReason::set)) << "who knows which of them failed";
}

TEST(SessionWatch, keeps_a_client_until_what_it_has_is_gone) {
    const struct {
        const char* text;
        Feature feature;
        PinReason reason;
        const char* end;
    } cases[] = {
        {"CREATE TEMP TABLE t (i int)", Feature::temporary, PinReason::temporary_table,
         "DROP TABLE t"},
        {"SELECT pg_advisory_lock(1)", Feature::advisory_lock, PinReason::advisory_lock,
         "SELECT pg_advisory_unlock(1)"},
        {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", Feature::with_hold, PinReason::with_hold,
         "CLOSE c"},
        {"LISTEN c", Feature::listen, PinReason::listen, "UNLISTEN c"},
        {"PREPARE p AS SELECT 1", Feature::prepare, PinReason::sql_prepare, "DEALLOCATE p"},
    };
    for (const auto& one : cases) {
        Watched client;
        client.policy.listen = pg::Treatment::pin;
        client.policy.sql_prepare = pg::Treatment::pin;
        client.send(one.text);
        EXPECT_TRUE(client.watch.needs_reset()) << one.text;
        const Feature asked = client.watch.take_doubts(0).features;
        EXPECT_EQ(asked, one.feature) << one.text;
        client.watch.told(asked, one.feature);
        EXPECT_TRUE(client.pins(one.reason)) << one.text;
        EXPECT_EQ(client.doubts_of("SELECT 1"), Feature::none);
        EXPECT_TRUE(client.pins(one.reason)) << one.text;
        for (const char* end : {one.end, "DISCARD ALL", "DO ''"}) {
            const Feature again = client.doubts_of(end);
            EXPECT_TRUE(pg::has(again, one.feature | Feature::code)) << end;
        }
        client.watch.told(one.feature, Feature::none);
        EXPECT_EQ(client.watch.pins(), 0U) << one.end;
        EXPECT_FALSE(client.watch.needs_reset());
    }
}

TEST(SessionWatch, has_no_doubts_about_what_is_followed_elsewhere) {
    Watched client;
    EXPECT_EQ(client.doubts_of("LISTEN c"), Feature::none);
    EXPECT_EQ(client.doubts_of("PREPARE p AS SELECT 1"), Feature::none);
    client.send("DO ''");
    EXPECT_TRUE(client.watch.channels_in_doubt());
    client.watch.told(client.watch.take_doubts(0).features, Feature::listen);
    EXPECT_FALSE(client.watch.channels_in_doubt());
    EXPECT_TRUE(client.pins(PinReason::listen)) << "code has listened unseen";
    EXPECT_EQ(client.doubts_of("LISTEN d"), Feature::listen) << "that may be followed from now on";
}

TEST(SessionWatch, asks_again_when_a_question_has_failed) {
    Watched client;
    client.send("SET a.b = 1");
    client.watch.keep_doubting(client.watch.take_doubts(0));
    EXPECT_TRUE(client.watch.in_doubt());
    EXPECT_TRUE(client.watch.unanswered());
    EXPECT_EQ(client.watch.sole_text(0), "");
    client.watch.something_happened();
    EXPECT_FALSE(client.watch.unanswered());
    const auto doubts = client.watch.take_doubts(0);
    ASSERT_TRUE(doubts.notes);
    EXPECT_EQ(doubts.notes->placeholders, std::vector<std::string>{"a.b"});
}

TEST(SessionWatch, trusts_a_text_after_enough_questions_until_a_definition_changes) {
    Watched client;
    for (std::uint32_t i = 0; i < pg::HarmlessTexts::questions_enough; ++i) {
        EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::unknown_function);
        client.harmless.nothing_found("SELECT f()", {});
    }
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::none);
    EXPECT_EQ(client.doubts_of("SELECT g()"), Feature::unknown_function);
    client.generation = {1};
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::unknown_function);
    client.harmless.nothing_found("SELECT f()", {1});
    client.harmless.something_found("SELECT f()");
    client.harmless.nothing_found("SELECT f()", {1});
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::unknown_function);
    client.policy.probe = pg::Probe::off;
    EXPECT_EQ(client.doubts_of("SELECT g()"), Feature::none);
}

TEST(SessionWatch, does_as_the_policy_says) {
    Watched client;
    client.policy.set = pg::Treatment::warn;
    client.policy.temporary_table = pg::Treatment::warn;
    client.send("SET work_mem = 1");
    client.send("CREATE TEMP TABLE t (i int)");
    EXPECT_FALSE(client.watch.in_doubt());
    EXPECT_TRUE(client.watch.needs_reset());
    EXPECT_EQ(client.watch.pins(), 0U);
    client.watch.lease_ended();
    EXPECT_FALSE(client.watch.needs_reset());

    client.policy.role = pg::Treatment::pin;
    client.send("SET ROLE second");
    EXPECT_TRUE(client.pins(PinReason::set));
    client.policy.code = pg::Treatment::pin;
    client.send("DO ''");
    EXPECT_TRUE(client.pins(PinReason::code));
}

TEST(SessionWatch, warns_once) {
    Watched client;
    client.policy.advisory_lock = pg::Treatment::warn;
    client.send("SELECT pg_advisory_lock(1)");
    EXPECT_TRUE(client.watch.warns());
    EXPECT_EQ(client.watch.take_warning(), PinReason::advisory_lock);
    client.send("SELECT pg_advisory_lock(2)");
    EXPECT_FALSE(client.watch.warns());
}

TEST(SessionWatch, trusts_no_backslash_where_strings_may_have_escapes) {
    Watched client;
    client.send("SET standard_conforming_strings = off");
    EXPECT_EQ(client.watch.pins(), 0U);
    EXPECT_TRUE(client.watch.reads_oddly());
    client.send("SET work_mem = 1; SELECT '\\'; --'");
    EXPECT_TRUE(client.pins(PinReason::set));
    client.watch.lease_ended();
    EXPECT_FALSE(client.watch.reads_oddly());
}

TEST(SessionRejection, refuses_what_the_policy_says_and_nothing_that_looks_like_it) {
    StatementMemo memo({}, 1);
    pg::SessionPolicy policy;
    const auto rejected = [&](std::string_view text) {
        pg::StatementScanner scanner;
        scanner.feed(wire::as_bytes(std::string(text) + '\0'));
        return pg::rejection_of(scanner.features(), text, memo, policy);
    };
    EXPECT_EQ(rejected("SET work_mem = 1"), std::nullopt);
    policy = {pg::Treatment::reject, pg::Treatment::track,  pg::Treatment::reject,
              pg::Treatment::reject, pg::Treatment::reject, pg::Treatment::reject,
              pg::Treatment::reject, pg::Treatment::reject, pg::Probe::unknown};
    const std::vector<std::pair<const char*, PinReason>> cases{
        {"SET work_mem = 1", PinReason::set},
        {"SELECT 1; SELECT set_config('work_mem', '1', false)", PinReason::set},
        {"LISTEN c", PinReason::listen},
        {"CREATE TEMP TABLE t (i int)", PinReason::temporary_table},
        {"SELECT pg_advisory_lock(1)", PinReason::advisory_lock},
        {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", PinReason::with_hold},
        {"PREPARE p AS SELECT 1", PinReason::sql_prepare},
        {"DO ''", PinReason::code},
        {"SET it cannot be read", PinReason::set},
    };
    for (const auto& [text, reason] : cases)
        EXPECT_EQ(rejected(text), reason) << text;
    for (const char* text : {"SET ROLE a", "SET LOCAL work_mem = 1", "RESET ALL", "SELECT 1",
                             "SELECT set_config('a.b', '1', true)",
                             "BEGIN; CREATE TEMP TABLE t (i int) ON COMMIT DROP",
                             "SELECT pg_advisory_xact_lock(1)", "SELECT \"set_config\" FROM t"}) {
        EXPECT_EQ(rejected(text), std::nullopt) << text;
    }
}

TEST(SettingsRestart, sets_again_what_a_text_resets) {
    StatementMemo memo({}, 1);
    pg::StartupSettings start;
    ASSERT_TRUE(start.set("work_mem", "9MB"));
    ASSERT_TRUE(start.set("role", "second"));
    ASSERT_TRUE(start.set("timezone", "UTC"));
    const auto names = [&](std::string_view text) {
        std::string all;
        for (const pg::SettingChange& change : pg::restart_behind(memo.read(text), start))
            all += std::string(change.name) + '=' + std::string(*change.value) + ' ';
        return all;
    };
    EXPECT_EQ(names("RESET work_mem"), "work_mem=9MB ");
    EXPECT_EQ(names("RESET search_path"), "");
    EXPECT_EQ(names("SET LOCAL work_mem TO DEFAULT"), "");
    EXPECT_EQ(names("RESET ALL"), "timezone=UTC work_mem=9MB ");
    EXPECT_EQ(names("DISCARD ALL"), "role=second timezone=UTC work_mem=9MB ");
    EXPECT_EQ(names("RESET ALL; SET work_mem = 1"), "timezone=UTC ");
    EXPECT_EQ(names("SET work_mem = 1; RESET work_mem; SELECT 1"), "work_mem=9MB ");
    EXPECT_EQ(names("RESET ALL; ROLLBACK"), "");
    EXPECT_EQ(names("SELECT 1"), "");
}

}  // namespace
}  // namespace sluice::sql
