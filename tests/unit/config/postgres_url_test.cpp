#include "config/postgres_url.hpp"

#include "config/load.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

TEST(PostgresUrl, goes_to_the_named_database_and_to_every_other) {
    const auto [settings, problems] =
        parse_postgres_url("postgresql://ann:p%40ss@h1:5433,h2/app?connect_timeout=5");
    EXPECT_EQ(texts_of(problems), "");
    const auto& postgres = settings.postgres;
    const std::vector<HostPort> hosts{{"h1", 5433}, {"h2", 5432}};
    ASSERT_EQ(postgres.databases.size(), 2U);
    const auto& app = postgres.databases.at("app");
    EXPECT_EQ(app.name, "app");
    EXPECT_EQ(app.hosts, hosts);
    EXPECT_EQ(app.dbname, "app");
    EXPECT_EQ(app.user, "ann");
    EXPECT_EQ(app.password, Secret("p@ss"));
    const auto& others = postgres.databases.at("*");
    EXPECT_EQ(others.hosts, hosts);
    EXPECT_EQ(others.dbname, "");
    EXPECT_EQ(others.user, "ann");
    EXPECT_EQ(postgres.users.at("ann").password, Secret("p@ss"));
    EXPECT_EQ(postgres.auth, AuthMethod::scram_sha_256);
    EXPECT_EQ(postgres.server_connect_timeout, Duration{5'000});
    EXPECT_EQ(postgres.listen.at(0).port, 6432);
}

TEST(PostgresUrl, fills_in_what_libpq_would) {
    const auto target = [](const char* url) {
        const auto [settings, problems] = parse_postgres_url(url);
        EXPECT_EQ(texts_of(problems), "") << url;
        for (const auto& [name, database] : settings.postgres.databases) {
            if (name == "*") continue;
            std::string text = database.user + "/" + name;
            for (const auto& host : database.hosts) {
                text += " " + host.host + " " + std::to_string(host.port);
            }
            return text;
        }
        return std::string();
    };
    EXPECT_EQ(target("postgresql://ann@h"), "ann/ann h 5432");
    EXPECT_EQ(target("postgres://ann@h/"), "ann/ann h 5432");
    EXPECT_EQ(target("postgresql://ann@"), "ann/ann /var/run/postgresql 5432");
    EXPECT_EQ(target("postgresql://ann@/db"), "ann/db /var/run/postgresql 5432");
    EXPECT_EQ(target("postgresql://ann@:5433/db"), "ann/db /var/run/postgresql 5433");
    EXPECT_EQ(target("postgresql://ann@%2Fvar%2Fpg:5433/db"), "ann/db /var/pg 5433");
    EXPECT_EQ(target("postgresql://ann@[::1]:5433/db"), "ann/db ::1 5433");
    EXPECT_EQ(target("postgresql://ann@[::1]/db"), "ann/db ::1 5432");
    EXPECT_EQ(target("postgresql:///db?user=ann&host=a,b&port=1,2"), "ann/db a 1 b 2");
    EXPECT_EQ(target("postgresql://?user=ann&host=/pg&port=1&dbname=d%20b"), "ann/d b /pg 1");
    EXPECT_EQ(target("postgresql://ann@h?sslmode=disable"), "ann/ann h 5432");
    EXPECT_EQ(target("postgresql://a%2Fb:%3A@h/x%2Fy"), "a/b/x/y h 5432");
}

TEST(PostgresUrl, tls_comes_later) {
    for (const auto* mode : {"allow", "prefer"}) {
        const auto problems =
            parse_postgres_url("postgresql://a@h?sslmode=" + std::string(mode)).problems;
        EXPECT_TRUE(says(problems, "--postgres: warning: sslmode", "ignored"));
        EXPECT_FALSE(has_errors(problems));
    }
    for (const auto* mode : {"require", "verify-ca", "verify-full", "nonsense", ""}) {
        const auto problems =
            parse_postgres_url("postgresql://a@h?sslmode=" + std::string(mode)).problems;
        EXPECT_TRUE(says(problems, "--postgres: error: sslmode", "TLS")) << mode;
    }
}

TEST(PostgresUrl, reports_mistakes) {
    const auto expect = [](std::string_view url, const char* part) {
        EXPECT_TRUE(says(parse_postgres_url(url).problems, "--postgres: error: ", part)) << url;
    };
    expect("", "wanted a URL");
    expect("mysql://a@h", "wanted a URL");
    expect("postgresql:/a@h", "wanted a URL");
    expect("postgresql://h/db", "names no user");
    expect("postgresql://a%zz@h", "user has a broken %-escape");
    expect("postgresql://a:%0@h", "password has a broken %-escape");
    expect("postgresql://a@h/%00", "database has a broken %-escape");
    expect("postgresql://a@h:0/d", "wanted a port");
    expect("postgresql://a@h:99999/d", "wanted a port");
    expect("postgresql://a@h h/d", "is no host");
    expect("postgresql://a@[::1/d", "is no host");
    expect("postgresql://a@h%3A5/d", "is no host");
    expect("postgresql://a@h?port=1,2", "1 hosts, but 2 ports");
    expect("postgresql://a@h?conect_timeout=5", "did you mean `connect_timeout`?");
    expect("postgresql://a@h?connect_timeout=5s", "0 to 86400 seconds");
    expect("postgresql://a@h?connect_timeout", "has no value");
    expect("postgresql://a@h?target_session_attrs=primary", "cannot be followed");
    expect("postgresql://*@h", "`*` is no name");
    expect("postgresql://" + std::string(64, 'a') + "@h", "longer than 63 bytes");
    EXPECT_TRUE(parse_postgres_url("postgresql://" + std::string(63, 'a') + "@h").problems.empty());
}

TEST(PostgresUrl, survives_every_truncation_and_shows_nothing_of_the_url) {
    const std::string url =
        "postgresql://ann:hunter2%40@[::1]:5433,h2:1/db?connect_timeout=5&port=7";
    for (std::size_t length = 0; length <= url.size(); ++length) {
        const auto result = parse_postgres_url(url.substr(0, length));
        EXPECT_EQ(texts_of(result.problems).find("hunter2"), std::string::npos) << length;
    }
}

TEST(PostgresUrl, without_a_password_only_this_machine_is_let_in) {
    const auto open = load_postgres_url("postgresql://ann@h/db");
    EXPECT_EQ(texts_of(open.problems), "");
    EXPECT_EQ(open.settings.postgres.auth, AuthMethod::trust);

    const std::vector<Assignment> everywhere{{"postgres.listen", "0.0.0.0:6432"}};
    const auto refused = load_postgres_url("postgresql://ann@h/db", everywhere);
    EXPECT_TRUE(says(refused.problems, "--set: error: postgres.listen", "127.0.0.1"));
    EXPECT_TRUE(load_postgres_url("postgresql://ann:p@h/db", everywhere).usable());

    const std::vector<Assignment> local{{"postgres.listen", "['unix:/run/sluice', '[::1]:1']"}};
    EXPECT_TRUE(load_postgres_url("postgresql://ann@h/db", local).usable());
}

TEST(PostgresUrl, mistakes_of_url_and_assignments_are_reported_together) {
    const std::vector<Assignment> assignments{{"postgres.pool_sise", "1"}};
    const auto result = load_postgres_url("postgresql://h/db", assignments);
    EXPECT_EQ(result.problems.size(), 2U) << texts_of(result.problems);
}

}  // namespace
}  // namespace sluice::config
