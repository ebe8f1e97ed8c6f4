#pragma once

#include "config/addresses.hpp"
#include "config/draft.hpp"
#include "config/reading.hpp"
#include "config/values.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The tables of keys. A setting is one field in settings.hpp, one row in its section's table
/// and one paragraph in docs/settings.md; reading, range check, suggestion, console output and
/// the comparison with the document all follow from the row.
namespace sluice::config {

template <class Section>
struct Key {
    std::string_view name;
    Range range;
    bool (*read)(const Found&, Section&);
    std::string (*show)(const Section&);
};

/// What an override that was not said shows.
inline constexpr std::string_view inherited = "as [postgres]";
inline constexpr std::string_view inherited_redis = "as [redis]";

template <class Item>
std::string show(const std::optional<Item>& value) {
    return value ? show(*value) : std::string(inherited);
}

/// Follows member pointers: reach<&A::b, &B::c>(a) is a.b.c.
template <auto First, auto... Rest, class Object>
auto& reach(Object& object) {
    if constexpr (sizeof...(Rest) == 0) {
        return object.*First;
    } else {
        return reach<Rest...>(object.*First);
    }
}

/// A row: take() and show() are chosen by the type of the member.
template <class Section, auto... Members>
constexpr Key<Section> key(std::string_view name, Range range = {}) {
    return {name, range,
            [](const Found& found, Section& section) {
                return take(found, reach<Members...>(section));
            },
            [](const Section& section) { return show(reach<Members...>(section)); }};
}

[[nodiscard]] std::span<const Key<Server>> server_keys();
[[nodiscard]] std::span<const Key<Admin>> admin_keys();
[[nodiscard]] std::span<const Key<Log>> log_keys();
[[nodiscard]] std::span<const Key<Postgres>> postgres_keys();
[[nodiscard]] std::span<const Key<Redis>> redis_keys();
[[nodiscard]] std::span<const Key<RedisDatabase>> redis_database_keys();
[[nodiscard]] std::span<const Key<RedisUser>> redis_user_keys();
[[nodiscard]] std::span<const Key<DatabaseDraft>> database_keys();
[[nodiscard]] std::span<const Key<UserDraft>> user_keys();
/// In the sections of databases and of users.
[[nodiscard]] std::span<const Key<Overrides>> override_keys();
/// In the section `session_state` of [postgres], and of those.
[[nodiscard]] std::span<const Key<SessionState>> session_state_keys();
[[nodiscard]] std::span<const Key<SessionStateOverrides>> session_state_override_keys();

/// A key of the file with its default as the console shows it.
struct KnownKey {
    std::string section;  ///< "postgres", "postgres.databases.NAME", ...
    std::string name;
    std::string standard;
};

/// Every key there is, in the order of the tables.
[[nodiscard]] const std::vector<KnownKey>& known_keys();

/// Reports a key that its section does not have, with what was probably meant. `section` is
/// "postgres.databases.NAME" for a database of any name.
void reject_unknown(const Entry& entry, std::string_view section, const Reading& reading);

/// Reads the entry if one of the rows has its name; false: none has.
template <class Section>
bool read_entry(const Entry& entry, const std::string& path, std::span<const Key<Section>> keys,
                const Reading& reading, Section& section) {
    for (const auto& row : keys) {
        if (row.name != entry.key) continue;
        reading.places.record(path, entry.place);
        row.read(Found{entry.value, path, row.range, reading}, section);
        return true;
    }
    return false;
}

/// Reads a section that has nothing but keys.
template <class Section>
void read_section(const Table& table, const std::string& title, std::span<const Key<Section>> keys,
                  const Reading& reading, Section& section) {
    for (const auto& entry : table) {
        if (!read_entry(entry, title + "." + entry.key, keys, reading, section)) {
            reject_unknown(entry, title, reading);
        }
    }
}

void read_server(const Table& table, const Reading& reading, Server& server);
void read_admin(const Table& table, const Reading& reading, Admin& admin);
void read_log(const Table& table, const Reading& reading, Log& log);
void read_postgres(const Table& table, const Reading& reading, Draft& draft);
void read_redis(const Table& table, const Reading& reading, Draft& draft);
void read_databases(const Entry& entry, const Reading& reading, Draft& draft);
void read_users(const Entry& entry, const Reading& reading, Draft& draft);
void read_session_state(const Entry& entry, const Reading& reading, SessionState& state);
/// `title` is that of the section around it, `section` the same with NAME in place of the name.
void read_session_state(const Entry& entry, const std::string& title, const std::string& section,
                        const Reading& reading, SessionStateOverrides& state);

/// The whole document, section by section.
void read_document(const Table& root, const Reading& reading, Draft& draft);

/// The entries of a table of named things, each of which is a table itself. Reports what is
/// not, and names that no client could send. Calls `read` with the name and its table.
using ReadNamed = void (*)(const std::string& name, const Table& table, const Reading&, Draft&);
void read_named(const Entry& entry, const std::string& title, const char* what,
                const Reading& reading, Draft& draft, ReadNamed read);

}  // namespace sluice::config
