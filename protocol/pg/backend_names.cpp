#include "protocol/pg/backend_names.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pg {

namespace {

/// Settled changes at the front of the list before they are removed from a list never empty.
constexpr std::size_t settled_max = 64;

}  // namespace

std::optional<StatementId> BackendNames::version(std::string_view name, std::uint32_t batch) const {
    const auto at = records_.find(name);
    if (at == records_.end()) {
        return others_ ? std::nullopt : std::optional<StatementId>(StatementId{});
    }
    const Record& record = at->second;
    if (record.unsettled > 0) {
        return record.batch == batch ? std::optional(record.expected) : std::nullopt;
    }
    return record.known ? std::optional(record.settled) : std::nullopt;
}

std::uint64_t BackendNames::made(std::string_view name) const {
    const auto at = records_.find(name);
    return at == records_.end() ? 0 : at->second.made;
}

void BackendNames::touch(std::string_view name) {
    const auto at = records_.find(name);
    if (at != records_.end()) at->second.used = ++uses_;
}

std::optional<std::string> BackendNames::surplus(std::size_t count_max) const {
    if (count_max == 0 || records_.size() < count_max) return std::nullopt;
    // Those that will be gone take no room, but their records end with the reply.
    const Records::value_type* oldest = nullptr;
    std::size_t count = 0;
    for (const auto& record : records_) {
        if (record.second.unsettled > 0 && !record.second.expected) continue;
        ++count;
        if (oldest == nullptr || record.second.used < oldest->second.used) oldest = &record;
    }
    if (count < count_max || oldest == nullptr) return std::nullopt;
    return oldest->first;
}

std::vector<std::string> BackendNames::all() const {
    std::vector<std::string> names;
    for (const auto& [name, record] : records_)
        names.push_back(name);
    return names;
}

BackendNames::Record& BackendNames::record_of(std::string_view name) {
    auto at = records_.find(name);
    if (at == records_.end()) {
        at = records_.emplace(std::string(name), Record{}).first;
        at->second.known = !others_;
    }
    return at->second;
}

void BackendNames::begin(std::string_view name, StatementId id, std::uint32_t batch) {
    Record& record = record_of(name);
    record.expected = id;
    record.batch = batch;
    record.used = ++uses_;
    record.made = record.used;
    ++record.unsettled;
    changes_.push_back({std::string(name), id});
}

void BackendNames::settle(Outcome outcome) {
    if (settled_to_ == changes_.size()) return;
    const Change change = std::move(changes_[settled_to_++]);
    if (settled_to_ == changes_.size()) {
        changes_.clear();
        settled_to_ = 0;
    } else if (settled_to_ == settled_max) {
        changes_.erase(changes_.begin(), changes_.begin() + settled_max);
        settled_to_ = 0;
    }
    const auto at = records_.find(change.name);
    if (at == records_.end()) return;
    Record& record = at->second;
    --record.unsettled;
    if (outcome == Outcome::happened) {
        record.settled = change.id;
        record.known = true;
    } else if (outcome == Outcome::failed) {
        record.known = false;  // The server knows of something that does not stand here.
    }
    if (record.unsettled == 0) record.expected = record.settled;
    forget_if_absent(at);
}

void BackendNames::changed(std::string_view name, StatementId id) {
    Record& record = record_of(name);
    record.settled = id;
    record.known = true;
    record.used = ++uses_;
    record.made = record.used;
    if (record.unsettled == 0) record.expected = id;
    forget_if_absent(records_.find(name));
}

void BackendNames::distrust(std::string_view name) {
    record_of(name).known = false;
}

void BackendNames::forget_all() {
    others_ = false;
    for (auto at = records_.begin(); at != records_.end();) {
        const auto next = std::next(at);
        at->second.settled = {};
        at->second.known = true;
        if (at->second.unsettled == 0) at->second.expected = {};
        forget_if_absent(at);
        at = next;
    }
}

/// Where other names may be, it counts as unknown again, which is safe.
void BackendNames::forget_if_absent(Records::iterator at) {
    const Record& record = at->second;
    if (record.unsettled > 0 || !record.known || record.settled) return;
    records_.erase(at);
}

}  // namespace sluice::pg
