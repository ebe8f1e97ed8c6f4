#include "config/postgres_url.hpp"

#include "config/addresses.hpp"
#include "config/draft.hpp"
#include "config/reading.hpp"
#include "config/suggest.hpp"
#include "config/url_parts.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace sluice::config {

namespace {

/// Where libpq looks when no host is said, as Debian builds it.
constexpr std::string_view standard_host = "/var/run/postgresql";

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

enum class Verdict { fine, ignored, refused };

/// Parameters that say how to connect, of which only some values can be followed.
struct Choice {
    std::string_view name;
    std::string_view value;
    Verdict verdict;
};

constexpr std::array choices{
    Choice{"sslmode", "disable", Verdict::fine},
    Choice{"sslmode", "allow", Verdict::ignored},
    Choice{"sslmode", "prefer", Verdict::ignored},
    Choice{"gssencmode", "disable", Verdict::fine},
    Choice{"gssencmode", "prefer", Verdict::ignored},
    Choice{"channel_binding", "disable", Verdict::fine},
    Choice{"channel_binding", "prefer", Verdict::ignored},
    Choice{"target_session_attrs", "any", Verdict::fine},
    Choice{"load_balance_hosts", "disable", Verdict::fine},
};

constexpr std::array<std::string_view, 12> parameters{"host",
                                                      "port",
                                                      "user",
                                                      "password",
                                                      "dbname",
                                                      "connect_timeout",
                                                      "sslmode",
                                                      "gssencmode",
                                                      "channel_binding",
                                                      "application_name",
                                                      "target_session_attrs",
                                                      "load_balance_hosts"};

class UrlReader {
  public:
    [[nodiscard]] UrlSettings run(std::string_view url) && {
        result_.settings = default_settings();
        if (read_scheme(url)) {
            read_authority(url);
            read_path(url);
            read_parameters(url);
            build();
        }
        return std::move(result_);
    }

  private:
    void report(Severity severity, std::string text) {
        result_.problems.push_back({severity, "--postgres", 0, 0, std::move(text)});
    }
    void reject(std::string text) { report(Severity::error, std::move(text)); }

    std::string decode(std::string_view text, const char* what) {
        auto decoded = percent_decode(text);
        if (!decoded) reject(std::string("the ") + what + " has a broken %-escape");
        return std::move(decoded).value_or("");
    }

    bool read_scheme(std::string_view& url) {
        for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
            if (!url.starts_with(scheme)) continue;
            url.remove_prefix(scheme.size());
            return true;
        }
        reject("wanted a URL such as postgresql://user:password@host:5432/database");
        return false;
    }

    void read_authority(std::string_view& url) {
        auto authority = take_until(url, "/?");
        if (const auto at = authority.find('@'); at != std::string_view::npos) {
            auto login = authority.substr(0, at);
            user_ = decode(take_until(login, ":"), "user");
            if (!login.empty()) password_ = decode(login.substr(1), "password");
            authority.remove_prefix(at + 1);
        }
        if (authority.empty()) return;
        for (const auto part : split(authority, ',')) {
            const auto close = part.starts_with('[') ? part.find(']') : std::string_view::npos;
            const auto colon = part.find(':', close == std::string_view::npos ? 0 : close);
            const auto host = decode(part.substr(0, colon), "host");
            hosts_.push_back(host);
            ports_.emplace_back(colon == std::string_view::npos ? "" : part.substr(colon + 1));
        }
    }

    void read_path(std::string_view& url) {
        auto path = take_until(url, "?");
        if (path.starts_with('/')) dbname_ = decode(path.substr(1), "database");
    }

    void read_parameters(std::string_view url) {
        if (!url.starts_with('?')) return;
        for (auto pair : split(url.substr(1), '&')) {
            if (pair.empty()) continue;
            const auto name = decode(take_until(pair, "="), "parameter");
            if (pair.empty()) {
                reject("a parameter has no value");
                continue;
            }
            read_parameter(name, decode(pair.substr(1), "parameter"));
        }
    }

    void read_parameter(const std::string& name, const std::string& value) {
        if (name == "user") {
            user_ = value;
        } else if (name == "password") {
            password_ = value;
        } else if (name == "dbname") {
            dbname_ = value;
        } else if (name == "host") {
            const auto parts = split(value, ',');
            hosts_.assign(parts.begin(), parts.end());
        } else if (name == "port") {
            const auto parts = split(value, ',');
            ports_.assign(parts.begin(), parts.end());
        } else if (name == "connect_timeout") {
            read_connect_timeout(value);
        } else if (name == "application_name" || name == "fallback_application_name") {
            report(Severity::warning, name + " is ignored: each client's own is passed on");
        } else {
            read_choice(name, value);
        }
    }

    void read_connect_timeout(const std::string& value) {
        const auto seconds = parse_number(value);
        if (!seconds || *seconds > 86'400) {
            return reject("connect_timeout: wanted 0 to 86400 seconds");
        }
        result_.settings.postgres.server_connect_timeout = std::chrono::seconds(*seconds);
    }

    void read_choice(const std::string& name, const std::string& value) {
        const auto known = std::find(parameters.begin(), parameters.end(), name);
        if (known == parameters.end()) {
            const auto near = nearest(name, parameters);
            return reject("unknown parameter `" + name + "`" +
                          (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
        }
        auto verdict = Verdict::refused;
        for (const auto& choice : choices) {
            if (choice.name == name && choice.value == value) verdict = choice.verdict;
        }
        const bool asks_tls = name == "sslmode" || name == "channel_binding";
        switch (verdict) {
            case Verdict::fine: return;
            case Verdict::ignored:
                return report(Severity::warning, name + "=" + value +
                                                     " is ignored: there is no encryption towards "
                                                     "backends in this version");
            case Verdict::refused:
                return reject(
                    name + ": this value cannot be followed" +
                    (asks_tls ? ", since TLS towards backends is not in this version" : ""));
        }
    }

    /// The hosts with their ports; one port may stand for all.
    std::vector<HostPort> hosts() {
        if (hosts_.empty()) hosts_.emplace_back();
        if (ports_.empty()) ports_.emplace_back();
        if (ports_.size() != 1 && ports_.size() != hosts_.size()) {
            reject("there are " + std::to_string(hosts_.size()) + " hosts, but " +
                   std::to_string(ports_.size()) + " ports");
            return {};
        }
        std::vector<HostPort> hosts;
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            const auto& name = hosts_[i];
            const auto& port_text = ports_[ports_.size() == 1 ? 0 : i];
            auto host = parse_host(name.empty() ? standard_host : std::string_view(name));
            const auto port = port_text.empty() ? std::uint16_t{5432} : parse_port(port_text);
            // A port left inside the host's name came in by an escape.
            if (!host || host->port != 0) reject("host " + std::to_string(i + 1) + " is no host");
            if (!port) reject("host " + std::to_string(i + 1) + ": wanted a port from 1 to 65535");
            if (host && port) hosts.push_back({host->host, *port});
        }
        return hosts;
    }

    void build() {
        auto& postgres = result_.settings.postgres;
        if (user_.empty()) reject("the URL names no user, as in postgresql://user@host");
        if (dbname_.empty()) dbname_ = user_;
        if (user_.size() > name_bytes_max || dbname_.size() > name_bytes_max) {
            reject("a name is longer than 63 bytes");
        }
        if (user_ == "*" || dbname_ == "*") reject("`*` is no name");
        if (password_.size() > secret_bytes_max) reject("the password is longer than 64KiB");
        const auto targets = hosts();
        if (has_errors(result_.problems)) return;
        for (const std::string& name : {dbname_, std::string("*")}) {
            auto& database = postgres.databases[name];
            database.name = name;
            database.hosts = targets;
            database.user = user_;
            database.password = Secret(password_);
        }
        postgres.databases[dbname_].dbname = dbname_;
        auto& user = postgres.users[user_];
        user.name = user_;
        user.password = Secret(password_);
        // There is one user, and it is the operator's own.
        postgres.admin_users = {user_};
        postgres.auth = password_.empty() ? AuthMethod::trust : AuthMethod::scram_sha_256;
    }

    std::string user_;
    std::string password_;
    std::string dbname_;
    std::vector<std::string> hosts_;
    std::vector<std::string> ports_;
    UrlSettings result_;
};

}  // namespace

UrlSettings parse_postgres_url(std::string_view url) {
    return UrlReader().run(url);
}

}  // namespace sluice::config
