// Source: "COMMAND", redis.io: name, arity, flags, first key, last key, step, and since Redis 6 the
// ACL categories, since 7 tips, key specifications and subcommands of the same form.

#include "protocol/resp/command_catalogue.hpp"

#include "protocol/resp/command_categories.hpp"
#include "protocol/resp/value_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::resp {

namespace {

using Way = CommandWay;

/// One entry of the answer.
struct Entry {
    std::string name;  ///< In lower case, both words of a subcommand.
    std::int8_t arity = 0;
    CommandFlag flags = CommandFlag::none;
    KeyPlaces keys;
    std::uint32_t categories = 0;
    bool blocks = false;
    bool of_session = false;  ///< Speaks of its connection or transaction.
    bool is_container = false;
};

struct Word {
    std::string_view word;
    CommandFlag flag;
};
constexpr std::array<Word, 9> flag_words{{
    {"write", CommandFlag::write},
    {"readonly", CommandFlag::readonly},
    {"denyoom", CommandFlag::denyoom},
    {"noscript", CommandFlag::noscript},
    {"no_auth", CommandFlag::no_auth},
    {"movablekeys", CommandFlag::movablekeys},
    {"no_multi", CommandFlag::no_multi},
    {"admin", CommandFlag::admin},
    {"pubsub", CommandFlag::pubsub},
}};

CommandFlag added(CommandFlag flags, CommandFlag flag) noexcept {
    return flags | flag;
}
bool has(CommandFlag flags, CommandFlag flag) noexcept {
    return (static_cast<unsigned>(flags) & static_cast<unsigned>(flag)) != 0;
}

/// Lower case, a blank where the server has a bar. Empty: not a name that a client could send.
std::string name_from(std::string_view text) {
    std::string name;
    if (text.size() > CommandTable::name_bytes_max) return name;
    for (const char letter : text) {
        if (letter < '!' || letter > '~') return {};
        const bool upper = letter >= 'A' && letter <= 'Z';
        name += letter == '|' ? ' ' : upper ? static_cast<char>(letter + ('a' - 'A')) : letter;
    }
    return name;
}

std::int8_t small(std::int64_t number) noexcept {
    return static_cast<std::int8_t>(std::clamp<std::int64_t>(number, -128, 127));
}

class AnswerReader {
  public:
    explicit AnswerReader(wire::Bytes answer) noexcept : values_(answer) {}

    [[nodiscard]] bool read() {
        const auto count = values_.aggregate();
        if (!count) return false;
        for (std::uint64_t left = *count; left > 0; --left) {
            if (!read_entry(entries, Depth::command)) return false;
        }
        return !entries.empty() && values_.ended();
    }

    std::vector<Entry> entries;
    std::vector<Entry> parts;  ///< Subcommands.

  private:
    enum class Depth { command, subcommand };

    bool read_entry(std::vector<Entry>& into, Depth depth) {
        const auto count = values_.aggregate();
        if (!count || *count < 6) return false;
        if (entries.size() + parts.size() >= CommandCatalogue::command_count_max) return false;
        const auto name = values_.text();
        const auto arity = values_.integer();
        if (!name || !arity) return false;
        Entry entry;
        entry.name = name_from(*name);
        entry.arity = small(*arity);
        if (!read_words(entry)) return false;
        for (std::int8_t* const place : {&entry.keys.first, &entry.keys.last, &entry.keys.step}) {
            const auto number = values_.integer();
            if (!number) return false;
            *place = small(*number);
        }
        if (*count > 6 && !read_words(entry)) return false;
        for (std::uint64_t at = 7; at < std::min<std::uint64_t>(*count, 9); ++at) {
            if (!values_.skip()) return false;
        }
        if (*count > 9 && !read_parts(entry, depth)) return false;
        for (std::uint64_t at = 10; at < *count; ++at) {
            if (!values_.skip()) return false;
        }
        if (!entry.name.empty()) into.push_back(std::move(entry));
        return true;
    }

    bool read_parts(Entry& entry, Depth depth) {
        const auto count = values_.aggregate();
        if (!count || (*count > 0 && depth == Depth::subcommand)) return false;
        entry.is_container = *count > 0;
        for (std::uint64_t left = *count; left > 0; --left) {
            if (!read_entry(parts, Depth::subcommand)) return false;
        }
        return true;
    }

    /// Flags, or categories with their @.
    bool read_words(Entry& entry) {
        const auto count = values_.aggregate();
        if (!count) return false;
        for (std::uint64_t left = *count; left > 0; --left) {
            const auto word = values_.text();
            if (!word) return false;
            for (const Word& known : flag_words) {
                if (*word == known.word) entry.flags = added(entry.flags, known.flag);
            }
            if (*word == "@dangerous") entry.flags = added(entry.flags, CommandFlag::dangerous);
            if (*word == "@admin") entry.flags = added(entry.flags, CommandFlag::admin);
            if (*word == "@pubsub") entry.flags = added(entry.flags, CommandFlag::pubsub);
            entry.categories |= category_bits(*word).value_or(0);
            entry.blocks = entry.blocks || *word == "blocking" || *word == "@blocking";
            entry.of_session =
                entry.of_session || *word == "@connection" || *word == "@transaction";
        }
        return true;
    }

    ValueReader values_;
};

/// What becomes of a command that our list has not.
CommandRow judged(const Entry& entry, std::string_view name) {
    CommandRow row{name, entry.arity, Way::shared, entry.flags, entry.keys, entry.categories};
    const bool plain =
        has(entry.flags, CommandFlag::write) || has(entry.flags, CommandFlag::readonly);
    const bool keeps_state = entry.of_session || has(entry.flags, CommandFlag::pubsub) ||
                             has(entry.flags, CommandFlag::noscript) || !plain;
    const bool reaches_others =
        has(entry.flags, CommandFlag::admin) || has(entry.flags, CommandFlag::dangerous);
    if (entry.is_container) {
        row.way = Way::container;  // Its flags are those of its name alone.
    } else if (entry.blocks) {
        row.way = Way::blocking;
    } else if (keeps_state) {
        row.way = Way::session;
    }
    if (reaches_others || (keeps_state && !entry.blocks)) {
        row.flags = added(row.flags, CommandFlag::refused);
    }
    return row;
}

/// Ours, with what the server knows better.
CommandRow merged(const CommandRow& ours, const Entry& entry) {
    CommandRow row = ours;
    row.arity = entry.arity;
    row.keys = entry.keys;
    row.flags = entry.flags;
    row.categories = entry.categories;
    for (const CommandFlag own : {CommandFlag::refused, CommandFlag::slow}) {
        if (ours.has(own)) row.flags = added(row.flags, own);
    }
    return row;
}

/// Goes to the server, which does not know it.
bool is_forwarded(Way way) noexcept {
    return way == Way::shared || way == Way::blocking || way == Way::blocking_on_request ||
           way == Way::config_get || way == Way::session || way == Way::info || way == Way::control;
}

}  // namespace

std::shared_ptr<const CommandCatalogue> CommandCatalogue::of(wire::Bytes answer) {
    AnswerReader reader(answer);
    if (!reader.read()) return nullptr;
    std::deque<std::string> names;
    std::vector<CommandRow> commands;
    std::vector<CommandRow> subcommands;
    const auto take = [&names](const std::vector<Entry>& entries, std::span<const CommandRow> known,
                               std::vector<CommandRow>& rows) {
        for (const Entry& entry : entries) {
            const auto ours = std::ranges::find(known, entry.name, &CommandRow::name);
            if (ours != known.end()) {
                rows.push_back(merged(*ours, entry));
            } else {
                names.push_back(entry.name);
                rows.push_back(judged(entry, names.back()));
            }
        }
        // What is answered here, whether the server has it or not.
        for (const CommandRow& ours : known) {
            const bool has_it = std::ranges::find(rows, ours.name, &CommandRow::name) != rows.end();
            if (!has_it && !is_forwarded(ours.way)) rows.push_back(ours);
        }
    };
    take(reader.entries, known_command_rows(), commands);
    take(reader.parts, known_subcommand_rows(), subcommands);
    if (reader.parts.empty()) {
        // A server before 7.0 does not list them.
        subcommands.assign(known_subcommand_rows().begin(), known_subcommand_rows().end());
    }
    return std::shared_ptr<const CommandCatalogue>(
        new CommandCatalogue(std::move(names), std::move(commands), std::move(subcommands)));
}

CommandCatalogue::CommandCatalogue(std::deque<std::string> names, std::vector<CommandRow> commands,
                                   std::vector<CommandRow> subcommands)
    : names_(std::move(names)),
      commands_(std::move(commands)),
      subcommands_(std::move(subcommands)),
      table_(commands_, subcommands_) {}

}  // namespace sluice::resp
