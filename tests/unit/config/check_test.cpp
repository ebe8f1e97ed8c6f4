#include "config/check.hpp"

#include "config/load.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

const std::string users = "[postgres.users.ann]\npassword = 'x'\n";
const std::string scram =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
const std::string md5 = "md5" + std::string(32, 'a');

std::vector<Problem> problems_of(const std::string& text) {
    return load_text(text, "f").problems;
}

/// One problem, and it is this one.
testing::AssertionResult only(const std::string& text, const char* front, const char* part) {
    const auto problems = problems_of(text);
    if (problems.size() != 1) return testing::AssertionFailure() << texts_of(problems);
    return says(problems, front, part);
}

TEST(Check, listen_addresses_are_there_and_differ) {
    EXPECT_TRUE(only("[postgres]\nlisten = []\n" + users, "f:2:1: error", "no address"));
    EXPECT_TRUE(
        only("[postgres]\nlisten = ['*:1', ':1']\n" + users, "f:2:1: error", "there twice"));
    EXPECT_TRUE(only("[postgres]\nlisten = ['unix:/a', 'unix:/a/']\n" + users, "f:2:1: error",
                     "there twice"));
    EXPECT_TRUE(only("[admin]\nlisten = '127.0.0.1:6432'\n" + users, "f:2:1: error",
                     "in postgres.listen too"));
    EXPECT_TRUE(
        problems_of("[postgres]\nlisten = ['127.0.0.1:0', '127.0.0.1:0']\n" + users).empty());
}

TEST(Check, somebody_can_log_in) {
    EXPECT_TRUE(only("[postgres]\nauth = 'md5'\n", "f:2:1: error", "nobody can log in"));
    EXPECT_TRUE(only("", "f: error", "nobody can log in"));
    EXPECT_TRUE(only("[postgres.users.'*']\npool_size = 1\n", "f:1:2: error", "nobody can log in"));
    EXPECT_TRUE(problems_of("[postgres]\nauth = 'trust'\n").empty());
}

TEST(Check, open_trust_is_a_warning_in_a_file) {
    EXPECT_TRUE(only("[postgres]\nauth = 'trust'\nlisten = '*:1'\n", "f:3:1: warning",
                     "without a password"));
    EXPECT_TRUE(problems_of("[postgres]\nauth = 'trust'\nlisten = 'unix:/a'\n").empty());
}

TEST(Check, least_sizes_fit_below_every_bound) {
    const std::string app = "[postgres.databases.app]\nhost='h'\n";
    EXPECT_TRUE(
        only("[postgres]\nmin_pool_size = 21\n" + users, "f:2:1: error", "more than pool_size"));
    EXPECT_TRUE(problems_of("[postgres]\nmin_pool_size = 20\n" + users).empty());
    EXPECT_TRUE(only("[postgres]\nmin_pool_size = 21\nreserve_pool_size = 1\n" + users,
                     "f:2:1: warning", "no more than pool_size, 20, are kept"));
    EXPECT_TRUE(only(users + app + "pool_size = 2\nmin_pool_size = 3\n", "f:6:1: error",
                     "[postgres.databases.app]"));
    EXPECT_TRUE(
        only(users + "pool_size = 2\nmin_pool_size = 3\n", "f:4:1: error", "[postgres.users.ann]"));
    EXPECT_TRUE(only(users + "min_pool_size = 3\n" + app + "pool_size = 2\n", "f:3:1: error",
                     "in database `app`"));
    EXPECT_TRUE(only(users + app + "min_pool_size = 3\nmax_db_connections = 2\n", "f:5:1: error",
                     "max_db_connections allows 2"));
    EXPECT_TRUE(only(users + "min_pool_size = 3\nmax_user_connections = 2\n", "f:3:1: error",
                     "max_user_connections allows 2"));
}

TEST(Check, the_bound_of_all_backends_is_high_enough) {
    const std::string head = "[server]\nmax_backends = 5\n" + users;
    EXPECT_TRUE(only(head + "[postgres]\nmin_pool_size = 6\n", "f:6:1: error",
                     "server.max_backends allows 5"));
    EXPECT_TRUE(only(head + "[postgres]\npool_size = 6\n", "f:6:1: warning",
                     "server.max_backends allows 5 in all"));
    const std::string two =
        "[postgres.databases]\na = { host='h', user='u', password='p', pool_size=3, "
        "min_pool_size=3 }\n"
        "b = { host='h', user='u', password='p', pool_size=3, min_pool_size=3 }\n";
    EXPECT_TRUE(only(head + "[postgres]\npool_size = 5\n" + two, "f:2:1: error", "add up to 6"));
}

TEST(Check, says_so_when_a_setting_has_no_effect) {
    EXPECT_TRUE(only("[postgres]\nreserve_pool_size = 1\nreserve_pool_timeout = '3m'\n" + users,
                     "f:3:1: warning", "the reserve pool is never used"));
    EXPECT_TRUE(only("[postgres]\ntcp_keepalive = false\ntcp_keepcnt = 3\n" + users,
                     "f:2:1: warning", "do nothing"));
    EXPECT_TRUE(
        only("[postgres]\nserver_reset_query = ''\n" + users, "f:2:1: warning", "session state"));
    EXPECT_TRUE(only("[postgres]\nspool_bytes_max = '256KiB'\n" + users, "f:2:1: warning",
                     "keeps nothing more"));
    EXPECT_TRUE(problems_of("[postgres]\nspool_bytes_max = '64MiB'\n" + users).empty());
    EXPECT_TRUE(only("[postgres]\nspool_bytes_max = '65MiB'\n" + users, "f:2:1: warning",
                     "a quarter of server.buffer_memory_max"));
}

TEST(Check, other_contradictions) {
    EXPECT_TRUE(
        only("[postgres]\ntcp_keepidle = '1500ms'\n" + users, "f:2:1: error", "whole seconds"));
    EXPECT_TRUE(only(
        "[server]\nbuffer_memory_max = '1MiB'\n[postgres]\nclient_buffer_max = '2MiB'\n" + users,
        "f:4:1: error", "for one peer"));
    EXPECT_TRUE(
        only(users + "[postgres.databases.a]\npool_size = 2\n", "f:3:21: error", "no `host`"));
    EXPECT_TRUE(problems_of(users + "[postgres.databases.'*']\nhost='h'\ndbname='d'\n").empty());
}

TEST(Check, numbers_of_peers_want_one_of_their_own) {
    const std::string peers = "peers = [{ instance = 2, address = 'h' }]\n";
    EXPECT_TRUE(problems_of("[postgres]\ninstance = 1\n" + peers + users).empty());
    EXPECT_TRUE(problems_of("[postgres]\npeers = 'a.name:6432'\n" + users).empty());
    EXPECT_TRUE(only("[postgres]\n" + peers + users, "f:2:1: error", "this instance needs one"));
    EXPECT_TRUE(only("[postgres]\ninstance = 2\n" + peers + users, "f:3:1: error",
                     "has the number of this instance"));
}

TEST(Check, keeps_silent_about_values_that_could_not_be_read) {
    EXPECT_TRUE(only("[postgres]\npool_size = 'x'\nmin_pool_size = 30\n" + users, "f:2:13: error",
                     "wanted a whole number"));
    EXPECT_TRUE(
        only(users + "[postgres.databases.a]\nhost = 5\n", "f:4:8: error", "a host in quotes"));
    EXPECT_TRUE(only("[postgres.users.ann]\npassword = { env = 'SLUICE_TEST_UNSET' }\n", "f:2:12",
                     "is not set"));
}

TEST(Check, names_the_database_whose_backends_a_scram_verifier_cannot_enter) {
    const std::string ann = "[postgres.users.ann]\npassword = '" + scram + "'\n";
    EXPECT_TRUE(only(ann + "[postgres.databases.app]\nhost='h'\n", "f:3:21: warning",
                     "database `app`: user `ann` cannot log in"));
    EXPECT_TRUE(only(ann + "[postgres.databases.app]\nhost='h'\nuser='ann'\n", "f:3:21: warning",
                     "give [postgres.databases.app] a `password`"));
    EXPECT_TRUE(problems_of(ann + "[postgres.databases.app]\nhost='h'\npassword='p'\n").empty());
    EXPECT_TRUE(problems_of(ann + "[postgres.databases.app]\nhost='h'\nuser='bob'\n").empty());
}

TEST(Check, an_md5_secret_answers_md5_alone) {
    const std::string head =
        "[postgres]\nauth = 'md5'\n[postgres.users.ann]\npassword = '" + md5 + "'\n";
    EXPECT_TRUE(only(head + "[postgres.databases.app]\nhost='h'\n", "f:5:21: warning",
                     "only to backends that ask for md5"));
    EXPECT_TRUE(only("[postgres.users.ann]\npassword = '" + md5 + "'\n", "f:1:2: warning",
                     "cannot log in by scram-sha-256"));
}

TEST(Check, names_few_of_many_users) {
    std::string text = "[postgres.databases.app]\nhost='h'\n[postgres.users]\n";
    for (const auto* name : {"a", "b", "c", "d", "e"}) {
        text += std::string(name) + ".password = '" + scram + "'\n";
    }
    EXPECT_TRUE(only(text, "f:1:21: warning", "users `a`, `b`, `c` and 2 more cannot"));
}

TEST(Check, a_verifier_cut_off_is_noticed) {
    EXPECT_TRUE(only("[postgres.users.ann]\npassword = '" + scram.substr(0, 60) + "'\n",
                     "f:1:17: warning", "not a whole one"));
}

TEST(Check, no_problem_shows_a_secret) {
    const auto shown = texts_of(problems_of("[postgres.users.ann]\npassword = '" + scram +
                                            "'\n[postgres.users.bob]\npassword = '" + md5 +
                                            "'\n[postgres.databases.app]\nhost='h'\n"));
    EXPECT_EQ(shown.find("SNY7"), std::string::npos);
    EXPECT_EQ(shown.find("aaaa"), std::string::npos);
}

}  // namespace
}  // namespace sluice::config
