#include "config/users_file.hpp"

#include "config/file_text.hpp"
#include "config/reading.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace sluice::config {

namespace {

/// A file of another format is bad in every line; a few of them tell enough.
constexpr std::size_t bad_lines_reported_max = 100;
constexpr std::string_view blanks = " \t\r\f\v";

/// One line, read from its front.
class LineReader {
  public:
    explicit LineReader(std::string_view line) : rest_(line) { skip_blanks(); }

    [[nodiscard]] bool says_nothing() const { return rest_.empty() || rest_.front() == ';'; }
    [[nodiscard]] std::uint32_t column() const { return column_; }

    /// The next word in quotes, which are taken off. Nothing when there is none.
    std::optional<std::string> take_quoted() {
        skip_blanks();
        if (!rest_.starts_with('"')) return std::nullopt;
        std::string word;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] != '"') {
                word += rest_[i];
            } else if (rest_.substr(i + 1).starts_with('"')) {
                word += '"';
                ++i;
            } else {
                advance(i + 1);
                return word;
            }
        }
        return std::nullopt;
    }

  private:
    void advance(std::size_t count) {
        rest_.remove_prefix(count);
        column_ += static_cast<std::uint32_t>(count);
    }
    void skip_blanks() { advance(std::min(rest_.find_first_not_of(blanks), rest_.size())); }

    std::string_view rest_;
    std::uint32_t column_ = 1;
};

class UsersParser {
  public:
    explicit UsersParser(const std::string& file) : file_(file) {}

    void read_line(std::string_view text, std::uint32_t line) {
        LineReader reader(text);
        if (reader.says_nothing()) return;
        auto name = reader.take_quoted();
        if (!name) return reject(line, reader.column(), "wanted a user's name in double quotes");
        auto secret = reader.take_quoted();
        if (!secret) return reject(line, reader.column(), "wanted a secret in double quotes");
        if (name->empty() || name->size() > name_bytes_max) {
            return reject(line, 1, "a user's name has 1 to 63 bytes");
        }
        if (*name == "*") return reject(line, 1, "`*` stands for other users and has no secret");
        if (secret->size() > secret_bytes_max) {
            return reject(line, 1, "the secret is longer than 64KiB");
        }
        if (text.find('\0') != std::string_view::npos) return reject(line, 1, "holds a zero byte");
        add({std::move(*name), Secret(std::move(*secret)), line});
    }

    [[nodiscard]] UsersFile finish() && {
        if (bad_lines_ > bad_lines_reported_max) {
            result_.problems.push_back(
                error_at({file_, 0, 0},
                         std::to_string(bad_lines_ - bad_lines_reported_max) + " more bad lines"));
        }
        return std::move(result_);
    }

  private:
    void reject(std::uint32_t line, std::uint32_t column, std::string text) {
        if (++bad_lines_ > bad_lines_reported_max) return;
        result_.problems.push_back(error_at({file_, line, column}, std::move(text)));
    }

    void add(ListedUser user) {
        const auto [known, is_new] = places_.try_emplace(user.name, result_.users.size());
        if (is_new) {
            result_.users.push_back(std::move(user));
            return;
        }
        auto& earlier = result_.users[known->second];
        if (earlier.secret != user.secret) {
            result_.problems.push_back(warning_at(
                {file_, user.line, 1}, "user `" + user.name + "` has another secret in line " +
                                           std::to_string(earlier.line) + "; this one holds"));
        }
        earlier = std::move(user);
    }

    std::string file_;
    UsersFile result_;
    std::map<std::string, std::size_t, std::less<>> places_;
    std::size_t bad_lines_ = 0;
};

}  // namespace

UsersFile parse_users(std::string_view text, const std::string& file) {
    UsersParser parser(file);
    std::uint32_t line = 1;
    for (std::size_t begin = 0; begin < text.size(); ++line) {
        const auto end = std::min(text.find('\n', begin), text.size());
        parser.read_line(text.substr(begin, end - begin), line);
        begin = end + 1;
    }
    return std::move(parser).finish();
}

UsersFile read_users_file(const std::filesystem::path& path) {
    const auto file = read_file(path, users_file_bytes_max);
    if (file.text) return parse_users(*file.text, path.string());
    return {{}, {}, file.error};
}

}  // namespace sluice::config
