#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

namespace {

std::string show_hosts(const DatabaseDraft& draft) {
    return draft.database.hosts.empty() ? "(required)" : show(draft.database.hosts);
}

void read_database(const std::string& name, const Table& table, const Reading& reading,
                   Draft& draft) {
    auto& target = draft.databases[name];
    const std::string title = "postgres.databases." + name;
    for (const auto& entry : table) {
        const auto path = title + "." + entry.key;
        if (entry.key == "session_state") {
            read_session_state(entry, title, "postgres.databases.NAME", reading,
                               target.database.overrides.session_state);
        } else if (!read_entry(entry, path, database_keys(), reading, target) &&
                   !read_entry(entry, path, override_keys(), reading, target.database.overrides)) {
            reject_unknown(entry, "postgres.databases.NAME", reading);
        }
    }
}

}  // namespace

std::span<const Key<DatabaseDraft>> database_keys() {
    using D = DatabaseDraft;
    static constexpr std::array keys{
        Key<D>{"host",
               {},
               [](const Found& found, D& draft) { return take(found, draft.database.hosts); },
               show_hosts},
        key<D, &D::port>("port", {1, 65'535}),
        key<D, &D::database, &Database::dbname>("dbname"),
        key<D, &D::database, &Database::user>("user"),
        key<D, &D::database, &Database::password>("password"),
        key<D, &D::max_db_connections>("max_db_connections", backend_count_range),
        key<D, &D::max_db_client_connections>("max_db_client_connections", client_count_range),
    };
    return keys;
}

void read_databases(const Entry& entry, const Reading& reading, Draft& draft) {
    read_named(entry, "postgres.databases", "database", reading, draft, read_database);
}

}  // namespace sluice::config
