#include "config/command_line.hpp"

#include "config/suggest.hpp"

#include <array>
#include <utility>

namespace sluice::config {

namespace {

const Place here{"command line", 0, 0};

constexpr std::array<std::string_view, 7> options{"--config", "--postgres", "--redis", "--set",
                                                  "--check",  "--version",  "--help"};

class CommandLineParser {
  public:
    explicit CommandLineParser(std::span<const std::string> arguments) : rest_(arguments) {}

    [[nodiscard]] CommandLine run() && {
        while (!rest_.empty())
            take_option();
        const bool needs_settings =
            result_.action == Action::run || result_.action == Action::check;
        const bool has_url = result_.postgres_url || result_.redis_url;
        if (needs_settings && result_.config_file && has_url) {
            reject(std::string("--config and ") +
                   (result_.postgres_url ? "--postgres" : "--redis") + " exclude each other");
        }
        if (needs_settings && result_.problems.empty() && !result_.config_file && !has_url) {
            reject("nothing to do: give --config FILE, --postgres URL or --redis URL (see --help)");
        }
        return std::move(result_);
    }

  private:
    void reject(std::string text) { result_.problems.push_back(error_at(here, std::move(text))); }

    void take_option() {
        const std::string& argument = rest_.front();
        const auto equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
        const std::string name = argument.substr(0, equals);
        attached_ =
            equals == std::string::npos ? std::nullopt : std::optional(argument.substr(equals + 1));
        rest_ = rest_.subspan(1);
        if (name == "--config") {
            take_once(name, result_.config_file);
        } else if (name == "--postgres") {
            take_once(name, result_.postgres_url);
        } else if (name == "--redis") {
            take_once(name, result_.redis_url);
        } else if (name == "--set") {
            take_assignment();
        } else if (name == "--check") {
            act(name, Action::check);
        } else if (name == "--version") {
            act(name, Action::show_version);
        } else if (name == "--help" || name == "-h") {
            act(name, Action::show_help);
        } else {
            reject_unknown(name);
        }
    }

    /// --help and --version win over everything else: who asks for them wants nothing started.
    void act(const std::string& name, Action action) {
        if (attached_) reject(name + " takes no value");
        if (action > result_.action) result_.action = action;
    }

    std::optional<std::string> value_of(const std::string& name) {
        if (attached_) return std::move(attached_);
        if (rest_.empty()) {
            reject(name + " wants a value behind it");
            return std::nullopt;
        }
        auto value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }

    void take_once(const std::string& name, std::optional<std::string>& target) {
        auto value = value_of(name);
        if (!value) return;
        if (value->empty()) return reject(name + " wants a value that is not empty");
        if (target) return reject(name + " is given twice");
        target = std::move(value);
    }

    void take_assignment() {
        const auto text = value_of("--set");
        if (!text) return;
        // A name in quotes may hold '='; a value comes behind the first one outside of them.
        char quote = 0;
        for (std::size_t i = 0; i < text->size(); ++i) {
            const char c = (*text)[i];
            if (quote == 0 && c == '=' && i > 0) {
                result_.assignments.push_back({text->substr(0, i), text->substr(i + 1)});
                return;
            }
            if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            }
        }
        reject("--set wants section.key=value");
    }

    void reject_unknown(const std::string& name) {
        if (!name.starts_with('-')) {
            return reject("an argument stands alone; a settings file goes behind --config");
        }
        if (name == "--pgbouncer-ini") {
            // Its value would be reported a second time otherwise.
            if (!attached_ && !rest_.empty() && !rest_.front().starts_with('-')) {
                rest_ = rest_.subspan(1);
            }
            return reject(name + " is not in this version");
        }
        const auto near = nearest(name, options);
        reject("unknown option " + name +
               (near.empty() ? "; see --help" : "; did you mean " + std::string(near) + "?"));
    }

    std::span<const std::string> rest_;
    std::optional<std::string> attached_;  ///< The value behind '=' of the option being read.
    CommandLine result_;
};

}  // namespace

CommandLine parse_command_line(std::span<const std::string> arguments) {
    return CommandLineParser(arguments).run();
}

std::string_view usage() {
    return R"(Usage: sluice --config FILE [--set KEY=VALUE]... [--check]
       sluice [--postgres URL] [--redis URL] [--set KEY=VALUE]... [--check]

  --config FILE     read the settings from a TOML file
  --postgres URL    no file: pool for postgresql://user:password@host:port/database.
                    Clients log in with the user and password of the URL; without a
                    password by trust, and then on loopback and Unix listeners only
  --redis URL       no file: serve redis://user:password@host:port, with or without
                    --postgres beside it; the same holds for its clients
  --set KEY=VALUE   set one key, such as postgres.pool_size=10; may be repeated
  --check           report every mistake in the settings and start nothing
  --version         print the version
  --help            print this text

Exit code 2: the settings or the arguments are wrong.
)";
}

}  // namespace sluice::config
