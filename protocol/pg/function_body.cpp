#include "protocol/pg/function_body.hpp"

#include "protocol/pg/statement_features.hpp"
#include "protocol/pg/statement_words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace sluice::pg {

namespace {

/// Words that make a body suspicious wherever they stand.
constexpr std::array<std::string_view, 16> telling_words{
    "call",    "deallocate", "discard", "execute", "hold",      "listen",   "load",      "prepare",
    "regproc", "reset",      "setseed", "temp",    "temporary", "unlisten", "pg_backup", "dblink"};
/// Names of which the beginning suffices.
constexpr std::array<std::string_view, 10> telling_beginnings{
    "dblink_",    "pg_advisory",    "pg_backup_", "pg_copy_",   "pg_create_",
    "pg_replica", "pg_try_advisor", "pg_temp",    "set_config", "pg_settings"};
/// Behind these a statement of PL/pgSQL may begin.
constexpr std::array<std::string_view, 5> openings{"begin", "declare", "else", "loop", "then"};
constexpr std::size_t placeholders_max = 16;

constexpr bool is_name_byte(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           static_cast<unsigned char>(byte) >= 0x80U;
}

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
    return std::ranges::find(words, word) != words.end();
}

/// Reads a body word by word.
class Reading {
  public:
    explicit Reading(std::string lower) : text_(std::move(lower)) {}

    [[nodiscard]] bool is_suspicious() {
        for (std::size_t at = 0; at < text_.size();) {
            if (text_[at] == ';') {
                if (previous_ == "do") return true;  // Code in quotes.
                begin_statement();
            }
            if (!is_name_byte(text_[at])) {
                ++at;
                continue;
            }
            std::size_t end = at;
            while (end < text_.size() && is_name_byte(text_[end]))
                ++end;
            if (tells(std::string_view(text_).substr(at, end - at))) return true;
            at = end;
        }
        return previous_ == "do";
    }

  private:
    void begin_statement() {
        updates_ = false;
        previous_ = {};
    }

    bool tells(std::string_view word) {
        // ON CONFLICT DO UPDATE or NOTHING; any other DO is code.
        if (previous_ == "do" && word != "update" && word != "nothing") return true;
        if (is_one_of(word, telling_words)) return true;
        for (const std::string_view beginning : telling_beginnings) {
            if (word.starts_with(beginning)) return true;
        }
        if (is_one_of(word, openings)) begin_statement();
        // UPDATE t SET, but not SELECT ... FOR UPDATE.
        if (word == "update" && previous_ != "for") updates_ = true;
        if (word == "set" && !updates_) return true;
        previous_ = word;
        return false;
    }

    const std::string text_;
    std::string_view previous_;
    bool updates_ = false;
};

/// A word in a comment must not excuse another behind it. In a string this goes too far, which is
/// why the text is read as it is, too.
std::string without_comments(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::string_view end;
        if (text.substr(at).starts_with("--")) end = "\n";
        if (text.substr(at).starts_with("/*")) end = "*/";
        if (end.empty()) {
            out += text[at++];
            continue;
        }
        const std::size_t found = text.find(end, at + 2);
        at = found == std::string_view::npos ? text.size() : found + end.size();
        out += ' ';
    }
    return out;
}

/// `app.tenant`, in quotes or behind SET.
std::vector<std::string> placeholders_in(std::string_view lower) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < lower.size() && names.size() < placeholders_max;) {
        if (!is_name_byte(lower[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        std::size_t dots = 0;
        while (end < lower.size() && (is_name_byte(lower[end]) || lower[end] == '.'))
            dots += lower[end++] == '.' ? 1U : 0U;
        const bool in_quotes =
            at > 0 && lower[at - 1] == '\'' && end < lower.size() && lower[end] == '\'';
        const std::string_view before = lower.substr(0, at);
        const bool is_set =
            before.ends_with("set ") || before.ends_with("session ") || before.ends_with("local ");
        const std::string_view name = lower.substr(at, end - at);
        const bool whole = dots > 0 && name.front() != '.' && name.back() != '.';
        if (whole && (in_quotes || is_set) && std::ranges::find(names, name) == names.end()) {
            names.emplace_back(name);
        }
        at = end;
    }
    return names;
}

}  // namespace

bool is_compiled(std::string_view language) noexcept {
    return language == "internal" || language == "c";
}

FunctionBody read_function_body(std::string_view language, std::string_view source) {
    FunctionBody body;
    if (is_compiled(language)) return body;
    std::string lower(source);
    for (char& byte : lower) {
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    }
    body.placeholders = placeholders_in(lower);
    const bool known_language = language == "sql" || language == "plpgsql";
    if (!known_language || source.empty()) return body;
    if (Reading(lower).is_suspicious() || Reading(without_comments(lower)).is_suspicious()) {
        return body;
    }
    StatementScanner scanner;
    scanner.feed(wire::as_bytes(source));
    scanner.feed(wire::as_bytes(std::string_view("", 1)));
    // Words that name channels, cursors and statements use what is there.
    constexpr Feature tolerable = Feature::session_name;
    body.harmless = (scanner.features() & ~tolerable) == Feature::none;
    return body;
}

bool may_define(std::string_view code) noexcept {
    const auto same = [](char a, char b) { return word_byte(a) == b; };
    return std::ranges::any_of(
        std::array<std::string_view, 2>{"create", "execute"}, [&](std::string_view word) {
            return std::search(code.begin(), code.end(), word.begin(), word.end(), same) !=
                   code.end();
        });
}

}  // namespace sluice::pg
