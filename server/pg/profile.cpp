#include "server/pg/profile.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::server {

namespace {

constexpr std::string_view application_name = "application_name";

/// True when PostgreSQL reports the name just as it was given.
bool reported_verbatim(std::string_view name) {
    return name.size() <= 63 &&
           std::ranges::all_of(name, [](char byte) { return byte >= 0x20 && byte < 0x7f; });
}

}  // namespace

PgProfiles::PgProfiles() {
    std::ignore = find_or_add({});
}

const PgProfile* PgProfiles::find_or_add(const pg::StartupSettings& settings) {
    const std::lock_guard lock(mutex_);
    if (const auto at = ids_.find(settings); at != ids_.end()) {
        return &entries_[at->second]->profile;
    }
    if (entries_.size() == profile_count_max) return nullptr;
    const auto id = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(std::make_unique<Entry>());
    entries_.back()->profile = {id, settings};
    entries_.back()->accepted = settings.empty();
    ids_.emplace(settings, id);
    return &entries_.back()->profile;
}

const PgProfile& PgProfiles::at(std::uint32_t id) const {
    const std::lock_guard lock(mutex_);
    return entries_[id]->profile;
}

void PgProfiles::Entry::learn(const pg::ParameterStatuses& reported) {
    accepted = true;
    if (statuses == reported) return;
    statuses = reported;
    frames.clear();
    statuses->append_frames(frames);
}

void PgProfiles::learn(const PgProfile& profile, const pg::ParameterStatuses& statuses) {
    const std::lock_guard lock(mutex_);
    entries_[profile.id]->learn(statuses);
}

void PgProfiles::forget_statuses() {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
        entry->statuses.reset();
    }
}

bool PgProfiles::append_status_frames(const PgProfile& profile, std::string& out) {
    const std::lock_guard lock(mutex_);
    Entry& entry = *entries_[profile.id];
    if (!entry.statuses) {
        const auto name = profile.settings.find(application_name);
        if (!name || !reported_verbatim(*name)) return false;
        const Entry* const sibling = without_application_name(entry);
        if (sibling == nullptr) return false;
        pg::ParameterStatuses statuses = *sibling->statuses;
        if (!statuses.set(application_name, *name)) return false;
        entry.learn(statuses);
    }
    out += entry.frames;
    return true;
}

bool PgProfiles::accepted(const PgProfile& profile) const {
    const std::lock_guard lock(mutex_);
    const Entry& entry = *entries_[profile.id];
    if (entry.accepted) return true;
    const auto name = profile.settings.find(application_name);
    return name && without_application_name(entry) != nullptr;
}

const PgProfiles::Entry* PgProfiles::without_application_name(const Entry& entry) const {
    pg::StartupSettings settings = entry.profile.settings;
    settings.erase(application_name);
    const auto at = ids_.find(settings);
    if (at != ids_.end() && entries_[at->second]->statuses) return entries_[at->second].get();
    // Any other one with the same rest tells as much.
    for (const auto& other : entries_) {
        if (!other->statuses || !other->profile.settings.find(application_name)) continue;
        pg::StartupSettings rest = other->profile.settings;
        rest.erase(application_name);
        if (rest == settings) return other.get();
    }
    return nullptr;
}

}  // namespace sluice::server
