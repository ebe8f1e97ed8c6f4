#include "server/admin/console_command.hpp"

#include <algorithm>
#include <array>

namespace sluice::server {

namespace {

constexpr std::size_t quoted_text_bytes_max = 40;

// What PgBouncer's console does besides showing.
constexpr std::array<std::string_view, 12> pgbouncer_verbs{
    "disable", "enable", "kill",     "kill_client", "pause",      "reconnect",
    "reload",  "resume", "shutdown", "suspend",     "wait_close", "wait"};

// What drivers set when they have logged in. Anything else is more likely meant as a setting of
// this program, where an answer without an effect would deceive.
constexpr std::array<std::string_view, 20> session_parameters{"application_name",
                                                              "bytea_output",
                                                              "client_encoding",
                                                              "client_min_messages",
                                                              "datestyle",
                                                              "default_transaction_isolation",
                                                              "default_transaction_read_only",
                                                              "extra_float_digits",
                                                              "idle_in_transaction_session_timeout",
                                                              "intervalstyle",
                                                              "jit",
                                                              "lc_messages",
                                                              "lc_monetary",
                                                              "lock_timeout",
                                                              "names",
                                                              "search_path",
                                                              "standard_conforming_strings",
                                                              "statement_timeout",
                                                              "synchronize_seqscans",
                                                              "timezone"};

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
bool is_space(char letter) noexcept {
    return std::string_view(" \t\r\n\f\v").find(letter) != std::string_view::npos;
}
bool is_word(char letter) noexcept {
    const char small = lower(letter);
    return (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '_' ||
           small == '.';
}

class Words {
  public:
    explicit Words(std::string_view text) noexcept : left_(text) {}

    /// True when nothing follows but one semicolon.
    [[nodiscard]] bool at_end() const {
        Words rest = *this;
        rest.skip_blanks();
        if (rest.left_.starts_with(';')) rest.left_.remove_prefix(1);
        rest.skip_blanks();
        return rest.left_.empty();
    }

    /// The next word in lower case, without its quotes; empty when none follows.
    std::string next() {
        skip_blanks();
        if (left_.empty()) return {};
        const char quote = left_[0];
        std::size_t end = 0;
        std::string word;
        if (quote == '"' || quote == '\'') {
            end = left_.find(quote, 1);
            if (end == std::string_view::npos) return {};
            word = left_.substr(1, end - 1);
            ++end;
        } else {
            while (end < left_.size() && is_word(left_[end]))
                ++end;
            word = left_.substr(0, end);
        }
        left_.remove_prefix(end);
        std::transform(word.begin(), word.end(), word.begin(), lower);
        return word;
    }

  private:
    void skip_blanks() {
        while (!left_.empty()) {
            if (is_space(left_[0])) {
                left_.remove_prefix(1);
            } else if (left_.starts_with("--")) {
                left_.remove_prefix(std::min(left_.find('\n'), left_.size()));
            } else if (left_.starts_with("/*") && left_.find("*/", 2) != std::string_view::npos) {
                left_.remove_prefix(left_.find("*/", 2) + 2);
            } else {
                return;
            }
        }
    }

    std::string_view left_;
};

template <class Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// True for `SET [SESSION | LOCAL] parameter ...` and its forms without a parameter's name.
bool sets_session_parameter(Words words) {
    std::string word = words.next();
    if (word == "session" || word == "local") word = words.next();
    if (word == "time") return words.next() == "zone";
    return word == "characteristics" || contains(session_parameters, word);
}

std::string start_of(std::string_view sql) {
    std::string text(sql.substr(0, quoted_text_bytes_max));
    // The answer is UTF-8 whatever was asked.
    for (char& letter : text) {
        if (letter < ' ' || letter > '~') letter = '?';
    }
    return sql.size() > quoted_text_bytes_max ? text + "..." : text;
}

}  // namespace

ConsoleCommand parse_console_command(std::string_view sql) {
    using Kind = ConsoleCommand::Kind;
    Words words(sql);
    if (words.at_end()) return {};
    const std::string verb = words.next();
    if (verb == "set") {
        if (sets_session_parameter(words)) return {Kind::set, nullptr, {}};
        return {Kind::not_supported, nullptr, "changing settings by SET"};
    }
    if (contains(pgbouncer_verbs, verb)) return {Kind::not_supported, nullptr, verb};
    if (verb == "show") {
        const std::string topic = words.next();
        for (const Show* show : shows()) {
            if (show->word == topic && words.at_end()) return {Kind::show, show, {}};
        }
    }
    return {Kind::invalid, nullptr, start_of(sql)};
}

}  // namespace sluice::server
