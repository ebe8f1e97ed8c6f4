#include "config/load.hpp"
#include "config/resolve.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(SessionState, is_said_of_all_of_a_database_and_of_a_user) {
    const auto loaded = load_text(
        "[postgres]\nauth = 'trust'\nprobe = 'always'\npin_timeout = '5s'\n"
        "[postgres.session_state]\nset = 'reject'\nlisten = 'warn'\n"
        "[postgres.databases.app]\nhost = 'h'\nprobe = 'off'\nsession_state = { set = 'warn' }\n"
        "[postgres.users.ann]\npin_timeout = '1m'\n"
        "[postgres.users.ann.session_state]\nset = 'track'\ntemporary_table = 'reject'\n",
        "f");
    ASSERT_EQ(texts_of(loaded.problems), "");
    const auto ann = resolve(loaded.settings.postgres, "app", "ann");
    const auto bob = resolve(loaded.settings.postgres, "app", "bob");
    EXPECT_EQ(ann->session_state.set, TrackPolicy::track);
    EXPECT_EQ(ann->session_state.temporary_table, KeepPolicy::reject);
    EXPECT_EQ(ann->session_state.listen, ListenPolicy::warn);
    EXPECT_EQ(ann->pin_timeout, Duration{60'000});
    EXPECT_EQ(ann->probe, Probe::off);
    EXPECT_EQ(bob->session_state.set, TrackPolicy::warn);
    EXPECT_EQ(bob->session_state.temporary_table, KeepPolicy::pin);
    EXPECT_EQ(bob->pin_timeout, Duration{5'000});
}

TEST(SessionState, each_word_belongs_to_its_feature) {
    const auto loaded = load_text(
        "[postgres.session_state]\ntemporary_table = 'track'\nset = 'fan-out'\nsett = 'pin'\n"
        "[postgres.databases.app]\nhost = 'h'\nsession_state = 'pin'\nset = 'pin'\n"
        "[postgres.databases.app2]\nhost = 'h'\nsession_state.cod = 'pin'\n",
        "f");
    EXPECT_FALSE(loaded.usable());
    const auto& problems = loaded.problems;
    EXPECT_TRUE(says(problems, "f:2:19: error",
                     "postgres.session_state.temporary_table: wanted one of \"pin\", \"reject\", "
                     "\"warn\", found \"track\""));
    EXPECT_TRUE(says(problems, "f:3:7: error", "postgres.session_state.set: wanted one of"));
    EXPECT_TRUE(says(problems, "f:4:1: error", "did you mean `set`?"));
    EXPECT_TRUE(says(problems, "f:7:17: error",
                     "wanted a section [postgres.databases.app.session_state], found text"));
    EXPECT_TRUE(says(problems, "f:8:1: error", "it belongs to [postgres.session_state]"));
    EXPECT_TRUE(says(problems, "f:11:15: error",
                     "unknown key `cod` in [postgres.databases.NAME.session_state]; did you mean "
                     "`code`?"));
}

}  // namespace
}  // namespace sluice::config
