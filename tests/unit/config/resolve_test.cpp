#include "config/resolve.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

Database database_at(const char* host) {
    Database database;
    database.hosts = {{host, 5432}};
    return database;
}

TEST(Resolve, finds_the_exact_name_before_the_star) {
    Postgres postgres;
    EXPECT_EQ(resolve(postgres, "app", "ann"), std::nullopt);
    postgres.databases["app"] = database_at("exact");
    EXPECT_EQ(resolve(postgres, "app", "ann")->hosts.at(0).host, "exact");
    EXPECT_EQ(resolve(postgres, "other", "ann"), std::nullopt);
    postgres.databases["*"] = database_at("star");
    EXPECT_EQ(resolve(postgres, "app", "ann")->hosts.at(0).host, "exact");
    EXPECT_EQ(resolve(postgres, "other", "ann")->hosts.at(0).host, "star");
}

TEST(Resolve, the_clients_words_stand_where_nothing_else_is_said) {
    Postgres postgres;
    postgres.databases["*"] = database_at("h");
    const auto pool = resolve(postgres, "shop", "ann");
    EXPECT_EQ(pool->database, "shop");
    EXPECT_EQ(pool->user, "ann");
    EXPECT_EQ(pool->dbname, "shop");
    EXPECT_EQ(pool->server_user, "ann");
    EXPECT_TRUE(pool->server_password.empty());
}

TEST(Resolve, a_database_may_name_what_backends_see) {
    Postgres postgres;
    auto& app = postgres.databases["app"] = database_at("h");
    app.dbname = "real";
    app.user = "service";
    app.password = Secret("p");
    const auto pool = resolve(postgres, "app", "ann");
    EXPECT_EQ(pool->database, "app");
    EXPECT_EQ(pool->dbname, "real");
    EXPECT_EQ(pool->user, "ann");
    EXPECT_EQ(pool->server_user, "service");
    EXPECT_EQ(pool->server_password, Secret("p"));
}

TEST(Resolve, the_backends_user_brings_the_secret) {
    Postgres postgres;
    postgres.databases["own"] = database_at("h");
    postgres.databases["fixed"] = database_at("h");
    postgres.databases["fixed"].user = "bob";
    postgres.users["ann"].password = Secret("a");
    postgres.users["bob"].password = Secret("b");
    EXPECT_EQ(resolve(postgres, "own", "ann")->server_password, Secret("a"));
    EXPECT_EQ(resolve(postgres, "fixed", "ann")->server_password, Secret("b"));
    EXPECT_TRUE(resolve(postgres, "own", "eve")->server_password.empty());
}

TEST(Resolve, the_user_wins_over_the_database_and_that_over_the_rest) {
    Postgres postgres;
    postgres.pool_size = 20;
    postgres.query_timeout = Duration{1};
    postgres.wait_timeout = Duration{2};
    auto& app = postgres.databases["app"] = database_at("h");
    app.overrides.pool_size = 10;
    app.overrides.pool_mode = PoolMode::session;
    app.overrides.query_timeout = Duration{0};
    postgres.users["ann"].overrides.pool_size = 5;
    postgres.users["*"].overrides.pool_size = 6;

    const auto ann = resolve(postgres, "app", "ann");
    EXPECT_EQ(ann->pool_size, 5U);
    EXPECT_EQ(ann->pool_mode, PoolMode::session);
    EXPECT_EQ(ann->query_timeout, Duration{0});
    EXPECT_EQ(ann->wait_timeout, Duration{2});
    EXPECT_EQ(resolve(postgres, "app", "bob")->pool_size, 6U);
    postgres.users.erase("*");
    EXPECT_EQ(resolve(postgres, "app", "bob")->pool_size, 10U);
}

TEST(Resolve, every_override_has_its_effect) {
    const Overrides all{
        PoolMode::statement,
        1,
        2,
        3,
        Duration{4},
        5,
        Duration{6},
        Duration{7},
        Duration{8},
        Duration{14},
        Duration{9},
        Duration{16},
        17,
        Duration{10},
        Duration{11},
        Duration{12},
        13,
        AutoPrepare::always,
        true,
        Probe::always,
        Duration{15},
        {TrackPolicy::warn, TrackPolicy::reject, ListenPolicy::reject, KeepPolicy::warn,
         KeepPolicy::reject, KeepPolicy::warn, TrackPolicy::pin, TrackPolicy::reject}};
    const SessionState state{TrackPolicy::warn, TrackPolicy::reject, ListenPolicy::reject,
                             KeepPolicy::warn,  KeepPolicy::reject,  KeepPolicy::warn,
                             TrackPolicy::pin,  TrackPolicy::reject};
    Postgres postgres;
    postgres.databases["app"] = database_at("h");
    postgres.databases["app"].overrides = all;
    postgres.databases["plain"] = database_at("h");
    postgres.users["ann"].overrides = all;
    for (const auto& pool : {resolve(postgres, "app", "bob"), resolve(postgres, "plain", "ann")}) {
        EXPECT_EQ(pool->pool_mode, PoolMode::statement);
        EXPECT_EQ(pool->pool_size, 1U);
        EXPECT_EQ(pool->min_pool_size, 2U);
        EXPECT_EQ(pool->reserve_pool_size, 3U);
        EXPECT_EQ(pool->reserve_pool_timeout, Duration{4});
        EXPECT_EQ(pool->max_waiters, 5U);
        EXPECT_EQ(pool->wait_timeout, Duration{6});
        EXPECT_EQ(pool->query_timeout, Duration{7});
        EXPECT_EQ(pool->idle_transaction_timeout, Duration{8});
        EXPECT_EQ(pool->portal_stall_timeout, Duration{14});
        EXPECT_EQ(pool->transaction_timeout, Duration{9});
        EXPECT_EQ(pool->slow_reader_timeout, Duration{16});
        EXPECT_EQ(pool->spool_bytes_max, 17U);
        EXPECT_EQ(pool->client_idle_timeout, Duration{10});
        EXPECT_EQ(pool->server_idle_timeout, Duration{11});
        EXPECT_EQ(pool->server_lifetime, Duration{12});
        EXPECT_EQ(pool->max_prepared_statements, 13U);
        EXPECT_EQ(pool->auto_prepare, AutoPrepare::always);
        EXPECT_TRUE(pool->deferred_begin);
        EXPECT_EQ(pool->probe, Probe::always);
        EXPECT_EQ(pool->pin_timeout, Duration{15});
        EXPECT_EQ(pool->session_state, state);
    }
}

TEST(Resolve, limits_over_pools_come_from_their_own_sections) {
    Postgres postgres;
    postgres.max_db_connections = 1;
    postgres.max_user_connections = 2;
    postgres.max_db_client_connections = 3;
    postgres.max_user_client_connections = 4;
    auto& app = postgres.databases["app"] = database_at("h");
    app.max_db_connections = 11;
    app.max_db_client_connections = 13;
    postgres.users["ann"].max_user_connections = 12;
    postgres.users["ann"].max_user_client_connections = 0;
    const auto ann = resolve(postgres, "app", "ann");
    EXPECT_EQ(ann->max_db_connections, 11U);
    EXPECT_EQ(ann->max_user_connections, 12U);
    EXPECT_EQ(ann->max_db_client_connections, 13U);
    EXPECT_EQ(ann->max_user_client_connections, 0U);
    EXPECT_EQ(resolve(postgres, "app", "eve")->max_user_connections, 2U);
    EXPECT_EQ(resolve(postgres, "app", "eve")->max_user_client_connections, 4U);
}

TEST(Resolve, knows_who_is_named_and_who_came_through_a_star) {
    Postgres postgres;
    postgres.databases["app"] = database_at("h");
    postgres.databases["app"].user = "service";
    postgres.databases["*"] = database_at("h");
    postgres.users["ann"] = {};
    postgres.users["*"] = {};
    EXPECT_TRUE(is_listed(postgres, "app", "ann"));
    EXPECT_TRUE(is_listed(postgres, "app", "service"));
    EXPECT_FALSE(is_listed(postgres, "app", "eve"));
    EXPECT_FALSE(is_listed(postgres, "app", "*"));
    EXPECT_FALSE(is_listed(postgres, "shop", "ann"));
    EXPECT_FALSE(is_listed(postgres, "*", "ann"));
}

}  // namespace
}  // namespace sluice::config
