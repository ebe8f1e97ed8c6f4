#include "bench/load/options.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::load {

const char* const usage =
    "usage: sluice-bench --port N --user NAME --database NAME [options]\n"
    "\n"
    "Brief clients of PostgreSQL, many at once: each connects, logs in, asks, hears the answer,\n"
    "leaves, and lives again until time is up. One that fails does so after a tenth of a second.\n"
    "\n"
    "  --host ADDRESS   IPv4, 127.0.0.1 unless said\n"
    "  --password TEXT  for password, md5 and SCRAM-SHA-256; without it the server must trust\n"
    "  --clients N      at any moment, 1 to 100000 (2000)\n"
    "  --seconds N      in which lives begin, 1 to 86400 (10)\n"
    "  --queries N      in each life, 1 to 1000000 (1)\n"
    "  --query SQL      (SELECT 1)\n"
    "\n"
    "Prints a name and a number a line: lives that had all their answers, how many of them a\n"
    "second, queries answered, quantiles of a life from connect to last answer in milliseconds,\n"
    "failures, and each kind of failure with its number. The exit code is 1 if no life succeeded,\n"
    "2 if the arguments are wrong.\n";

namespace {

bool read_number(std::string_view text, unsigned most, unsigned& number) {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end && number >= 1 && number <= most;
}

/// What is wrong with it, empty if nothing.
std::string read_counted(std::string_view name, std::string_view value, unsigned most,
                         unsigned& number) {
    if (read_number(value, most, number)) return {};
    return std::string(name) + " is a number from 1 to " + std::to_string(most) + ", not '" +
           std::string(value) + "'";
}

std::string read_port(std::string_view value, sockaddr_in& address) {
    unsigned port = 0;
    std::string wrong = read_counted("--port", value, 65'535, port);
    if (wrong.empty()) address.sin_port = htons(static_cast<std::uint16_t>(port));
    return wrong;
}

std::string read_host(const std::string& value, sockaddr_in& address) {
    if (::inet_pton(AF_INET, value.c_str(), &address.sin_addr) == 1) return {};
    return "--host is an IPv4 address, not '" + value + "'";
}

std::string* text_named(std::string_view name, Errand& errand) {
    if (name == "--user") return &errand.user;
    if (name == "--database") return &errand.database;
    if (name == "--password") return &errand.password;
    if (name == "--query") return &errand.query;
    return nullptr;
}

bool is_option(std::string_view name) {
    Errand any;
    return name == "--host" || name == "--port" || name == "--clients" || name == "--seconds" ||
           name == "--queries" || text_named(name, any) != nullptr;
}

std::string read_option(std::string_view name, const std::string& value, Options& options) {
    Errand& errand = options.errand;
    if (name == "--host") return read_host(value, errand.address);
    if (name == "--port") return read_port(value, errand.address);
    if (name == "--clients") return read_counted(name, value, 100'000, options.clients);
    if (name == "--seconds") return read_counted(name, value, 86'400, options.seconds);
    if (name == "--queries") return read_counted(name, value, 1'000'000, errand.queries);
    *text_named(name, errand) = value;
    return {};
}

}  // namespace

std::variant<Options, HelpAsked, WrongUsage> read_options(std::span<char* const> arguments) {
    Options options;
    options.errand.address.sin_family = AF_INET;
    options.errand.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t at = 0; at < arguments.size(); at += 2) {
        const std::string name = arguments[at];
        if (name == "--help" || name == "-h") return HelpAsked{};
        if (!is_option(name)) return WrongUsage{"unknown argument '" + name + "'"};
        if (at + 1 == arguments.size()) return WrongUsage{name + " wants a value"};
        std::string wrong = read_option(name, arguments[at + 1], options);
        if (!wrong.empty()) return WrongUsage{std::move(wrong)};
    }
    const Errand& errand = options.errand;
    if (errand.address.sin_port == 0) return WrongUsage{"--port is missing"};
    if (errand.user.empty()) return WrongUsage{"--user is missing"};
    if (errand.database.empty()) return WrongUsage{"--database is missing"};
    return options;
}

}  // namespace sluice::load
