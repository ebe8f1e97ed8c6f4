#include "server/pg/profile.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/temporary_path.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::server {

namespace {

constexpr std::string_view application_name = "application_name";
constexpr std::string_view client_encoding_name = "client_encoding";

/// True when PostgreSQL reports the name just as it was given.
bool reported_verbatim(std::string_view name) {
    return name.size() <= 63 &&
           std::ranges::all_of(name, [](char byte) { return byte >= 0x20 && byte < 0x7f; });
}

/// Settings that change neither what a text means nor how it is planned. Those with a dot in their
/// name do not change what one means either: of tenants' own there may be very many.
constexpr std::array<std::string_view, 7> meaningless{
    "application_name",     "client_min_messages", "idle_in_transaction_session_timeout",
    "idle_session_timeout", "lock_timeout",        "log_min_messages",
    "statement_timeout"};

bool reads_otherwise(const pg::StartupSettings& settings) {
    const auto strings = settings.find("standard_conforming_strings");
    if (strings && *strings != "on") return true;
    const auto encoding = settings.find("client_encoding");
    if (!encoding) return false;
    // Names of encodings are compared without what stands between their letters and digits.
    std::string name;
    for (const char byte : *encoding) {
        if (byte >= 'A' && byte <= 'Z') {
            name.push_back(static_cast<char>(byte - 'A' + 'a'));
        } else if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
            name.push_back(byte);
        }
    }
    // Source: PostgreSQL 15, encnames.c, of the encodings with ASCII bytes inside of characters.
    static constexpr std::array<std::string_view, 17> with_ascii_inside{
        "big5",         "gb18030",    "gbk",        "johab",      "mskanji",   "shiftjis",
        "shiftjis2004", "sjis",       "uhc",        "win932",     "win936",    "win949",
        "win950",       "windows932", "windows936", "windows949", "windows950"};
    return std::ranges::find(with_ascii_inside, name) != with_ascii_inside.end();
}

bool makes_temporary(const pg::StartupSettings& settings) {
    const auto path = settings.find("search_path");
    return path && pg::names_temporary_schema(*path);
}

pg::StartupSettings without_application_name(const pg::StartupSettings& settings) {
    pg::StartupSettings rest = settings;
    rest.erase(application_name);
    return rest;
}

}  // namespace

PgProfiles::Entry::Entry(std::uint32_t id, const pg::StartupSettings& settings,
                         std::uint32_t planning)
    : profile{id, settings, planning, reads_otherwise(settings), makes_temporary(settings)} {}

PgProfiles::PgProfiles() : plain_(find_or_add({})) {}

ProfileRef PgProfiles::find_or_add(const pg::StartupSettings& settings) {
    const std::lock_guard lock(mutex_);
    if (const auto at = entries_.find(settings); at != entries_.end()) {
        return ProfileRef(at->second->profile);
    }
    if (entries_.size() >= forget_beyond_) forget_unused();
    const auto at = entries_.emplace(settings, nullptr).first;
    at->second = std::make_unique<Entry>(next_id_++, at->first, planning_of(settings));
    at->second->profile.accepted = settings.empty();
    by_id_.emplace(at->second->profile.id, at->second.get());
    return ProfileRef(at->second->profile);
}

std::uint32_t PgProfiles::planning_of(const pg::StartupSettings& settings) {
    pg::StartupSettings telling = settings;
    for (const std::string_view name : meaningless)
        telling.erase(name);
    for (const pg::StartupParameter& setting : settings.parameters()) {
        if (setting.name.find('.') != std::string_view::npos) telling.erase(setting.name);
    }
    const auto [at, fresh] = plannings_.emplace(std::move(telling), next_planning_);
    const std::uint32_t planning = at->second;
    if (fresh) ++next_planning_;
    // Who comes again after that has a number of its own, which costs a Parse.
    if (plannings_.size() > kept_count_usual) plannings_.clear();
    return planning;
}

ProfileRef PgProfiles::find(std::uint32_t id) const {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? plain_ : ProfileRef(at->second->profile);
}

std::size_t PgProfiles::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

/// A profile gets its first user only under the mutex, so one without users stays without.
void PgProfiles::forget_unused() {
    for (const auto& [settings, entry] : entries_) {
        entry->forgotten = entry->profile.user_count.load(std::memory_order_acquire) == 0;
    }
    std::erase_if(siblings_, [](const auto& sibling) { return sibling.second->forgotten; });
    std::erase_if(by_id_, [](const auto& item) { return item.second->forgotten; });
    std::erase_if(entries_, [](const auto& item) { return item.second->forgotten; });
    // Looking again costs as much as there are entries, so it waits until as many have come.
    forget_beyond_ = std::max(kept_count_usual, entries_.size() * 2);
}

PgProfiles::Entry& PgProfiles::entry_of(const PgProfile& profile) const {
    const auto at = by_id_.find(profile.id);
    SLUICE_ASSERT(at != by_id_.end());
    return *at->second;
}

void PgProfiles::learn(const PgProfile& profile, const pg::ParameterStatuses& statuses) {
    const std::lock_guard lock(mutex_);
    learn(entry_of(profile), statuses);
}

void PgProfiles::learn(Entry& entry, const pg::ParameterStatuses& reported) {
    entry.profile.accepted = true;
    if (entry.statuses != reported) {
        entry.statuses = reported;
        entry.frames.clear();
        entry.statuses->append_frames(entry.frames);
    }
    siblings_.insert_or_assign(without_application_name(entry.profile.settings), &entry);
}

void PgProfiles::forget_statuses() {
    const std::lock_guard lock(mutex_);
    for (const auto& [settings, entry] : entries_)
        entry->statuses.reset();
    siblings_.clear();
}

void PgProfiles::learn_notices(const PgProfile& profile, std::string notices) {
    const std::lock_guard lock(mutex_);
    entry_of(profile).notices = std::move(notices);
}

/// PostgreSQL speaks of its database first, and then of the settings.
void PgProfiles::opened_with(const PgProfile& profile, std::string notices) {
    const std::lock_guard lock(mutex_);
    if (&profile == plain_.get()) {
        server_notices_ = std::move(notices);
        return;
    }
    if (notices.starts_with(server_notices_)) {
        notices.erase(0, server_notices_.size());
    } else {
        server_notices_.clear();  // No longer true.
    }
    entry_of(profile).notices = std::move(notices);
}

bool PgProfiles::append_login_frames(const PgProfile& profile, std::string& out) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entry_of(profile);
    if (!entry.statuses) {
        const auto name = profile.settings.find(application_name);
        if (!name || !reported_verbatim(*name)) return false;
        const Entry* const sibling = sibling_of(entry);
        if (sibling == nullptr || !sibling->notices.empty()) return false;
        pg::ParameterStatuses statuses = *sibling->statuses;
        if (!statuses.set(application_name, *name)) return false;
        learn(entry, statuses);
    }
    out += server_notices_;
    out += entry.notices;
    out += entry.frames;
    return true;
}

std::string PgProfiles::client_encoding(const PgProfile& profile) const {
    const std::lock_guard lock(mutex_);
    const Entry* entry = &entry_of(profile);
    if (!entry->statuses) entry = sibling_of(*entry);
    if (entry == nullptr || !entry->statuses) {
        // Nobody has logged in with it: its settings are what a backend said of itself, in the
        // words of ParameterStatus.
        if (const auto own = profile.settings.find(client_encoding_name)) return std::string(*own);
        entry = &entry_of(*plain_);
    }
    const std::string* const encoding =
        entry->statuses ? entry->statuses->find(client_encoding_name) : nullptr;
    return encoding == nullptr ? std::string() : *encoding;
}

bool PgProfiles::accepted(const PgProfile& profile) const {
    const std::lock_guard lock(mutex_);
    if (profile.accepted) return true;
    return profile.settings.find(application_name) && sibling_of(entry_of(profile)) != nullptr;
}

const PgProfiles::Entry* PgProfiles::sibling_of(const Entry& entry) const {
    const auto at = siblings_.find(without_application_name(entry.profile.settings));
    return at == siblings_.end() ? nullptr : at->second;
}

}  // namespace sluice::server
