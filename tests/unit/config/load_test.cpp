#include "config/load.hpp"

#include "tests/unit/config/problem_texts.hpp"
#include "tests/unit/config/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice::config {
namespace {

/// What every good file needs, in few lines, so that a test shows what it is about.
const std::string users = "[postgres.users.ann]\npassword = 'x'\n";

TEST(Load, reads_every_section) {
    const auto result = load_text(R"(
[server]
workers = 3
buffer_memory_max = "64MiB"
shutdown_timeout = "5s"
[admin]
listen = "127.0.0.1:9000"
[log]
level = "debug"
format = "json"
log_connections = false
[postgres]
listen = ["127.0.0.1:6432", "unix:/run/sluice"]
unix_socket_mode = "0770"
auth = "md5"
admin_users = ["root"]
pool_mode = "session"
pool_size = 7
max_waiters = 5
wait_timeout = "250ms"
query_timeout = 0
server_check_query = "select 1"
ignore_startup_parameters = "extra_float_digits"
[postgres.databases.app]
host = ["a", "b:5433", "/run/pg"]
port = 5434
dbname = "real"
user = "svc"
password = "p"
pool_size = 2
max_db_connections = 9
[postgres.databases."*"]
host = "::1"
[postgres.users.ann]
password = "x"
query_timeout = "1m"
max_user_connections = 4
)",
                                  "f");
    EXPECT_EQ(texts_of(result.problems), "");
    const auto& postgres = result.settings.postgres;
    EXPECT_EQ(result.settings.server.workers, 3U);
    EXPECT_EQ(result.settings.server.buffer_memory_max, 64ULL << 20);
    EXPECT_EQ(result.settings.admin.listen->port, 9000);
    EXPECT_EQ(result.settings.log.format, LogFormat::json);
    EXPECT_FALSE(result.settings.log.log_connections);
    EXPECT_EQ(postgres.listen[1].path, "/run/sluice/.s.PGSQL.6432");
    EXPECT_EQ(postgres.unix_socket_mode, 0770U);
    EXPECT_EQ(postgres.auth, AuthMethod::md5);
    EXPECT_EQ(postgres.pool_mode, PoolMode::session);
    EXPECT_EQ(postgres.wait_timeout, Duration{250});
    EXPECT_EQ(postgres.ignore_startup_parameters, std::vector<std::string>{"extra_float_digits"});
    const auto& app = postgres.databases.at("app");
    EXPECT_EQ(app.hosts, (std::vector<HostPort>{{"a", 5434}, {"b", 5433}, {"/run/pg", 5434}}));
    EXPECT_EQ(app.password, Secret("p"));
    EXPECT_EQ(app.overrides.pool_size, 2U);
    EXPECT_EQ(app.max_db_connections, 9U);
    EXPECT_EQ(postgres.databases.at("*").hosts, (std::vector<HostPort>{{"::1", 5432}}));
    EXPECT_EQ(postgres.users.at("ann").overrides.query_timeout, Duration{60'000});
    EXPECT_EQ(postgres.users.at("ann").max_user_connections, 4U);
}

TEST(Load, reads_peers_in_each_of_their_forms) {
    const auto peers_of = [](const std::string& text) {
        const auto result =
            load_text("[postgres]\ninstance = 255\npeers = " + text + "\n" + users, "f");
        EXPECT_EQ(texts_of(result.problems), "") << text;
        return result.settings.postgres.peers;
    };
    EXPECT_EQ(peers_of("[]"), std::vector<Peer>{});
    EXPECT_EQ(peers_of("'a.name'"), (std::vector<Peer>{{0, {"a.name", 6432}}}));
    EXPECT_EQ(peers_of("['a.name:1', '[::1]:2']"),
              (std::vector<Peer>{{0, {"a.name", 1}}, {0, {"::1", 2}}}));
    EXPECT_EQ(
        peers_of("[{ instance = 1, address = '10.0.0.2:7' }, { address = 'b', instance = 254 }]"),
        (std::vector<Peer>{{1, {"10.0.0.2", 7}}, {254, {"b", 6432}}}));
    for (const std::string text :
         {"5", "[5]", "''", "'/run/x'", "'h:0'", "'h:65536'", "{ address = 'h' }",
          "{ instance = 1 }", "{ instance = 0, address = 'h' }",
          "{ instance = 256, address = 'h' }", "{ instance = -1, address = 'h' }",
          "{ instance = '1', address = 'h' }", "{ instance = 1, address = 'h', port = 5 }",
          "{ instance = 1, address = 5 }"}) {
        const auto result = load_text("[postgres]\npeers = " + text + "\n" + users, "f");
        EXPECT_TRUE(says(result.problems, "f:2", "wanted { instance")) << text;
    }
    EXPECT_FALSE(load_text("[postgres]\ninstance = 256\n" + users, "f").usable());
}

TEST(Load, fills_in_listeners_and_limits_that_are_not_said) {
    const auto result = load_text("[postgres]\nmax_db_connections = 5\nmax_user_connections = 6\n" +
                                      users + "[postgres.databases.a]\nhost = 'h'\n",
                                  "f");
    EXPECT_EQ(texts_of(result.problems), "");
    EXPECT_EQ(result.settings.postgres.listen.at(0).port, 6432);
    EXPECT_EQ(result.settings.admin.listen->port, 9632);
    EXPECT_EQ(result.settings.postgres.databases.at("a").max_db_connections, 5U);
    EXPECT_EQ(result.settings.postgres.users.at("ann").max_user_connections, 6U);
    EXPECT_FALSE(load_text("[admin]\nlisten = ''\n" + users, "f").settings.admin.listen);
}

TEST(Load, reports_every_mistake_at_once_with_its_place) {
    const auto result = load_text(
        "[server]\n"
        "workers = -1\n"
        "pool_size = 3\n"
        "[postgres]\n"
        "default_pool_size = 20\n"
        "pool_sise = 20\n"
        "wait_timeout = 5\n"
        "query_timeout = \"5 sec\"\n"
        "max_packet_size = \"1mb\"\n"
        "pool_mode = \"transactions\"\n"
        "auth = 5\n"
        "tcp_keepalive = \"yes\"\n"
        "listen = [\"127.0.0.1\", \"*:6432\"]\n"
        "unix_socket_mode = 770\n"
        "admin_users = \"a, b\"\n"
        "[postgres.databases.app]\n"
        "hosts = \"h\"\n"
        "port = 70000\n"
        "[redys]\n"
        "[databases]\n"
        "[postgers]\n",
        "f");
    EXPECT_FALSE(result.usable());
    const std::vector<std::pair<const char*, const char*>> expected{
        {"f:2:11: error", "server.workers: wanted 0 to 64, found -1"},
        {"f:3:1: error", "unknown key `pool_size` in [server]; it belongs to [postgres]"},
        {"f:5:1: error", "PgBouncer's `default_pool_size` is `pool_size` here"},
        {"f:6:1: error", "unknown key `pool_sise` in [postgres]; did you mean `pool_size`?"},
        {"f:7:16: error", "did you mean \"5s\"?"},
        {"f:8:17: error", "wanted a duration such as"},
        {"f:9:19: error", "wanted a size such as"},
        {"f:10:13: error", "\"statement\", found \"transactions\""},
        {"f:11:8: error", "\"scram-sha-256\", found a whole number"},
        {"f:12:17: error", "wanted true or false (without quotes), found text"},
        {"f:13:11: error", "wanted a numeric address such as"},
        {"f:14:20: error", "wanted an octal mode in quotes"},
        {"f:15:15: error", "wanted a list of names"},
        {"f:16:21: error", "no `host`"},
        {"f:17:1: error", "did you mean `host`?"},
        {"f:18:8: error", "wanted 1 to 65535, found 70000"},
        {"f:19:2: error", "did you mean [redis]?"},
        {"f:20:2: error", "it is [postgres.databases.NAME] here"},
        {"f:21:2: error", "did you mean [postgres]?"},
    };
    for (const auto& [front, part] : expected)
        EXPECT_TRUE(says(result.problems, front, part));
    EXPECT_EQ(result.problems.size(), expected.size()) << texts_of(result.problems);
}

TEST(Load, a_syntax_error_does_not_hide_other_mistakes) {
    const auto result = load_text("[postgres]\nwait_timeout = 5s\npool_sise = 1\n", "f");
    EXPECT_EQ(result.problems.size(), 2U) << texts_of(result.problems);
    EXPECT_TRUE(says(result.problems, "f:2:", "not TOML"));
    EXPECT_TRUE(says(result.problems, "f:3:1", "pool_size"));
}

TEST(Load, translates_each_word_the_issue_of_switching_brings) {
    for (const auto* word : {"default_pool_size", "max_client_conn", "query_wait_timeout",
                             "listen_port", "listen_addr", "auth_type", "auth_file", "pkt_buf"}) {
        const auto result = load_text("[postgres]\n" + std::string(word) + " = 1\n" + users, "f");
        EXPECT_TRUE(says(result.problems, "f:2:1: error: unknown key", " here")) << word;
    }
}

TEST(Load, a_limit_is_taken_at_its_bounds_and_refused_beyond) {
    const auto errors = [](const std::string& line) {
        const auto result = load_text("[postgres]\n" + line + "\n" + users, "f");
        return result.problems.size();
    };
    EXPECT_EQ(errors("pool_size = 1"), 0U);
    EXPECT_EQ(errors("pool_size = 0"), 1U);
    EXPECT_EQ(errors("pool_size = 100000"), 0U);
    EXPECT_EQ(errors("pool_size = 100001"), 1U);
    EXPECT_EQ(errors("pool_size = 4294967297"), 1U);
    EXPECT_EQ(errors("max_packet_size = 2147483647"), 0U);
    EXPECT_EQ(errors("max_packet_size = \"2GiB\""), 1U);
    EXPECT_EQ(errors("max_startup_bytes = 1023"), 1U);
    EXPECT_EQ(errors("pool_size = 1\n[server]\nworkers = 64"), 0U);
    EXPECT_EQ(errors("pool_size = 1\n[server]\nworkers = 65"), 1U);
    EXPECT_EQ(errors("failed_login_delay = \"5s\""), 0U);
    EXPECT_EQ(errors("failed_login_delay = \"5001ms\""), 1U);
    EXPECT_EQ(errors("tcp_user_timeout = \"2147483647ms\""), 0U);
    EXPECT_EQ(errors("tcp_user_timeout = \"2147483648ms\""), 1U);
    EXPECT_EQ(errors("tcp_keepidle = \"32767s\""), 0U);
    EXPECT_EQ(errors("tcp_keepidle = \"32768s\""), 1U);
}

TEST(Load, names_have_63_bytes_at_most) {
    const auto load_names = [](std::size_t length) {
        const std::string name(length, 'n');
        return load_text("[postgres.users." + name + "]\npassword = 'x'\n[postgres.databases." +
                             name + "]\nhost = 'h'\n",
                         "f");
    };
    EXPECT_TRUE(load_names(63).usable());
    EXPECT_EQ(load_names(64).problems.size(), 3U) << texts_of(load_names(64).problems);
    EXPECT_FALSE(load_text("[postgres.databases.\"\"]\nhost='h'\n" + users, "f").usable());
    EXPECT_FALSE(load_text("[postgres.databases.pgbouncer]\nhost='h'\n" + users, "f").usable());
    EXPECT_FALSE(
        load_text("[postgres.databases.a]\nhost='h'\ndbname=\"a\\u0000\"\n" + users, "f").usable());
}

TEST(Load, reads_secrets_from_files_and_the_environment) {
    const ScratchFolder folder;
    static_cast<void>(folder.write("secret", "from file\r\n"));
    ::setenv("SLUICE_TEST_SECRET", "from environment", 1);
    const auto path =
        folder.write("s.toml",
                     "[postgres.users.a]\npassword = { file = 'secret' }\n"
                     "[postgres.users.b]\npassword = { env = 'SLUICE_TEST_SECRET' }\n");
    const auto result = load_file(path);
    EXPECT_EQ(texts_of(result.problems), "");
    EXPECT_EQ(result.settings.postgres.users.at("a").password, Secret("from file"));
    EXPECT_EQ(result.settings.postgres.users.at("b").password, Secret("from environment"));
}

TEST(Load, says_which_secret_cannot_be_had) {
    ::unsetenv("SLUICE_TEST_MISSING");
    ::setenv("SLUICE_TEST_EMPTY", "", 1);
    const auto result = load_text(
        "[postgres.users]\n"
        "a.password = { file = '/nonexistent/secret' }\n"
        "b.password = { env = 'SLUICE_TEST_MISSING' }\n"
        "c.password = { env = 'SLUICE_TEST_EMPTY' }\n"
        "d.password = { fil = 'x' }\n"
        "e.password = { env = 'A', file = 'B' }\n"
        "f.password = 12345\n"
        "'*'.password = 'x'\n",
        "f");
    EXPECT_TRUE(says(result.problems, "f:2:14: error", "/nonexistent/secret cannot be read"));
    EXPECT_TRUE(says(result.problems, "f:3:14: error", "SLUICE_TEST_MISSING is not set"));
    EXPECT_TRUE(says(result.problems, "f:4:14: error", "SLUICE_TEST_EMPTY is empty"));
    EXPECT_TRUE(says(result.problems, "f:5:14: error", "{ env = \"NAME\" }"));
    EXPECT_TRUE(says(result.problems, "f:6:14: error", "{ env = \"NAME\" }"));
    EXPECT_TRUE(says(result.problems, "f:7:14: error", "found a whole number"));
    EXPECT_TRUE(says(result.problems, "f:8:5: error", "cannot share one password"));
    EXPECT_EQ(result.problems.size(), 7U) << texts_of(result.problems);
    EXPECT_EQ(texts_of(result.problems).find("12345"), std::string::npos);
}

TEST(Load, merges_the_users_file) {
    const ScratchFolder folder;
    static_cast<void>(folder.write("users.txt", "\"ann\" \"one\"\n\"bob\" \"two\"\n"));
    const auto result = load_file(folder.write("s.toml",
                                               "[postgres]\nusers_file = 'users.txt'\n"
                                               "[postgres.users.ann]\npool_size = 3\n"));
    EXPECT_EQ(texts_of(result.problems), "");
    const auto& merged = result.settings.postgres.users;
    EXPECT_EQ(merged.at("ann").password, Secret("one"));
    EXPECT_EQ(merged.at("ann").overrides.pool_size, 3U);
    EXPECT_EQ(merged.at("bob").password, Secret("two"));
}

TEST(Load, the_star_stands_for_users_of_the_file_without_a_section) {
    const ScratchFolder folder;
    static_cast<void>(folder.write("users.txt", "\"ann\" \"one\"\n\"bob\" \"two\"\n"));
    const auto result = load_file(folder.write("s.toml",
                                               "[postgres]\nusers_file = 'users.txt'\n"
                                               "[postgres.users.ann]\npool_size = 3\n"
                                               "[postgres.users.'*']\nmax_waiters = 4\n"
                                               "max_user_connections = 5\n"));
    EXPECT_EQ(texts_of(result.problems), "");
    const auto& merged = result.settings.postgres.users;
    EXPECT_EQ(merged.at("bob").overrides.max_waiters, 4U);
    EXPECT_EQ(merged.at("bob").max_user_connections, 5U);
    EXPECT_EQ(merged.at("ann").overrides.max_waiters, std::nullopt);
    EXPECT_EQ(merged.at("ann").max_user_connections, 0U);
}

TEST(Load, two_different_secrets_of_one_user_are_a_mistake) {
    const ScratchFolder folder;
    static_cast<void>(folder.write("users.txt", "\"ann\" \"one\"\n\"bob\" \"two\"\n"));
    const auto result = load_file(folder.write("s.toml",
                                               "[postgres]\nusers_file = 'users.txt'\n"
                                               "[postgres.users.ann]\npassword = 'other'\n"
                                               "[postgres.users.bob]\npassword = 'two'\n"));
    ASSERT_EQ(result.problems.size(), 1U) << texts_of(result.problems);
    EXPECT_EQ(result.problems[0].line, 4U);
    EXPECT_EQ(texts_of(result.problems).find("other;"), std::string::npos);
}

TEST(Load, a_users_file_in_trouble_is_reported_once) {
    const auto result = load_text("[postgres]\nusers_file = '/nonexistent/users'\n", "f");
    EXPECT_EQ(texts_of(result.problems),
              "f:2:1: error: postgres.users_file: /nonexistent/users cannot be read: No such file "
              "or directory\n");
}

TEST(Load, says_why_a_file_cannot_be_read_and_checks_assignments_all_the_same) {
    const std::vector<Assignment> assignments{{"postgres.pool_sise", "1"}};
    const auto result = load_file("/nonexistent/s.toml", assignments);
    EXPECT_EQ(texts_of(result.problems),
              "/nonexistent/s.toml: error: cannot be read: No such file or directory\n"
              "--set: error: unknown key `pool_sise` in [postgres]; did you mean `pool_size`?\n");
}

TEST(Load, assignments_win_over_the_file) {
    const std::vector<Assignment> assignments{
        {"postgres.pool_size", "5"},        {"postgres.wait_timeout", "250ms"},
        {"postgres.databases.a.port", "7"}, {"postgres.databases.*.host", "h"},
        {"postgres.listen", "127.0.0.1:1"}, {"postgres.users.ann.password", "123"},
    };
    const auto result = load_text("[postgres]\npool_size = 1\n[postgres.databases.a]\nhost='x'\n",
                                  "f", assignments);
    EXPECT_EQ(texts_of(result.problems), "");
    const auto& postgres = result.settings.postgres;
    EXPECT_EQ(postgres.pool_size, 5U);
    EXPECT_EQ(postgres.wait_timeout, Duration{250});
    EXPECT_EQ(postgres.databases.at("a").hosts, (std::vector<HostPort>{{"x", 7}}));
    EXPECT_TRUE(postgres.databases.contains("*"));
    EXPECT_EQ(postgres.listen.at(0).port, 1);
    EXPECT_EQ(postgres.users.at("ann").password, Secret("123"));
}

TEST(Load, mistakes_of_assignments_bear_their_option) {
    const std::vector<Assignment> assignments{
        {"postgres.pool_size", "x"}, {"nonsense", "1"}, {"redis.listen", "x"}, {"postgres", "5"}};
    const auto result = load_text(users, "f", assignments);
    EXPECT_TRUE(says(result.problems, "--set: error: postgres.pool_size", "wanted a whole number"));
    EXPECT_TRUE(says(result.problems, "--set: error", "unknown key `nonsense`"));
    EXPECT_TRUE(says(result.problems, "--set: error: redis.listen", "wanted a numeric address"));
    EXPECT_TRUE(says(result.problems, "--set: error", "wanted a section [postgres]"));
    EXPECT_EQ(result.problems.size(), 4U) << texts_of(result.problems);
}

TEST(Load, survives_every_truncation_of_a_file) {
    const std::string text =
        "[postgres]\nlisten = [\"127.0.0.1:6432\"]\npool_size = 20\nwait_timeout = \"5s\"\n"
        "[postgres.databases.app]\nhost = \"h\"\npassword = \"p\"\n[postgres.users.u]\n"
        "password = \"q\"\n";
    for (std::size_t length = 0; length < text.size() - 1; ++length) {
        EXPECT_FALSE(load_text(text.substr(0, length), "f").usable()) << length;
    }
    EXPECT_TRUE(load_text(text, "f").usable());
}

TEST(Load, follows_the_command_line) {
    const std::vector<std::string> arguments{"--postgres", "postgresql://u:p@h/d", "--set",
                                             "postgres.pool_size=3"};
    const auto result = load(parse_command_line(arguments));
    EXPECT_EQ(texts_of(result.problems), "");
    EXPECT_EQ(result.settings.postgres.pool_size, 3U);
    EXPECT_EQ(result.settings.postgres.databases.at("d").hosts.at(0).host, "h");
    EXPECT_FALSE(load(parse_command_line({})).usable());
}

TEST(Load, the_example_loads_without_a_problem) {
    const auto result = load_file(SLUICE_EXAMPLE_FILE);
    EXPECT_EQ(texts_of(result.problems), "");
}

}  // namespace
}  // namespace sluice::config
