#include "config/addresses.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace sluice::config {
namespace {

ListenAddress tcp(std::string host, std::uint16_t port) {
    return {ListenAddress::Kind::tcp, std::move(host), port, {}};
}

ListenAddress socket_file(std::string path) {
    return {ListenAddress::Kind::unix_socket, {}, 0, std::move(path)};
}

TEST(Addresses, reads_tcp_listeners) {
    EXPECT_EQ(parse_listen_address("127.0.0.1:6432"), tcp("127.0.0.1", 6432));
    EXPECT_EQ(parse_listen_address("[::1]:6432"), tcp("::1", 6432));
    EXPECT_EQ(parse_listen_address("[fe80::1%eth0]:1"), tcp("fe80::1%eth0", 1));
    EXPECT_EQ(parse_listen_address("localhost:6432"), tcp("localhost", 6432));
    EXPECT_EQ(parse_listen_address("*:6432"), tcp("*", 6432));
    EXPECT_EQ(parse_listen_address(":6432"), tcp("*", 6432));
    EXPECT_EQ(parse_listen_address("127.0.0.1:0"), tcp("127.0.0.1", 0));
    EXPECT_EQ(parse_listen_address("127.0.0.1:65535"), tcp("127.0.0.1", 65535));
}

TEST(Addresses, reads_unix_listeners) {
    EXPECT_EQ(parse_listen_address("unix:/run/sluice"), socket_file("/run/sluice/.s.PGSQL.6432"));
    EXPECT_EQ(parse_listen_address("unix:/run/sluice/"), socket_file("/run/sluice/.s.PGSQL.6432"));
    EXPECT_EQ(parse_listen_address("unix:/"), socket_file("/.s.PGSQL.6432"));
    EXPECT_EQ(parse_listen_address("unix:/run/.s.PGSQL.7000"), socket_file("/run/.s.PGSQL.7000"));
}

TEST(Addresses, clients_of_redis_name_the_socket_itself) {
    EXPECT_EQ(parse_redis_client_address("unix:/run/sl.sock"), socket_file("/run/sl.sock"));
    EXPECT_EQ(parse_redis_client_address("unix:/run/sluice"), socket_file("/run/sluice"));
    EXPECT_EQ(parse_redis_client_address("unix:/run/.s.PGSQL.7000"),
              socket_file("/run/.s.PGSQL.7000"));
    for (const auto* text : {"unix:", "unix:/", "unix:/run/", "unix:run/sl.sock", "host:6380"})
        EXPECT_EQ(parse_redis_client_address(text), std::nullopt) << text;
    EXPECT_EQ(parse_redis_client_address(std::string_view("unix:/a\0b", 9)), std::nullopt);
    const std::string longest = "/" + std::string(socket_path_bytes_max - 1, 'x');
    EXPECT_EQ(parse_redis_client_address("unix:" + longest), socket_file(longest));
    EXPECT_EQ(parse_redis_client_address("unix:" + longest + "x"), std::nullopt);
    EXPECT_EQ(parse_redis_client_address("127.0.0.1:6380"), tcp("127.0.0.1", 6380));
}

TEST(Addresses, a_socket_path_ends_at_the_systems_limit) {
    const std::string ending = "/.s.PGSQL.6432";
    const std::string folder = "/" + std::string(socket_path_bytes_max - ending.size() - 1, 'x');
    EXPECT_EQ(parse_listen_address("unix:" + folder), socket_file(folder + ending));
    EXPECT_EQ(parse_listen_address("unix:" + folder + "x"), std::nullopt);
}

TEST(Addresses, refuses_other_listeners) {
    for (const auto* text : {"",
                             "127.0.0.1",
                             "::1:6432",
                             "[::1]",
                             "[::1]6432",
                             "[::1:6432",
                             "[localhost]:1",
                             "localhost:",
                             "localhost:65536",
                             "localhost:-1",
                             "localhost:x",
                             "local host:1",
                             "a,b:1",
                             "6432",
                             "unix:",
                             "unix:run",
                             "/run/sluice",
                             "http://x:1",
                             "a:1:2",
                             "[::1]:00000000000000000001x"}) {
        EXPECT_EQ(parse_listen_address(text), std::nullopt) << text;
    }
    EXPECT_EQ(parse_listen_address(std::string_view("unix:/a\0b", 9)), std::nullopt);
}

TEST(Addresses, clients_come_to_numbers_and_localhost) {
    for (const auto* text : {"127.0.0.1:1", "[::1]:1", "*:1", ":1", "localhost:1", "unix:/run"}) {
        EXPECT_TRUE(parse_client_address(text)) << text;
        EXPECT_EQ(parse_client_address(text), parse_listen_address(text)) << text;
    }
    for (const auto* text : {"db.example.com:1", "[fe80::1%eth0]:1", "127.0.0.256:1", "1.2.3:1",
                             "LOCALHOST:1", "127.0.0.01:1", "localhost.:1"}) {
        EXPECT_TRUE(parse_listen_address(text)) << text;
        EXPECT_EQ(parse_client_address(text), std::nullopt) << text;
    }
}

/// Whether the system takes it, as the listener asks it.
bool is_numeric(const std::string& host) {
    std::array<unsigned char, 16> address{};
    return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

TEST(Addresses, what_a_number_is_the_system_says_too) {
    std::vector<std::string> hosts{"1.2.3.4",
                                   "0.0.0.0",
                                   "00.0.0.0",
                                   "255.255.255.255",
                                   "256.1.1.1",
                                   "1.2.3",
                                   "1.2.3.4.5",
                                   "1..2.3",
                                   ".1.2.3",
                                   "1.2.3.",
                                   "0001.2.3.4",
                                   "::",
                                   "::1",
                                   "1::",
                                   ":::",
                                   "1:2:3:4:5:6:7:8",
                                   "1:2:3:4:5:6:7::",
                                   "::2:3:4:5:6:7:8",
                                   "1:2:3:4:5:6:7",
                                   "1:2:3:4:5:6:7:8:9",
                                   "1:2:3:4::5:6:7:8",
                                   "1::2::3",
                                   "12345::",
                                   ":1",
                                   "1:",
                                   "::g",
                                   "::ffff:1.2.3.4",
                                   "::1.2.3.4:5",
                                   "1.2.3.4::",
                                   "1:2:3:4:5:6:1.2.3.4",
                                   "1:2:3:4:5:6:7:1.2.3.4",
                                   "1:2:3:4:5:1.2.3.4",
                                   "::01.2.3.4",
                                   "::1.2.3",
                                   "fe80::AbCd"};
    std::mt19937 random(1);
    constexpr std::string_view letters = "0123456789af:::::..";
    for (std::size_t count = hosts.size(), made = 0; made < 20'000; ++made) {
        std::string host = hosts[random() % count];
        for (std::size_t changes = random() % 3 + 1; changes > 0; --changes) {
            const std::size_t at = random() % (host.size() + 1);
            const char letter = letters[random() % letters.size()];
            if (random() % 2 == 0 || at == host.size()) {
                host.insert(at, 1, letter);
            } else {
                host.erase(at, 1);
            }
        }
        hosts.push_back(host);
    }
    for (const std::string& host : hosts) {
        const bool has_colon = host.find(':') != std::string::npos;
        const std::string text = (has_colon ? "[" + host + "]" : host) + ":1";
        // An empty host stands for every address, which is no number.
        EXPECT_EQ(parse_client_address(text).has_value(), is_numeric(host) || host.empty()) << host;
    }
}

TEST(Addresses, reads_hosts) {
    EXPECT_EQ(parse_host("db.example.com"), (HostPort{"db.example.com", 0}));
    EXPECT_EQ(parse_host("db_1:5433"), (HostPort{"db_1", 5433}));
    EXPECT_EQ(parse_host("::1"), (HostPort{"::1", 0}));
    EXPECT_EQ(parse_host("[::1]"), (HostPort{"::1", 0}));
    EXPECT_EQ(parse_host("[::1]:5433"), (HostPort{"::1", 5433}));
    EXPECT_EQ(parse_host("/var/run/postgresql"), (HostPort{"/var/run/postgresql", 0}));
}

TEST(Addresses, refuses_other_hosts) {
    for (const auto* text : {"", ":5432", "a:", "a:0", "a:65536", "a,b", "a b", "*", "[a]:1",
                             "postgresql://a", "user@a"}) {
        EXPECT_EQ(parse_host(text), std::nullopt) << text;
    }
    EXPECT_EQ(parse_host(std::string(253, 'a')), (HostPort{std::string(253, 'a'), 0}));
    EXPECT_EQ(parse_host(std::string(254, 'a')), std::nullopt);
    EXPECT_EQ(parse_host("/" + std::string(socket_path_bytes_max, 'x')), std::nullopt);
}

TEST(Addresses, shows_what_it_reads) {
    for (const auto* text : {"127.0.0.1:6432", "[::1]:6432", "*:6432", "unix:/run/.s.PGSQL.7000"}) {
        EXPECT_EQ(show(parse_listen_address(text).value()), text);
    }
    EXPECT_EQ(show(std::vector<HostPort>{{"a", 1}, {"::1", 2}, {"/run", 3}}),
              "a:1, [::1]:2, /run:3");
}

TEST(Addresses, knows_what_only_this_machine_reaches) {
    for (const auto* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/run"}) {
        EXPECT_TRUE(is_local(parse_listen_address(text).value())) << text;
    }
    for (const auto* text : {"*:1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.com:1"}) {
        EXPECT_FALSE(is_local(parse_listen_address(text).value())) << text;
    }
}

}  // namespace
}  // namespace sluice::config
