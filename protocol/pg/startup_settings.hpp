#pragma once

#include "protocol/pg/startup.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// Most settings one client may bring; PostgreSQL has about 350 in all.
inline constexpr std::size_t startup_setting_count_max = 256;

/// Why a client's settings are refused, for a FATAL ErrorResponse.
struct StartupSettingsError {
    std::string_view sqlstate;
    std::string text;
};

/// The server settings a client brings in its startup packet, in one canonical form: names in
/// lower case and sorted, each once, `options` taken apart into the settings it names. Two clients
/// with equal settings can share a backend without a word to it.
///
/// Never part of it, however spelt: user, database, replication, options and `_pq_.` options. So
/// `options=-c user=postgres` cannot turn into a startup parameter on another backend.
///
/// Confined to: its owner; a plain value. Empty settings own no memory, others one string.
class StartupSettings {
  public:
    using Result = boost::system::result<StartupSettings, StartupSettingsError>;

    /// From StartupMessage::parameters. As PostgreSQL has it, `options` comes first, so that a
    /// parameter of its own outdoes it, and of equal names the last wins.
    [[nodiscard]] static Result from_parameters(std::span<const StartupParameter> parameters);

    /// Adds or replaces; false when the name is reserved or the set is full. For what the
    /// configuration adds, and for following SET.
    bool set(std::string_view name, std::string_view value);
    /// For `ignore_startup_parameters`; nothing when there is none of this name.
    void erase(std::string_view name);

    [[nodiscard]] bool empty() const noexcept { return packed_.empty(); }
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// As startup parameters, sorted by name. The views live as long as this object is unchanged.
    [[nodiscard]] std::vector<StartupParameter> parameters() const;

    bool operator==(const StartupSettings&) const = default;
    [[nodiscard]] std::size_t hash() const noexcept { return std::hash<std::string>{}(packed_); }

  private:
    /// name, zero byte, value, zero byte, and so on.
    std::string packed_;
};

/// One setting to change; no value means back to the backend's own.
struct SettingChange {
    std::string_view name;
    std::optional<std::string_view> value;
    bool operator==(const SettingChange&) const = default;
};

/// One of the two settings that say who a session is.
[[nodiscard]] bool is_role(std::string_view name) noexcept;

/// What turns a backend that has `from` into one that has `to`; views into both.
///
/// A setting that only `from` has is reset, which means: back to what the backend was started
/// with. It is right only when `from` was applied later, by append_settings_sql().
[[nodiscard]] std::vector<SettingChange> difference(const StartupSettings& from,
                                                    const StartupSettings& to);

/// A server that accepted this change once accepts it at any time: its check asks for nothing that
/// can go away, such as a role, a tablespace or a privilege. Placeholders (`app.tenant`) and the
/// settings of extensions count as such.
[[nodiscard]] bool stays_accepted(const SettingChange& change) noexcept;

/// Appends a string constant of pure ASCII that means `text` under every client_encoding and every
/// standard_conforming_strings.
void append_literal(std::string& sql, std::string_view text);

/// One SELECT of set_config() calls; nothing when there is nothing to change.
///
/// SET would read `a, "B"` as one identifier in a list setting such as search_path; set_config()
/// takes the very text that a startup packet would have carried, and null for a reset. The SQL is
/// pure ASCII and has one meaning under every client_encoding and standard_conforming_strings.
void append_settings_sql(std::string& sql, std::span<const SettingChange> changes);

/// Takes the `options` parameter apart as PostgreSQL's pg_split_opts does and appends what it
/// sets to `settings`; `storage` keeps the texts they view. Only `-c name=value`, `-cname=value`
/// and `--name=value` are taken: other server switches are no settings.
[[nodiscard]] std::optional<StartupSettingsError> split_options(
    std::string_view options, std::string& storage, std::vector<StartupParameter>& settings);

}  // namespace sluice::pg

template <>
struct std::hash<sluice::pg::StartupSettings> {
    std::size_t operator()(const sluice::pg::StartupSettings& settings) const noexcept {
        return settings.hash();
    }
};
