#include "config/check_part.hpp"
#include "config/resolve.hpp"
#include "config/values.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::config {

namespace {

/// A pool as far as it is known: of [postgres] alone, of a database, of a user, or of both.
struct Subject {
    const Database* database = nullptr;
    const User* user = nullptr;

    /// The section that has the last word here.
    [[nodiscard]] std::string section() const {
        if (user != nullptr) return "postgres.users." + user->name;
        if (database != nullptr) return "postgres.databases." + database->name;
        return "postgres";
    }
    [[nodiscard]] std::string title() const {
        std::string text = "[" + section() + "]";
        if (user != nullptr && database != nullptr) text += " in database `" + database->name + "`";
        return text;
    }
};

bool sizes_said(const Overrides& said) {
    return said.pool_size || said.min_pool_size || said.reserve_pool_size;
}

/// Keeps silent when any value that takes part could not be read.
bool is_readable(const CheckPart& part, const Subject& subject) {
    if (part.places.is_broken("server.max_backends")) return false;
    std::vector<std::string> sections{"postgres"};
    if (subject.database != nullptr)
        sections.push_back("postgres.databases." + subject.database->name);
    if (subject.user != nullptr) sections.push_back("postgres.users." + subject.user->name);
    for (const auto& section : sections) {
        for (const auto* key : {".pool_size", ".min_pool_size", ".reserve_pool_size",
                                ".max_db_connections", ".max_user_connections"}) {
            if (part.places.is_broken(section + key)) return false;
        }
    }
    return true;
}

struct Ceiling {
    const char* name;
    std::uint64_t value;  ///< 0: none.
};

/// False when something was reported.
bool check_sizes(const CheckPart& part, const Subject& subject) {
    if (!is_readable(part, subject)) return false;
    const auto pool = resolve_limits(part.settings.postgres, subject.database, subject.user);
    const auto place = subject.section() + ".min_pool_size";
    const auto most = std::uint64_t{pool.pool_size} + pool.reserve_pool_size;
    if (pool.min_pool_size > most) {
        part.report(Severity::error, {place},
                    subject.title() + ": min_pool_size is " + show(pool.min_pool_size) +
                        ", more than pool_size and reserve_pool_size together, " +
                        std::to_string(most));
        return false;
    }
    const std::array ceilings{
        Ceiling{"max_db_connections", pool.max_db_connections},
        Ceiling{"max_user_connections", pool.max_user_connections},
        Ceiling{"server.max_backends", part.settings.server.max_backends},
    };
    for (const auto& ceiling : ceilings) {
        if (ceiling.value == 0 || pool.min_pool_size <= ceiling.value) continue;
        part.report(Severity::error, {place},
                    subject.title() + ": min_pool_size is " + show(pool.min_pool_size) + ", but " +
                        ceiling.name + " allows " + std::to_string(ceiling.value));
        return false;
    }
    if (pool.min_pool_size > pool.pool_size) {
        part.report(Severity::warning, {place, subject.section() + ".pool_size"},
                    subject.title() + ": min_pool_size is " + show(pool.min_pool_size) +
                        ", but no more than pool_size, " + show(pool.pool_size) +
                        ", are kept; the reserve is opened when somebody waits");
    }
    const auto& all = ceilings.back();
    if (all.value != 0 && pool.pool_size > all.value) {
        part.report(Severity::warning, {subject.section() + ".pool_size", all.name},
                    subject.title() + ": pool_size is " + show(pool.pool_size) + ", but " +
                        all.name + " allows " + std::to_string(all.value) + " in all");
    }
    return true;
}

void check_reserve(const CheckPart& part, const Subject& subject) {
    const auto pool = resolve_limits(part.settings.postgres, subject.database, subject.user);
    const bool waits = pool.wait_timeout.count() != 0;
    if (pool.reserve_pool_size == 0 || !waits || pool.reserve_pool_timeout < pool.wait_timeout) {
        return;
    }
    const auto section = subject.section();
    part.report(Severity::warning, {section + ".reserve_pool_timeout", section + ".wait_timeout"},
                subject.title() + ": nobody waits as long as reserve_pool_timeout, " +
                    show(pool.reserve_pool_timeout) + ", since wait_timeout is " +
                    show(pool.wait_timeout) + "; the reserve pool is never used");
}

bool reserve_said(const Overrides& said) {
    return said.reserve_pool_size || said.reserve_pool_timeout || said.wait_timeout;
}

/// Pools whose user is known are kept warm from the start, so their least sizes add up.
void check_warm_sum(const CheckPart& part) {
    const auto limit = part.settings.server.max_backends;
    std::uint64_t sum = 0;
    std::size_t count = 0;
    for (const auto& [name, database] : part.settings.postgres.databases) {
        if (name == "*" || database.user.empty()) continue;
        const auto& users = part.settings.postgres.users;
        const auto user = users.find(database.user);
        const Subject subject{&database, user == users.end() ? nullptr : &user->second};
        if (!is_readable(part, subject)) return;
        sum += resolve_limits(part.settings.postgres, subject.database, subject.user).min_pool_size;
        ++count;
    }
    if (limit == 0 || count < 2 || sum <= limit) return;
    part.report(Severity::error, {"server.max_backends"},
                "server.max_backends is " + show(limit) + ", but the min_pool_size of " +
                    std::to_string(count) + " databases with a `user` add up to " +
                    std::to_string(sum));
}

}  // namespace

void check_pools(const CheckPart& part) {
    const auto& postgres = part.settings.postgres;
    const bool sound = check_sizes(part, {});
    check_reserve(part, {});
    std::vector<const Database*> sized_databases;
    for (const auto& [name, database] : postgres.databases) {
        const auto section = "postgres.databases." + name;
        if (database.hosts.empty()) {
            part.report(Severity::error, {section, section + ".host"},
                        "[" + section + "]: no `host`; give one, as host = \"127.0.0.1\"");
        }
        const bool said = sizes_said(database.overrides) ||
                          database.max_db_connections != postgres.max_db_connections;
        if (said && sound && check_sizes(part, {&database, nullptr})) {
            sized_databases.push_back(&database);
        }
        if (reserve_said(database.overrides)) check_reserve(part, {&database, nullptr});
    }
    for (const auto& [name, user] : postgres.users) {
        // A users file may list very many; those that are like `*` are checked with it.
        if (name != "*" && !has_own_settings(postgres, user)) continue;
        const bool said = sizes_said(user.overrides) ||
                          user.max_user_connections != postgres.max_user_connections;
        if (reserve_said(user.overrides)) check_reserve(part, {nullptr, &user});
        if (!said || !sound || !check_sizes(part, {nullptr, &user})) continue;
        for (const auto* database : sized_databases) {
            if (!check_sizes(part, {database, &user})) break;
        }
    }
    check_warm_sum(part);
}

}  // namespace sluice::config
