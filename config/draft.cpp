#include "config/draft.hpp"

#include <utility>

namespace sluice::config {

Settings default_settings() {
    Settings settings;
    settings.postgres.listen = {{ListenAddress::Kind::tcp, "127.0.0.1", 6432, {}}};
    settings.redis.listen = {{ListenAddress::Kind::tcp, "127.0.0.1", 6380, {}}};
    settings.admin.listen = {{ListenAddress::Kind::tcp, "127.0.0.1", 9632, {}}};
    return settings;
}

Draft begin(Settings settings) {
    Draft draft;
    for (auto& [name, database] : settings.postgres.databases) {
        draft.databases[name].database = std::move(database);
    }
    for (auto& [name, user] : settings.postgres.users) {
        draft.users[name].user = std::move(user);
    }
    settings.postgres.databases.clear();
    settings.postgres.users.clear();
    draft.settings = std::move(settings);
    return draft;
}

Settings complete(Draft draft) {
    Settings settings = std::move(draft.settings);
    auto& postgres = settings.postgres;
    for (auto& [name, part] : draft.databases) {
        auto& database = postgres.databases[name] = std::move(part.database);
        database.name = name;
        for (auto& host : database.hosts) {
            if (host.port == 0) host.port = part.port;
        }
        database.max_db_connections = part.max_db_connections.value_or(postgres.max_db_connections);
        database.max_db_client_connections =
            part.max_db_client_connections.value_or(postgres.max_db_client_connections);
    }
    for (auto& [name, part] : draft.users) {
        auto& user = postgres.users[name] = std::move(part.user);
        user.name = name;
        user.max_user_connections =
            part.max_user_connections.value_or(postgres.max_user_connections);
        user.max_user_client_connections =
            part.max_user_client_connections.value_or(postgres.max_user_client_connections);
    }
    return settings;
}

}  // namespace sluice::config
