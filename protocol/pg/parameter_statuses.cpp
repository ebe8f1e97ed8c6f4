#include "protocol/pg/parameter_statuses.hpp"

#include "protocol/pg/login_messages.hpp"

#include <algorithm>

namespace sluice::pg {

bool ParameterStatuses::set(std::string_view name, std::string_view value) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [name](const Entry& one) { return one.name == name; });
    const bool is_new = entry == entries_.end();
    const std::size_t replaced = is_new ? 0 : entry->name.size() + entry->value.size();
    const std::size_t room = parameter_status_bytes_max - (byte_count_ - replaced);
    if (name.size() > room || value.size() > room - name.size()) return false;
    if (is_new) {
        if (entries_.size() >= parameter_status_count_max) return false;
        entries_.push_back({std::string(name), std::string(value)});
    } else {
        entry->value = value;
    }
    byte_count_ = byte_count_ - replaced + name.size() + value.size();
    return true;
}

const std::string* ParameterStatuses::find(std::string_view name) const noexcept {
    for (const Entry& entry : entries_) {
        if (entry.name == name) return &entry.value;
    }
    return nullptr;
}

void ParameterStatuses::append_frames(std::string& out) const {
    for (const Entry& entry : entries_)
        append_parameter_status(out, entry.name, entry.value);
}

}  // namespace sluice::pg
