#include "config/toml_depth.hpp"

#include <cstddef>

namespace sluice::config {

namespace {

/// The deepest key of ours has five parts.
constexpr int dots_in_line_max = 16;

/// Walks over a text as TOML divides it: outside, comment, and the four kinds of quoted text.
/// It need be right only up to the first syntax error, where the library stops.
class Walker {
  public:
    explicit Walker(std::string_view text) : text_(text) {}

    std::optional<TextPosition> run() {
        while (at_ < text_.size()) {
            if (part_ == Part::outside) {
                step_outside();
            } else {
                step_inside();
            }
            if (dots_ > dots_in_line_max) return TextPosition{line_, column_ - 1};
        }
        return std::nullopt;
    }

  private:
    enum class Part { outside, comment, text };

    void advance(std::size_t count) {
        for (; count > 0 && at_ < text_.size(); --count, ++at_, ++column_) {
            if (text_[at_] != '\n') continue;
            ++line_;
            column_ = 0;
            dots_ = 0;
        }
    }

    void step_outside() {
        const char c = text_[at_];
        if (c == '.') ++dots_;
        if (c == '#') part_ = Part::comment;
        if (c == '"' || c == '\'') {
            part_ = Part::text;
            quote_ = c;
            // Three quotes open a text over several lines, two are an empty text.
            quotes_ = is_quoted_by(3) ? 3 : 1;
        }
        advance(part_ == Part::text ? quotes_ : 1);
    }

    [[nodiscard]] bool is_quoted_by(std::size_t count) const {
        return text_.substr(at_, count) ==
               std::string_view(quote_ == '"' ? "\"\"\"" : "'''", count);
    }

    void step_inside() {
        const char c = text_[at_];
        const bool ends_with_line = part_ == Part::comment || quotes_ == 1;
        if (c == '\n' && ends_with_line) {
            part_ = Part::outside;
            advance(1);
        } else if (part_ == Part::text && c == '\\' && quote_ == '"') {
            // A line break behind a backslash must still end a text of one line.
            advance(text_.substr(at_ + 1).starts_with('\n') ? 1 : 2);
        } else if (part_ == Part::text && is_quoted_by(quotes_)) {
            // Up to two quotes may stand before the three that close a text over several lines.
            std::size_t count = quotes_;
            if (quotes_ == 3) {
                while (count < 5 && text_.substr(at_ + count).starts_with(quote_))
                    ++count;
            }
            part_ = Part::outside;
            advance(count);
        } else {
            advance(1);
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    std::uint32_t column_ = 1;
    Part part_ = Part::outside;
    char quote_ = 0;          ///< The sign that opened the text.
    std::size_t quotes_ = 0;  ///< How many of them: 1 or 3.
    int dots_ = 0;            ///< Outside of quotes, in this line.
};

}  // namespace

std::optional<TextPosition> find_too_deep(std::string_view text) {
    return Walker(text).run();
}

}  // namespace sluice::config
