#include "protocol/resp/inline_request.hpp"

#include "protocol/resp/request.hpp"

#include <optional>
#include <vector>

namespace sluice::resp {

namespace {

bool is_space(char letter) noexcept {
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

std::optional<unsigned> hex_digit(char letter) noexcept {
    if (letter >= '0' && letter <= '9') return static_cast<unsigned>(letter - '0');
    if (letter >= 'a' && letter <= 'f') return static_cast<unsigned>(letter - 'a' + 10);
    if (letter >= 'A' && letter <= 'F') return static_cast<unsigned>(letter - 'A' + 10);
    return std::nullopt;
}

/// Walks over one line. Each step takes what it read off the front.
class LineSplitter {
  public:
    explicit LineSplitter(std::string_view line) : rest_(line) {}

    [[nodiscard]] bool skip_spaces() {
        while (!rest_.empty() && is_space(rest_.front()))
            rest_.remove_prefix(1);
        return !rest_.empty();
    }

    /// False: a quote has no partner, or something stands right behind one.
    [[nodiscard]] bool take_word(std::string& word) {
        while (!rest_.empty() && !is_space(rest_.front())) {
            const char letter = rest_.front();
            rest_.remove_prefix(1);
            if (letter == '"' || letter == '\'') {
                const bool closed = letter == '"' ? take_double(word) : take_single(word);
                // The word ends with its quote.
                return closed && (rest_.empty() || is_space(rest_.front()));
            }
            word += letter;
        }
        return true;
    }

  private:
    [[nodiscard]] bool take_single(std::string& word) {
        while (!rest_.empty()) {
            if (rest_.starts_with("\\'")) {
                word += '\'';
                rest_.remove_prefix(2);
                continue;
            }
            const char letter = rest_.front();
            rest_.remove_prefix(1);
            if (letter == '\'') return true;
            word += letter;
        }
        return false;
    }

    [[nodiscard]] bool take_double(std::string& word) {
        while (!rest_.empty()) {
            const char letter = rest_.front();
            rest_.remove_prefix(1);
            if (letter == '"') return true;
            if (letter == '\\' && !rest_.empty()) {
                take_escape(word);
            } else {
                word += letter;
            }
        }
        return false;
    }

    void take_escape(std::string& word) {
        if (rest_.size() >= 3 && rest_.front() == 'x') {
            const auto high = hex_digit(rest_[1]);
            const auto low = hex_digit(rest_[2]);
            if (high && low) {
                word += static_cast<char>(*high * 16 + *low);
                rest_.remove_prefix(3);
                return;
            }
        }
        const char letter = rest_.front();
        rest_.remove_prefix(1);
        switch (letter) {
            case 'n': word += '\n'; break;
            case 'r': word += '\r'; break;
            case 't': word += '\t'; break;
            case 'b': word += '\b'; break;
            case 'a': word += '\a'; break;
            default: word += letter; break;
        }
    }

    std::string_view rest_;
};

}  // namespace

InlineSplit append_inline_request(std::string& out, std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // The server reads the line as a C string: a zero byte ends it.
    line = line.substr(0, line.find('\0'));
    std::vector<std::string> words;
    LineSplitter splitter(line);
    while (splitter.skip_spaces()) {
        if (!splitter.take_word(words.emplace_back())) return InlineSplit::unbalanced_quotes;
    }
    if (words.empty()) return InlineSplit::blank;
    begin_request(out, words.size());
    for (const std::string& word : words)
        append_argument(out, word);
    return InlineSplit::request;
}

}  // namespace sluice::resp
