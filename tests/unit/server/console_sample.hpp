#pragma once

#include "server/admin/console.hpp"

namespace sluice::server {

/// The database app, and every other name.
[[nodiscard]] inline config::Postgres postgres_sample() {
    config::Postgres postgres;
    postgres.pool_size = 8;
    config::Database app;
    app.name = "app";
    app.hosts = {{"db1.internal", 5432}, {"db2.internal", 5433}};
    app.dbname = "app_live";
    app.user = "app_owner";
    app.overrides.pool_mode = config::PoolMode::session;
    app.max_db_connections = 30;
    config::Database others;
    others.name = "*";
    others.hosts = {{"/run/postgresql", 5432}};
    postgres.databases = {{"app", app}, {"*", others}};
    postgres.users["alice"].name = "alice";
    return postgres;
}

[[nodiscard]] inline ConsoleFacts facts_sample(const config::Postgres& postgres) {
    return {"0.1.0",
            std::chrono::seconds(100),
            {{"postgres.auth", "scram-sha-256"}, {"postgres.databases.app.host", "db1.internal"}},
            {{"postgres.auth", "trust"}},
            &postgres};
}

}  // namespace sluice::server
