// How a backend comes to have the settings of its client.
//
//     difference, at_once -> cleaning -> settings_first -> role_first -> opening_anew ->
//     settings_first ...
//
// Each step is taken when the one before has been refused, and only where it may help.

#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/login.hpp"
#include "server/pg/shard.hpp"

#include <algorithm>
#include <utility>

namespace sluice::server {

namespace {

bool has_long_value(const pg::StartupSettings& settings) {
    return std::ranges::any_of(settings.parameters(), [](const pg::StartupParameter& one) {
        return one.value.size() > pg::name_bytes_max;
    });
}

}  // namespace

void PgBackend::assume_profile(ProfileRef profile) {
    profile_ = std::move(profile);
    profile_->accepted = true;
    set_affinity(profile_->id);
}

void PgBackend::apply_profile(ProfileRef profile) {
    applying_ = std::move(profile);
    opened_anew_ = false;
    if (!profile_) {
        attempt_ = Attempt::at_once;
    } else {
        const bool from_start = profile_ == startup_profile_;
        attempt_ = from_start ? Attempt::settings_first : Attempt::difference;
        // What the server has to say of a name that it truncates, it says where that is set.
        const bool tells = client_->login() != nullptr && has_long_value(applying_->settings);
        if (!from_start && tells) attempt_ = Attempt::cleaning;
    }
    try_settings();
    const bool may_fail =
        attempt_ == Attempt::at_once || !applying_->accepted ||
        profile_->settings.find("statement_timeout") ||
        !std::ranges::all_of(pg::difference(profile_->settings, applying_->settings),
                             pg::stays_accepted);
    // What failed here would let the request behind it run under the wrong settings.
    followers_ = may_fail ? Followers::wait : Followers::go;
}

void PgBackend::try_settings() {
    followers_ = Followers::wait;
    if (attempt_ == Attempt::opening_anew) {
        opened_anew_ = true;
        reopen(startup_profile_);
        return;
    }
    std::string sql;
    // RESET ALL leaves the first two as they are.
    constexpr std::string_view cleaning = "SET SESSION AUTHORIZATION DEFAULT;RESET ROLE;RESET ALL;";
    if (attempt_ == Attempt::at_once || attempt_ == Attempt::cleaning) sql = cleaning;
    if (attempt_ != Attempt::cleaning) {
        const ProfileRef& from = attempt_ == Attempt::at_once ? startup_profile_ : profile_;
        auto changes = pg::difference(from->settings, applying_->settings);
        // It decides which notices of the others are told.
        std::stable_partition(changes.begin(), changes.end(), [](const pg::SettingChange& change) {
            return change.name == "client_min_messages";
        });
        if (attempt_ == Attempt::role_first) {
            // Not of std::ranges, whose subrange clang 14 cannot read.
            std::stable_partition(
                changes.begin(), changes.end(),
                [](const pg::SettingChange& change) { return pg::is_role(change.name); });
        }
        pg::append_settings_sql(sql, changes);
    }
    if (client_ != nullptr && client_->login() != nullptr) client_->login()->settings_tried();
    private_query(sql);
}

/// The ReadyForQuery of an attempt has come.
void PgBackend::settings_applied() {
    const bool refused = next_attempt_.has_value();
    if (refused) {
        attempt_ = *std::exchange(next_attempt_, std::nullopt);
    } else if (attempt_ == Attempt::cleaning) {
        attempt_ = Attempt::settings_first;
        assume_profile(startup_profile_);
    } else {
        assume_profile(applying_);
    }
    // They may be there already; or nobody wants them any more.
    if ((!refused && profile_ == applying_) || client_ == nullptr) {
        applying_ = {};
        settle_wanted_cancels();
        if (client_ != nullptr) client_->backend_ready();
        return;
    }
    try_settings();
}

/// What may do where this one was refused; nothing: those settings cannot be had.
std::optional<PgBackend::Attempt> PgBackend::attempt_behind() const {
    // What pins its client would be lost with the old connection.
    const bool keeps = opened_anew_ || client_->session().pins() != 0;
    const auto anew = keeps ? std::nullopt : std::optional(Attempt::opening_anew);
    switch (attempt_) {
        case Attempt::difference:
        case Attempt::at_once: return Attempt::cleaning;
        case Attempt::cleaning: return anew;
        case Attempt::settings_first:
            if (std::ranges::any_of(
                    applying_->settings.parameters(),
                    [](const pg::StartupParameter& one) { return pg::is_role(one.name); })) {
                return Attempt::role_first;
            }
            break;
        case Attempt::role_first:
        case Attempt::opening_anew: break;
    }
    // In a login it is the client's own mistake, and no reason to open a connection.
    return client_->login() != nullptr ? std::nullopt : anew;
}

/// An attempt undoes as a whole what it did, so what was in force is so still.
void PgBackend::settings_refused(const pg::ErrorFields& error) {
    if (client_ != nullptr && followers_ == Followers::wait) next_attempt_ = attempt_behind();
    if (next_attempt_) return;  // Its ReadyForQuery comes first.
    applying_ = {};
    settle_wanted_cancels();
    if (client_ == nullptr) return;
    // Each later request would meet the same, and without its role it might see too much.
    std::string frame;
    if (client_->login() != nullptr) frame = client_->login()->take_notices();
    pg::append_error(frame, pg::Severity::fatal, error.sqlstate, error.message, error.detail,
                     error.hint);
    client_->refuse_with(RefusalReason::startup_parameter_invalid, frame);
}

}  // namespace sluice::server
