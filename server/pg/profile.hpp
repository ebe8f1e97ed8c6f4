#pragma once

#include "protocol/pg/parameter_statuses.hpp"
#include "protocol/pg/startup_settings.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::server {

/// One set of settings that clients of a pool bring in their startup packet. Clients with equal
/// sets share one profile, and a backend that has a client's profile applied serves it without
/// another word. Lives as long as its pool.
struct PgProfile {
    std::uint32_t id = 0;
    pg::StartupSettings settings;
};

/// The profiles of one pool, and what a backend reports for each, so that a client whose profile
/// is known logs in without a backend.
///
/// Thread-safe: asked once a login and once a backend's life, so a mutex serves.
class PgProfiles {
  public:
    /// Bounds what clients that bring ever new settings can make us remember.
    static constexpr std::size_t profile_count_max = 4096;

    PgProfiles();

    /// The profile of these settings; null when there are too many.
    [[nodiscard]] const PgProfile* find_or_add(const pg::StartupSettings& settings);
    [[nodiscard]] const PgProfile& at(std::uint32_t id) const;
    /// Of a client that brings nothing.
    [[nodiscard]] const PgProfile& plain() const { return at(0); }

    /// What a backend reports once it has the profile.
    void learn(const PgProfile& profile, const pg::ParameterStatuses& statuses);
    /// The server's own settings changed: what is remembered may be wrong.
    void forget_statuses();
    /// Appends the ParameterStatus frames for a client of this profile, if they are known or follow
    /// from what is known of a profile that differs in application_name alone. Else false.
    [[nodiscard]] bool append_status_frames(const PgProfile& profile, std::string& out);
    /// A backend has accepted these settings, so that they can stand in a startup packet.
    [[nodiscard]] bool accepted(const PgProfile& profile) const;

  private:
    struct Entry {
        PgProfile profile;
        std::optional<pg::ParameterStatuses> statuses;
        std::string frames;  ///< Of `statuses`: what a login copies.
        bool accepted = false;

        void learn(const pg::ParameterStatuses& reported);
    };

    [[nodiscard]] const Entry* without_application_name(const Entry& entry) const;

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Entry>> entries_;
    std::unordered_map<pg::StartupSettings, std::uint32_t> ids_;
};

}  // namespace sluice::server
