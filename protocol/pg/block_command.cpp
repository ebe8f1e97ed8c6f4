#include "protocol/pg/block_command.hpp"

#include "protocol/pg/statement_words.hpp"

#include <algorithm>

namespace sluice::pg {

namespace {

/// Takes words off the front of a text.
class Words {
  public:
    explicit Words(std::string_view text) noexcept : rest_(text) {}

    /// Without regard to case; false, and nothing taken, where another word stands.
    bool take(std::string_view lower) noexcept {
        skip_blanks();
        if (rest_.size() < lower.size()) return false;
        const auto same = [](char a, char b) { return word_byte(a) == b; };
        if (!std::ranges::equal(rest_.substr(0, lower.size()), lower, same)) return false;
        if (rest_.size() > lower.size() && word_byte(rest_[lower.size()]) != 0) return false;
        rest_.remove_prefix(lower.size());
        return true;
    }
    bool take_comma() noexcept {
        skip_blanks();
        if (rest_.empty() || rest_[0] != ',') return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// Nothing is left but the end of the statement.
    [[nodiscard]] bool finished() const noexcept {
        return rest_.find_first_not_of(" \t\n\r\f;") == std::string_view::npos;
    }

  private:
    // The vertical tab is a blank from PostgreSQL 16 on only.
    void skip_blanks() noexcept {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r\f"), rest_.size()));
    }

    std::string_view rest_;
};

enum Mode : unsigned { no_mode = 0, isolation = 1, access = 2, deferrable = 4 };

/// No mode also for one that a standby may refuse.
Mode take_mode(Words& words) noexcept {
    if (words.take("isolation")) {
        if (!words.take("level")) return no_mode;
        if (words.take("repeatable")) return words.take("read") ? isolation : no_mode;
        if (!words.take("read")) return no_mode;
        return words.take("committed") || words.take("uncommitted") ? isolation : no_mode;
    }
    if (words.take("read")) return words.take("only") ? access : no_mode;
    words.take("not");
    return words.take("deferrable") ? deferrable : no_mode;
}

bool only_modes_follow(Words& words) noexcept {
    unsigned seen = 0;
    while (!words.finished()) {
        if (seen != 0) words.take_comma();
        const Mode mode = take_mode(words);
        if (mode == no_mode || (seen & mode) != 0) return false;
        seen |= mode;
    }
    return true;
}

void take_noise(Words& words) noexcept {
    if (!words.take("work")) words.take("transaction");
}

}  // namespace

BlockCommand block_command_of(std::string_view text) noexcept {
    if (text.size() > block_command_bytes_max) return BlockCommand::none;
    Words words(text);
    if (words.take("begin")) {
        take_noise(words);
        return only_modes_follow(words) ? BlockCommand::begin : BlockCommand::none;
    }
    if (words.take("start")) {
        const bool whole = words.take("transaction") && only_modes_follow(words);
        return whole ? BlockCommand::start_transaction : BlockCommand::none;
    }
    BlockCommand end = BlockCommand::none;
    if (words.take("commit") || words.take("end")) end = BlockCommand::commit;
    if (end == BlockCommand::none && (words.take("rollback") || words.take("abort")))
        end = BlockCommand::rollback;
    if (end != BlockCommand::none) take_noise(words);
    return words.finished() ? end : BlockCommand::none;
}

std::string_view tag_of(BlockCommand command) noexcept {
    switch (command) {
        case BlockCommand::none: break;
        case BlockCommand::begin: return "BEGIN";
        case BlockCommand::start_transaction: return "START TRANSACTION";
        case BlockCommand::commit: return "COMMIT";
        case BlockCommand::rollback: return "ROLLBACK";
    }
    return {};
}

}  // namespace sluice::pg
