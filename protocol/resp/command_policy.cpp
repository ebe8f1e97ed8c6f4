#include "protocol/resp/command_policy.hpp"

#include "protocol/resp/command_categories.hpp"
#include "protocol/resp/request.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::resp {

namespace {

/// Categories that a flag stands for, of commands whose categories nobody has told.
CommandFlag flag_of(std::string_view word) {
    using enum CommandFlag;
    constexpr std::array<std::pair<std::string_view, CommandFlag>, 5> categories{{
        {"@write", write},
        {"@read", readonly},
        {"@admin", admin},
        {"@dangerous", dangerous},
        {"@pubsub", pubsub},
    }};
    for (const auto& [name, flag] : categories) {
        if (is_word(word, name)) return flag;
    }
    return none;
}

bool belongs(const CommandRow& row, std::uint32_t bits, CommandFlag flag) {
    const std::uint32_t its = row.categories != 0 ? row.categories : known_categories_of(row.name);
    return bits == UINT32_MAX || (its & bits) != 0 || row.has(flag);
}

}  // namespace

CommandPolicy::CommandPolicy(const CommandTable& table, std::span<const std::string> allow,
                             std::span<const std::string> refuse, Writing writing,
                             std::vector<std::string>* unknown)
    : table_(table), verdicts_(table.size(), Verdict::allowed) {
    for (std::size_t index = 0; index < table.size(); ++index) {
        if (table.at(index).has(CommandFlag::refused)) verdicts_[index] = Verdict::refused;
    }
    const auto mark_all = [&](std::span<const std::string> words, Verdict verdict) {
        for (const std::string& word : words) {
            if (!mark(word, verdict) && unknown != nullptr) unknown->push_back(word);
        }
    };
    mark_all(allow, Verdict::named);
    mark_all(refuse, Verdict::refused);
    if (writing == Writing::refused) refuse_writing();
}

bool CommandPolicy::mark(const std::string& word, Verdict verdict) {
    if (const auto bits = category_bits(word)) {
        const CommandFlag flag = flag_of(word);
        for (std::size_t index = 0; index < table_.size(); ++index) {
            if (belongs(table_.at(index), *bits, flag)) verdicts_[index] = verdict;
        }
        return true;
    }
    const std::size_t blank = word.find(' ');
    const CommandRow* const row = table_.find(std::string_view(word).substr(0, blank));
    if (row == nullptr) return false;
    if (blank != std::string::npos) {
        const CommandRow* const part = table_.find(*row, std::string_view(word).substr(blank + 1));
        if (part == nullptr) return false;
        verdicts_[table_.index_of(*part)] = verdict;
        return true;
    }
    verdicts_[table_.index_of(*row)] = verdict;
    if (row->way != CommandWay::container) return true;
    // The name of a container stands for all that it contains.
    for (std::size_t index = 0; index < table_.size(); ++index) {
        const std::string_view name = table_.at(index).name;
        if (name.size() > row->name.size() && name.starts_with(row->name) &&
            name[row->name.size()] == ' ') {
            verdicts_[index] = verdict;
        }
    }
    return true;
}

void CommandPolicy::refuse_writing() {
    // A script's writes cannot be seen; those whose name ends with _RO cannot write.
    constexpr std::array<std::string_view, 4> scripts{"eval", "evalsha", "fcall", "script load"};
    for (std::size_t index = 0; index < table_.size(); ++index) {
        const CommandRow& row = table_.at(index);
        bool writes = row.has(CommandFlag::write);
        for (const std::string_view script : scripts)
            writes = writes || row.name == script;
        if (writes) verdicts_[index] = Verdict::refused;
    }
}

}  // namespace sluice::resp
