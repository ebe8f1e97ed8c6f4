#include "server/pg/setting_memo.hpp"

#include "protocol/wire/writer.hpp"

#include <utility>

namespace sluice::server {

const ProfileRef* SettingMemo::find(std::uint32_t start, std::uint32_t from,
                                    std::string_view text) {
    if (entries_.empty() || text.size() > text_bytes_max) return nullptr;
    const auto at = entries_.find(key_of(start, from, text));
    return at == entries_.end() ? nullptr : &at->second;
}

void SettingMemo::learn(std::uint32_t start, std::uint32_t from, std::string_view text,
                        ProfileRef to) {
    if (text.size() > text_bytes_max) return;
    // Texts that never come again fill it in time; the others are learned anew by one question.
    if (entries_.size() >= entries_max) entries_.clear();
    entries_.insert_or_assign(key_of(start, from, text), std::move(to));
}

const std::string& SettingMemo::key_of(std::uint32_t start, std::uint32_t from,
                                       std::string_view text) {
    key_.clear();
    wire::Writer(key_).u32(start).u32(from).raw(text);
    return key_;
}

}  // namespace sluice::server
