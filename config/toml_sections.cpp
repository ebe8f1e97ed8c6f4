#include "config/keys.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <array>

namespace sluice::config {

namespace {

constexpr std::string_view database_section = "postgres.databases.NAME";
constexpr std::string_view user_section = "postgres.users.NAME";

template <class Section>
void add_keys(std::vector<KnownKey>& all, std::string_view title,
              std::span<const Key<Section>> keys, const Section& standard) {
    for (const auto& row : keys) {
        all.push_back({std::string(title), std::string(row.name), row.show(standard)});
    }
}

/// The section that does have a key of this name.
std::string elsewhere(std::string_view name, const std::vector<KnownKey>& all) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const KnownKey& known) { return known.name == name; });
    return found == all.end() ? "" : "; it belongs to [" + found->section + "]";
}

void reject_section(const Entry& entry, const Reading& reading) {
    std::string text = "unknown section [" + entry.key + "]";
    static constexpr std::array<std::string_view, 5> known{"server", "admin", "log", "postgres",
                                                           "redis"};
    if (!std::holds_alternative<Table>(entry.value.content)) {
        if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
            reject_unknown(entry, "", reading);
        } else {
            reading.error(entry.value.place,
                          "wanted a section [" + entry.key + "], found " + kind_of(entry.value));
        }
        return;
    }
    if (entry.key == "databases" || entry.key == "users") {
        text += "; it is [postgres." + entry.key + ".NAME] here";
    } else if (entry.key == "pgbouncer") {
        text += "; its keys are in [postgres] here";
    } else if (const auto near = nearest(entry.key, known); !near.empty()) {
        text += "; did you mean [" + std::string(near) + "]?";
    }
    reading.error(entry.place, text);
}

std::vector<KnownKey> list_keys() {
    std::vector<KnownKey> all;
    const Settings standard = default_settings();
    add_keys(all, "server", server_keys(), standard.server);
    add_keys(all, "admin", admin_keys(), standard.admin);
    add_keys(all, "log", log_keys(), standard.log);
    add_keys(all, "postgres", postgres_keys(), standard.postgres);
    add_keys(all, "postgres.session_state", session_state_keys(), standard.postgres.session_state);
    add_keys(all, database_section, database_keys(), DatabaseDraft{});
    add_keys(all, database_section, override_keys(), Overrides{});
    add_keys(all, std::string(database_section) + ".session_state", session_state_override_keys(),
             SessionStateOverrides{});
    add_keys(all, user_section, user_keys(), UserDraft{});
    add_keys(all, user_section, override_keys(), Overrides{});
    add_keys(all, std::string(user_section) + ".session_state", session_state_override_keys(),
             SessionStateOverrides{});
    add_keys(all, "redis", redis_keys(), standard.redis);
    add_keys(all, "redis.databases.NAME", redis_database_keys(), RedisDatabase{});
    add_keys(all, "redis.users.NAME", redis_user_keys(), RedisUser{});
    return all;
}

}  // namespace

const std::vector<KnownKey>& known_keys() {
    static const std::vector<KnownKey> all = list_keys();
    return all;
}

void reject_unknown(const Entry& entry, std::string_view section, const Reading& reading) {
    const auto& all = known_keys();
    std::vector<std::string_view> here;
    for (const auto& known : all) {
        if (known.section == section) here.push_back(known.name);
    }
    std::string text = "unknown key `" + entry.key + "`";
    if (!section.empty()) text += " in [" + std::string(section) + "]";
    if (const auto translated = translate_pgbouncer(entry.key); !translated.empty()) {
        text += "; " + translated;
    } else if (const auto other = elsewhere(entry.key, all); !other.empty()) {
        text += other;
    } else if (const auto near = nearest(entry.key, here); !near.empty()) {
        text += "; did you mean `" + std::string(near) + "`?";
    }
    reading.error(entry.place, text);
}

void read_named(const Entry& entry, const std::string& title, const char* what,
                const Reading& reading, Draft& draft, ReadNamed read) {
    const auto* named = std::get_if<Table>(&entry.value.content);
    if (named == nullptr) {
        reading.error(entry.value.place,
                      title + ": wanted a section [" + title + ".NAME] for each " + what);
        return;
    }
    for (const auto& item : *named) {
        const auto path = title + "." + item.key;
        const auto* table = std::get_if<Table>(&item.value.content);
        if (table == nullptr) {
            reading.error(item.place,
                          path + ": wanted a section [" + path + "], found " + kind_of(item.value));
            continue;
        }
        if (item.key.empty() || item.key.size() > name_bytes_max ||
            item.key.find('\0') != std::string::npos) {
            reading.error(item.place, title + ": a " + what + "'s name has 1 to " +
                                          std::to_string(name_bytes_max) +
                                          " bytes, none of them zero");
            continue;
        }
        reading.places.record(path, item.place);
        read(item.key, *table, reading, draft);
    }
}

void read_document(const Table& root, const Reading& reading, Draft& draft) {
    for (const auto& entry : root) {
        const auto* table = std::get_if<Table>(&entry.value.content);
        if (table != nullptr) reading.places.record(entry.key, entry.place);
        if (table != nullptr && entry.key == "server") {
            read_server(*table, reading, draft.settings.server);
        } else if (table != nullptr && entry.key == "admin") {
            read_admin(*table, reading, draft.settings.admin);
        } else if (table != nullptr && entry.key == "log") {
            read_log(*table, reading, draft.settings.log);
        } else if (table != nullptr && entry.key == "postgres") {
            read_postgres(*table, reading, draft);
        } else if (table != nullptr && entry.key == "redis") {
            read_redis(*table, reading, draft);
        } else {
            reject_section(entry, reading);
        }
    }
}

}  // namespace sluice::config
