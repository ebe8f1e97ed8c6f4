// What clients leave in sessions, as texts tell it: with PostgreSQL's own grammar.

#include "protocol/pg/session_watch.hpp"

#include "protocol/pg/call_memo.hpp"
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
    pg::CallMemo calls;
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
                        {memo, calls, policy, generation, opens, errors});
    }
    [[nodiscard]] Feature doubts_of(std::string_view text) {
        send(text);
        const Feature doubts = watch.take_doubts(errors).features;
        watch.told(Feature::none, Feature::none);
        return doubts;
    }
    [[nodiscard]] bool pins(PinReason reason) const {
        return (unsigned{watch.pins()} >> static_cast<unsigned>(reason) & 1U) != 0;
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

TEST(SessionWatch, a_failed_question_pins_until_one_is_answered) {
    Watched client;
    client.send("SET a.b = 1");
    EXPECT_EQ(client.watch.pins(), 0);
    client.watch.keep_doubting(client.watch.take_doubts(0));
    EXPECT_TRUE(client.pins(PinReason::code));
    client.watch.something_happened();
    EXPECT_TRUE(client.pins(PinReason::code));
    client.watch.told(client.watch.take_doubts(0).features, Feature::none);
    EXPECT_EQ(client.watch.pins(), 0);
}

TEST(SessionWatch, names_of_failed_questions_are_kept_once_and_bounded) {
    Watched client;
    for (std::size_t i = 0; i < pg::SessionNotes::count_max; ++i) {
        client.send("SET a.b" + std::to_string(i) + " = 1");
        auto doubts = client.watch.take_doubts(0);
        client.send("SET a.b0 = 1");
        client.watch.keep_doubting(std::move(doubts));
    }
    auto doubts = client.watch.take_doubts(0);
    EXPECT_EQ(doubts.notes->placeholders.size(), pg::SessionNotes::count_max);
    EXPECT_FALSE(client.pins(PinReason::set));
    client.send("SET a.one_more = 1");
    client.watch.keep_doubting(std::move(doubts));
    doubts = client.watch.take_doubts(0);
    EXPECT_EQ(doubts.notes->placeholders.size(), pg::SessionNotes::count_max);
    EXPECT_TRUE(client.pins(PinReason::set)) << "what is not asked for stays where it is";
}

TEST(SessionWatch, asks_no_more_about_what_is_known_to_be_harmless) {
    Watched client;
    const auto teach = [&client](bool harmless) {
        const std::vector<pg::CalledFunction> functions{{"f", false, {harmless, {"app.tenant"}}}};
        client.calls.learn("SELECT f()", client.generation, std::vector<std::string>{"f"},
                           functions);
    };
    client.send("SELECT f(), s.g()");
    auto doubts = client.watch.take_doubts(0);
    ASSERT_TRUE(doubts.notes);
    EXPECT_EQ(doubts.features, Feature::unknown_function);
    EXPECT_EQ(doubts.notes->functions, (std::vector<std::string>{"f", "g"}));
    EXPECT_FALSE(doubts.notes->uncontained) << "the answer decides";
    client.watch.told(doubts.features, Feature::none);
    teach(true);
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::none);
    EXPECT_EQ(client.doubts_of("SELECT g()"), Feature::unknown_function);
    client.generation = {1};
    EXPECT_EQ(client.doubts_of("SELECT f()"), Feature::unknown_function);
    teach(false);
    client.send("SELECT f()");
    doubts = client.watch.take_doubts(0);
    ASSERT_TRUE(doubts.notes);
    EXPECT_EQ(doubts.notes->placeholders, std::vector<std::string>{"app.tenant"});
    EXPECT_TRUE(doubts.notes->functions.empty());
    EXPECT_TRUE(doubts.notes->uncontained);
    client.watch.told(doubts.features, Feature::none);
    client.policy.probe = pg::Probe::off;
    EXPECT_EQ(client.doubts_of("SELECT g()"), Feature::none);
}

TEST(SessionWatch, doubts_what_it_asks_about_when_it_may_have_ended_meanwhile) {
    Watched client;
    client.send("SELECT pg_advisory_lock(5)");
    const auto doubts = client.watch.take_doubts(0);
    client.send("SELECT pg_advisory_unlock(5)");
    client.watch.told(doubts.features, Feature::advisory_lock);
    EXPECT_TRUE(client.watch.in_doubt());
    EXPECT_EQ(client.watch.take_doubts(0).features, Feature::advisory_lock);
    client.watch.told(Feature::advisory_lock, Feature::none);
    EXPECT_EQ(client.watch.pins(), 0U);
}

TEST(SessionWatch, knows_no_settings_while_some_are_of_the_transaction) {
    for (const char* text : {"SET LOCAL TimeZone = 'Asia/Tokyo'",
                             "SELECT set_config('TimeZone', 'Asia/Tokyo', true)"}) {
        Watched client;
        client.send(text);
        EXPECT_TRUE(client.watch.settings_in_doubt()) << text;
        EXPECT_FALSE(client.watch.in_doubt()) << text;
        client.watch.transaction_ended();
        EXPECT_FALSE(client.watch.settings_in_doubt()) << text;
    }
}

TEST(SessionWatch, keeps_to_the_end_what_no_reset_clears) {
    for (const char* text :
         {"SELECT dblink_connect('a', 'dbname=b')", "SELECT pg_backup_start('a')",
          "SELECT pg_create_logical_replication_slot('a', 'b', true)"}) {
        Watched client;
        client.send(text);
        EXPECT_TRUE(client.pins(PinReason::code)) << text;
        EXPECT_TRUE(client.watch.spoils_backend()) << text;
    }
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
    EXPECT_EQ(names("DISCARD ALL"), "timezone=UTC work_mem=9MB role=second ");
    EXPECT_EQ(names("RESET ALL; SET work_mem = 1"), "timezone=UTC ");
    EXPECT_EQ(names("SET work_mem = 1; RESET work_mem; SELECT 1"), "work_mem=9MB ");
    EXPECT_EQ(names("RESET ALL; ROLLBACK"), "");
    EXPECT_EQ(names("SELECT 1"), "");
}

}  // namespace
}  // namespace sluice::sql
