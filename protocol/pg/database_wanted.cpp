#include "protocol/pg/database_wanted.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/statement_words.hpp"

#include <cstddef>
#include <string_view>

namespace sluice::pg {

namespace {

/// The shortest text of these.
constexpr std::size_t text_bytes_min = std::string_view("DROP DATABASE x").size();

/// From the text on, whatever follows it.
std::string_view text_and_more(wire::Bytes frame) {
    if (frame.size() < frame_header_bytes) return {};
    std::string_view text = wire::as_text(frame.subspan(frame_header_bytes));
    if (frame[0] == std::byte{'Q'}) return text;
    const std::size_t name_end = text.find('\0');
    if (frame[0] != std::byte{'P'} || name_end == std::string_view::npos) return {};
    text.remove_prefix(name_end + 1);
    return text;
}

/// The words and names of a text, one after the other.
class Words {
  public:
    explicit Words(std::string_view text) noexcept : rest_(text) {}

    /// Moves to the next; false at the end. Words are in lower case, any other sign stands alone.
    bool next() {
        word_.clear();
        quoted_ = false;
        skip_space();
        if (rest_.empty()) return false;
        if (rest_[0] == '"') {
            take_quoted();
            return true;
        }
        do {
            const char lower = word_byte(rest_[0]);
            word_ += lower != 0 ? lower : rest_[0];
            rest_.remove_prefix(1);
        } while (!rest_.empty() && word_byte(word_[0]) != 0 && word_byte(rest_[0]) != 0);
        return true;
    }
    [[nodiscard]] bool is(std::string_view word) const noexcept {
        return !quoted_ && word_ == word;
    }
    [[nodiscard]] const std::string& word() const noexcept { return word_; }

  private:
    void take_quoted() {
        quoted_ = true;
        rest_.remove_prefix(1);
        while (!rest_.empty()) {
            const bool quote = rest_[0] == '"';
            if (quote && (rest_.size() < 2 || rest_[1] != '"')) break;
            word_ += rest_[0];
            rest_.remove_prefix(quote ? 2 : 1);
        }
        rest_.remove_prefix(rest_.empty() ? 0 : 1);
    }
    void skip_space() {
        while (!rest_.empty()) {
            if (rest_.starts_with("--")) {
                skip_behind("\n");
            } else if (rest_.starts_with("/*")) {
                skip_behind("*/");
            } else if (std::string_view(" \t\r\n\f\v").find(rest_[0]) != std::string_view::npos) {
                rest_.remove_prefix(1);
            } else {
                return;
            }
        }
    }
    void skip_behind(std::string_view end) {
        const std::size_t at = rest_.find(end);
        rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
    }

    std::string_view rest_;
    std::string word_;
    bool quoted_ = false;
};

/// The name behind DROP DATABASE, its words behind "DATABASE" still to come.
std::optional<std::string> dropped(Words& words) {
    if (!words.next()) return std::nullopt;
    if (words.is("if") && (!words.next() || !words.is("exists") || !words.next())) {
        return std::nullopt;
    }
    return words.word();
}

std::optional<std::string> renamed(Words& words) {
    if (!words.next()) return std::nullopt;
    std::string name = words.word();
    if (!words.next() || !words.is("rename")) return std::nullopt;
    return name;
}

std::optional<std::string> copied(Words& words) {
    while (words.next()) {
        if (!words.is("template")) continue;
        if (!words.next() || (words.is("=") && !words.next())) return std::nullopt;
        return words.word();
    }
    return std::nullopt;
}

}  // namespace

bool may_want_database(wire::Bytes frame) noexcept {
    const std::string_view text = text_and_more(frame);
    if (text.size() < text_bytes_min) return false;
    const char first = word_byte(text[0]);
    // What begins with space or a comment is read on; most texts begin with neither.
    return first == 'd' || first == 'a' || first == 'c' || first == 0;
}

std::optional<std::string> database_wanted(wire::Bytes frame) {
    const std::string_view text = text_and_more(frame);
    Words words(text.substr(0, text.find('\0')));
    if (!words.next()) return std::nullopt;
    const bool drops = words.is("drop");
    const bool alters = words.is("alter");
    if (!drops && !alters && !words.is("create")) return std::nullopt;
    if (!words.next() || !words.is("database")) return std::nullopt;
    return drops ? dropped(words) : alters ? renamed(words) : copied(words);
}

}  // namespace sluice::pg
