#pragma once

#include "protocol/pg/parameter_statuses.hpp"
#include "protocol/pg/startup_settings.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace sluice::server {

/// One set of settings in force for clients of a pool. Clients with equal sets share one profile,
/// and a backend that has a client's profile applied serves it without another word.
///
/// Owned by its PgProfiles, alive while a ProfileRef names it.
struct PgProfile {
    std::uint32_t id = 0;
    const pg::StartupSettings& settings;
    /// Equal for two profiles only if every SQL text means the same under both.
    std::uint32_t planning = 0;
    /// A backslash in a text may escape a quote, or be the second half of a character, so that
    /// the text is not what it seems here.
    bool odd_texts = false;
    /// What a text makes without naming a schema may be temporary.
    bool temporary_path = false;
    mutable std::atomic<std::uint32_t> user_count{0};  ///< ProfileRefs.
    mutable std::atomic<bool> accepted{false};         ///< By a backend, at least once.
    /// The profile of the same settings in the form in which a backend reports them; its id.
    static constexpr std::uint32_t unknown = 0xffffffffU;
    mutable std::atomic<std::uint32_t> canonical{unknown};
};

/// Names a profile and keeps it alive; may be empty. A copy costs one atomic addition.
class ProfileRef {
  public:
    ProfileRef() noexcept = default;
    explicit ProfileRef(const PgProfile& profile) noexcept : profile_(&profile) { take(); }
    ProfileRef(const ProfileRef& other) noexcept : profile_(other.profile_) { take(); }
    ProfileRef(ProfileRef&& other) noexcept : profile_(std::exchange(other.profile_, nullptr)) {}
    ProfileRef& operator=(ProfileRef other) noexcept {
        std::swap(profile_, other.profile_);
        return *this;
    }
    ~ProfileRef() {
        if (profile_ != nullptr) profile_->user_count.fetch_sub(1, std::memory_order_release);
    }

    [[nodiscard]] const PgProfile* get() const noexcept { return profile_; }
    const PgProfile& operator*() const noexcept { return *profile_; }
    const PgProfile* operator->() const noexcept { return profile_; }
    explicit operator bool() const noexcept { return profile_ != nullptr; }
    bool operator==(const ProfileRef& other) const noexcept = default;

  private:
    void take() const noexcept {
        if (profile_ != nullptr) profile_->user_count.fetch_add(1, std::memory_order_relaxed);
    }

    const PgProfile* profile_ = nullptr;
};

/// The profiles of one pool, and what a backend reports for each, so that a client whose profile
/// is known logs in without a backend. Those that nobody names any more are kept for the next
/// login until there are many.
///
/// Thread-safe: asked once a login and once a backend's life, so a mutex serves.
class PgProfiles {
  public:
    /// Profiles kept before those without users are looked for and forgotten.
    static constexpr std::size_t kept_count_usual = 1024;

    PgProfiles();

    /// The profile of these settings.
    [[nodiscard]] ProfileRef find_or_add(const pg::StartupSettings& settings);
    /// The profile of this id; the plain one when it has been forgotten.
    [[nodiscard]] ProfileRef find(std::uint32_t id) const;
    /// Of a client that brings nothing.
    [[nodiscard]] const ProfileRef& plain() const noexcept { return plain_; }
    [[nodiscard]] std::size_t size() const;

    /// What a backend reports once it has the profile.
    void learn(const PgProfile& profile, const pg::ParameterStatuses& statuses);
    /// The server's own settings changed: what is remembered may be wrong.
    void forget_statuses();
    /// NoticeResponse frames: what a backend has said to these settings, where it was asked for
    /// them behind its login.
    void learn_notices(const PgProfile& profile, std::string notices);
    /// What one has said at its login, these settings being in its startup packet.
    void opened_with(const PgProfile& profile, std::string notices);
    /// Appends the notices and the ParameterStatus frames for a client of this profile, if they are
    /// known or follow from what is known of a profile that differs in application_name alone. Else
    /// false.
    [[nodiscard]] bool append_login_frames(const PgProfile& profile, std::string& out);
    /// In which encoding a client of this profile is spoken to, as a backend has reported it; empty
    /// when that is not known.
    [[nodiscard]] std::string client_encoding(const PgProfile& profile) const;
    /// A backend has accepted these settings, or all but the application_name, so that they can
    /// stand in a startup packet.
    [[nodiscard]] bool accepted(const PgProfile& profile) const;

  private:
    struct Entry {
        Entry(std::uint32_t id, const pg::StartupSettings& settings, std::uint32_t planning);

        PgProfile profile;
        std::optional<pg::ParameterStatuses> statuses;
        std::string frames;      ///< Of `statuses`: what a login copies.
        std::string notices;     ///< Of these settings. They outlive `statuses`.
        bool forgotten = false;  ///< Only inside forget_unused().
    };

    [[nodiscard]] Entry& entry_of(const PgProfile& profile) const;
    void learn(Entry& entry, const pg::ParameterStatuses& reported);
    [[nodiscard]] const Entry* sibling_of(const Entry& entry) const;
    void forget_unused();
    [[nodiscard]] std::uint32_t planning_of(const pg::StartupSettings& settings);

    mutable std::mutex mutex_;
    std::unordered_map<pg::StartupSettings, std::unique_ptr<Entry>> entries_;
    std::unordered_map<std::uint32_t, Entry*> by_id_;
    /// By settings without application_name: the one of them whose statuses came last.
    std::unordered_map<pg::StartupSettings, Entry*> siblings_;
    std::unordered_map<pg::StartupSettings, std::uint32_t> plannings_;
    std::uint32_t next_planning_ = 0;
    std::uint32_t next_id_ = 0;
    std::size_t forget_beyond_ = kept_count_usual;
    ProfileRef plain_;
    std::string server_notices_;  ///< What every login is told, whatever it brings.
};

}  // namespace sluice::server
