#include "config/redis_url.hpp"

#include "config/addresses.hpp"
#include "config/reading.hpp"
#include "config/url_parts.hpp"
#include "config/values.hpp"

#include <string>
#include <utility>

namespace sluice::config {

namespace {

constexpr std::string_view scheme = "redis://";

class RedisUrlReader {
  public:
    explicit RedisUrlReader(Settings settings) : result_{std::move(settings), {}} {}

    [[nodiscard]] UrlSettings run(std::string_view url) && {
        if (url.starts_with("rediss://")) {
            reject("rediss: TLS towards backends is not in this version");
        } else if (!url.starts_with(scheme)) {
            reject("wanted a URL such as redis://user:password@host:6379");
        } else {
            url.remove_prefix(scheme.size());
            read_authority(take_until(url, "/?"));
            read_rest(url);
            build();
        }
        return std::move(result_);
    }

  private:
    void reject(std::string text) {
        result_.problems.push_back({Severity::error, "--redis", 0, 0, std::move(text)});
    }

    std::string decode(std::string_view text, const char* what) {
        auto decoded = percent_decode(text);
        if (!decoded) reject(std::string("the ") + what + " has a broken %-escape");
        return std::move(decoded).value_or("");
    }

    void read_authority(std::string_view authority) {
        if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
            auto login = authority.substr(0, at);
            user_ = decode(take_until(login, ":"), "user");
            if (!login.empty()) password_ = decode(login.substr(1), "password");
            authority.remove_prefix(at + 1);
        }
        const auto close =
            authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
        const auto colon = authority.find(':', close == std::string_view::npos ? 0 : close);
        read_host(decode(authority.substr(0, colon), "host"));
        if (colon == std::string_view::npos || colon + 1 == authority.size()) return;
        const auto port = parse_port(authority.substr(colon + 1));
        if (!port) return reject("wanted a port from 1 to 65535");
        database_.port = *port;
    }

    void read_host(const std::string& name) {
        const auto host = parse_host(name.empty() ? std::string_view("127.0.0.1") : name);
        // A port left inside the host's name came in by an escape.
        if (!host || host->port != 0) return reject("the host is none");
        database_.host = host->host;
    }

    void read_rest(std::string_view url) {
        if (url.starts_with('/')) url.remove_prefix(1);
        const auto number = take_until(url, "?");
        if (!number.empty() && number != "0") {
            reject("a database's number is each client's own, by SELECT; leave it out");
        }
        if (url.size() > 1) reject("a parameter cannot be followed; leave them out");
    }

    void build() {
        if (user_.size() > name_bytes_max) reject("the user is longer than 63 bytes");
        if (user_ == "*") reject("`*` is no name");
        if (!user_.empty() && password_.empty()) reject("a user has a password here");
        if (password_.size() > secret_bytes_max) reject("the password is longer than 64KiB");
        if (has_errors(result_.problems)) return;
        Redis& redis = result_.settings.redis;
        database_.name = "default";
        database_.user = user_ == "default" ? "" : user_;
        database_.password = Secret(password_);
        redis.databases.insert_or_assign(database_.name, database_);
        if (password_.empty()) return;
        RedisUser user;
        user.name = user_.empty() ? "default" : user_;
        user.password = Secret(password_);
        redis.users.insert_or_assign(user.name, user);
    }

    std::string user_;
    std::string password_;
    RedisDatabase database_;
    UrlSettings result_;
};

}  // namespace

UrlSettings parse_redis_url(std::string_view url, Settings settings) {
    return RedisUrlReader(std::move(settings)).run(url);
}

}  // namespace sluice::config
