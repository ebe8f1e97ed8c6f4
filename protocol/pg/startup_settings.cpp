#include "protocol/pg/startup_settings.hpp"

#include <algorithm>
#include <array>

namespace sluice::pg {

namespace {

using Settings = std::vector<StartupParameter>;
using Failure = std::optional<StartupSettingsError>;

/// As PostgreSQL compares names of settings: ASCII alone, whatever the locale.
constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool name_less(std::string_view left, std::string_view right) noexcept {
    return std::lexicographical_compare(
        left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
            return static_cast<unsigned char>(lower(a)) < static_cast<unsigned char>(lower(b));
        });
}

bool same_name(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

/// Names that mean something else than a setting in a startup packet.
bool is_reserved(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 4> reserved{"user", "database", "replication",
                                                       "options"};
    return name.empty() || name.find('\0') != std::string_view::npos ||
           same_name(name.substr(0, 5), "_pq_.") ||
           std::any_of(reserved.begin(), reserved.end(),
                       [name](std::string_view other) { return same_name(name, other); });
}

bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The next of the packed settings, cut off the front.
StartupParameter next_setting(std::string_view& packed) noexcept {
    const auto text = [&packed] {
        const std::size_t end = packed.find('\0');
        const std::string_view taken = packed.substr(0, end);
        packed.remove_prefix(end + 1);
        return taken;
    };
    const std::string_view name = text();
    return {name, text()};
}

void append_packed(std::string& packed, const StartupParameter& setting) {
    for (const char c : setting.name)
        packed.push_back(lower(c));
    packed.push_back('\0');
    packed.append(setting.value.substr(0, setting.value.find('\0'))).push_back('\0');
}

/// The canonical form of settings in the order of their precedence.
Failure pack(Settings& settings, std::string& packed) {
    std::size_t bytes = 0;
    for (const StartupParameter& setting : settings) {
        if (is_reserved(setting.name)) {
            return StartupSettingsError{"42704", "unrecognized configuration parameter \"" +
                                                     std::string(setting.name) + "\""};
        }
        bytes += setting.name.size() + setting.value.size() + 2;
    }
    std::stable_sort(settings.begin(), settings.end(),
                     [](const StartupParameter& a, const StartupParameter& b) {
                         return name_less(a.name, b.name);
                     });
    packed.reserve(bytes);
    std::size_t count = 0;
    for (std::size_t i = 0; i < settings.size(); ++i) {
        const bool outdone =
            i + 1 < settings.size() && same_name(settings[i].name, settings[i + 1].name);
        if (outdone) continue;
        if (++count > startup_setting_count_max) {
            return StartupSettingsError{"54000", "more than " +
                                                     std::to_string(startup_setting_count_max) +
                                                     " settings in the startup packet"};
        }
        append_packed(packed, settings[i]);
    }
    return std::nullopt;
}

Failure bad_option(std::string_view argument) {
    return StartupSettingsError{
        "42601", "invalid command-line argument for server process: " + std::string(argument) +
                     " (only -c name=value and --name=value are accepted here)"};
}

/// Cuts the next argument off `options` and appends it without its escapes; nothing at the end.
/// The view stays good because the caller has reserved for all of `options`.
std::optional<std::string_view> next_argument(std::string_view& options, std::string& storage) {
    while (!options.empty() && is_space(options.front()))
        options.remove_prefix(1);
    if (options.empty()) return std::nullopt;
    const std::size_t begin = storage.size();
    bool escaped = false;
    while (!options.empty() && (escaped || !is_space(options.front()))) {
        const char c = options.front();
        options.remove_prefix(1);
        escaped = !escaped && c == '\\';
        if (!escaped) storage.push_back(c);
    }
    return std::string_view(storage).substr(begin);
}

}  // namespace

Failure split_options(std::string_view options, std::string& storage, Settings& settings) {
    storage.reserve(storage.size() + options.size());
    while (const std::optional<std::string_view> argument = next_argument(options, storage)) {
        std::string_view setting;
        std::string_view option;
        if (argument->starts_with("--")) {
            option = "--";
            setting = argument->substr(2);
        } else if (*argument == "-c") {
            option = "-c ";
            const std::optional<std::string_view> following = next_argument(options, storage);
            if (!following) return bad_option(*argument);
            setting = *following;
        } else if (argument->starts_with("-c")) {
            option = "-c ";
            setting = argument->substr(2);
        } else {
            return bad_option(*argument);
        }
        if (setting.empty()) return bad_option(*argument);
        const std::size_t equals = setting.find('=');
        if (equals == std::string_view::npos) {
            return StartupSettingsError{
                "42601", std::string(option) + std::string(setting) + " requires a value"};
        }
        const std::size_t at = static_cast<std::size_t>(setting.data() - storage.data());
        std::replace(&storage[at], &storage[at] + equals, '-', '_');
        settings.push_back({setting.substr(0, equals), setting.substr(equals + 1)});
    }
    return std::nullopt;
}

StartupSettings::Result StartupSettings::from_parameters(
    std::span<const StartupParameter> parameters) {
    StartupSettings result;
    if (parameters.empty()) return result;
    std::string storage;
    Settings settings;
    settings.reserve(parameters.size() + 4);
    const auto options = std::find_if(parameters.rbegin(), parameters.rend(),
                                      [](const auto& one) { return one.name == "options"; });
    if (options != parameters.rend()) {
        if (auto failure = split_options(options->value, storage, settings)) {
            return std::move(*failure);
        }
    }
    for (const StartupParameter& parameter : parameters) {
        constexpr std::array<std::string_view, 4> not_settings{"options", "replication", "user",
                                                               "database"};
        if (std::find(not_settings.begin(), not_settings.end(), parameter.name) ==
            not_settings.end()) {
            settings.push_back(parameter);
        }
    }
    if (auto failure = pack(settings, result.packed_)) return std::move(*failure);
    return result;
}

bool StartupSettings::set(std::string_view name, std::string_view value) {
    if (is_reserved(name)) return false;
    std::size_t at = packed_.size();
    std::size_t bytes_replaced = 0;
    std::size_t count = 1;
    for (std::string_view rest = packed_; !rest.empty();) {
        const std::size_t begin = packed_.size() - rest.size();
        const StartupParameter setting = next_setting(rest);
        if (same_name(setting.name, name)) {
            at = begin;
            bytes_replaced = packed_.size() - rest.size() - begin;
            continue;
        }
        ++count;
        if (bytes_replaced == 0 && at == packed_.size() && name_less(name, setting.name)) {
            at = begin;
        }
    }
    if (count > startup_setting_count_max) return false;
    std::string packed;
    append_packed(packed, {name, value});
    packed_.replace(at, bytes_replaced, packed);
    return true;
}

void StartupSettings::erase(std::string_view name) {
    std::string kept;
    for (std::string_view rest = packed_; !rest.empty();) {
        const StartupParameter setting = next_setting(rest);
        if (!same_name(setting.name, name)) append_packed(kept, setting);
    }
    packed_ = std::move(kept);
}

std::optional<std::string_view> StartupSettings::find(std::string_view name) const noexcept {
    for (std::string_view rest = packed_; !rest.empty();) {
        const StartupParameter setting = next_setting(rest);
        if (same_name(setting.name, name)) return setting.value;
    }
    return std::nullopt;
}

Settings StartupSettings::parameters() const {
    Settings settings;
    for (std::string_view rest = packed_; !rest.empty();)
        settings.push_back(next_setting(rest));
    return settings;
}

bool is_role(std::string_view name) noexcept {
    return name == "role" || name == "session_authorization";
}

namespace {

/// Who a session is decides what it may set: the others are changed as the one who logged in, and
/// then the roles are put on. Setting session_authorization undoes the role.
void order_roles(std::vector<SettingChange>& changes, const StartupSettings& from,
                 const StartupSettings& to) {
    constexpr std::string_view role = "role";
    constexpr std::string_view authorization = "session_authorization";
    const bool others = std::ranges::any_of(
        changes, [](const SettingChange& change) { return !is_role(change.name); });
    const bool authorizes = std::ranges::any_of(
        changes, [&](const SettingChange& change) { return change.name == authorization; });
    std::erase_if(changes, [](const SettingChange& change) { return is_role(change.name); });
    std::vector<SettingChange> ordered;
    const auto had_role = from.find(role);
    const auto had_authorization = from.find(authorization);
    const bool redo = others || authorizes;
    const bool undoes_authorization = had_authorization && (authorizes || others);
    if (undoes_authorization) ordered.push_back({authorization, std::nullopt});
    if (had_role && (redo || to.find(role) != had_role)) ordered.push_back({role, std::nullopt});
    ordered.insert(ordered.end(), changes.begin(), changes.end());
    const auto wanted = to.find(authorization);
    if (wanted && (authorizes || undoes_authorization)) ordered.push_back({authorization, wanted});
    const auto wanted_role = to.find(role);
    if (wanted_role && (redo || wanted_role != had_role)) ordered.push_back({role, wanted_role});
    changes = std::move(ordered);
}

}  // namespace

std::vector<SettingChange> difference(const StartupSettings& from, const StartupSettings& to) {
    const Settings had = from.parameters();
    const Settings wanted = to.parameters();
    std::vector<SettingChange> changes;
    auto old = had.begin();
    for (const StartupParameter& setting : wanted) {
        while (old != had.end() && old->name < setting.name) {
            changes.push_back({(old++)->name, std::nullopt});
        }
        const bool both = old != had.end() && old->name == setting.name;
        const bool same = both && old->value == setting.value;
        // A DateStyle of one word keeps the other half as it was, so it needs a clean start.
        if (both && !same && setting.name == "datestyle") {
            changes.push_back({setting.name, std::nullopt});
        }
        if (!same) changes.push_back({setting.name, setting.value});
        if (both) ++old;
    }
    for (; old != had.end(); ++old)
        changes.push_back({old->name, std::nullopt});
    order_roles(changes, from, to);
    return changes;
}

void append_literal(std::string& sql, std::string_view text) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
    if (!std::all_of(text.begin(), text.end(), is_plain)) sql.push_back('E');
    sql.push_back('\'');
    for (const char c : text) {
        if (c == '\'') {
            sql.append("''");
        } else if (is_plain(c)) {
            sql.push_back(c);
        } else {
            // Never doubled, never as it is: in some client encodings a backslash is the second
            // half of a character, and what follows would end the literal.
            constexpr std::string_view digits = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            sql.append("\\x").push_back(digits[byte >> 4U]);
            sql.push_back(digits[byte & 0x0fU]);
        }
    }
    sql.push_back('\'');
}

bool stays_accepted(const SettingChange& change) noexcept {
    // Settings that anybody may set and whose values are judged by themselves alone.
    // Source: PostgreSQL 15, guc.c, of the context "user" those without a check against catalogs.
    static constexpr std::array<std::string_view, 28> self_contained{
        "application_name",
        "bytea_output",
        "client_encoding",
        "client_min_messages",
        "datestyle",
        "default_transaction_deferrable",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "enable_hashjoin",
        "enable_mergejoin",
        "enable_nestloop",
        "enable_seqscan",
        "extra_float_digits",
        "geqo",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "intervalstyle",
        "jit",
        "lock_timeout",
        "maintenance_work_mem",
        "plan_cache_mode",
        "row_security",
        "search_path",
        "standard_conforming_strings",
        "statement_timeout",
        "synchronous_commit",
        "timezone",
        "work_mem",
    };
    const bool of_an_extension = change.name.find('.') != std::string_view::npos;
    return of_an_extension || std::ranges::binary_search(self_contained, change.name);
}

void append_settings_sql(std::string& sql, std::span<const SettingChange> changes) {
    std::string_view separator = "SELECT ";
    for (const SettingChange& change : changes) {
        sql.append(separator).append("pg_catalog.set_config(");
        append_literal(sql, change.name);
        sql.push_back(',');
        if (change.value) {
            append_literal(sql, *change.value);
        } else {
            sql.append("NULL");
        }
        sql.append(",false)");
        separator = ",";
    }
}

}  // namespace sluice::pg
