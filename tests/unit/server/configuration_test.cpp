#include "server/configuration.hpp"

#include "tests/unit/server/source_file.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

TEST(Configuration, names_no_key_when_a_reload_is_followed_whole) {
    config::Settings wanted;
    wanted.server.buffer_memory_max += 1;
    wanted.log.format = config::LogFormat::json;
    wanted.postgres.dns_max_ttl += config::Duration(1);
    wanted.postgres.max_clients += 1;
    EXPECT_EQ(next_start_keys({}, wanted), "");
}

TEST(Configuration, names_the_keys_that_wait_for_the_next_start) {
    config::Settings wanted;
    wanted.server.workers = 3;
    EXPECT_EQ(next_start_keys({}, wanted), "server.workers");
    wanted.postgres.listen.push_back({config::ListenAddress::Kind::tcp, "*", 1, {}});
    wanted.admin.listen = wanted.postgres.listen.front();
    EXPECT_EQ(next_start_keys({}, wanted), "server.workers, admin.listen, postgres.listen");
    wanted = {};
    wanted.postgres.listen_backlog = 1;
    wanted.postgres.unix_socket_mode = 0700;
    wanted.postgres.tcp_keepalive = false;
    wanted.postgres.tcp_keepidle = config::Duration(1'000);
    wanted.postgres.tcp_keepintvl = config::Duration(1'000);
    wanted.postgres.tcp_keepcnt = 1;
    wanted.postgres.tcp_user_timeout = config::Duration(1);
    EXPECT_EQ(next_start_keys({}, wanted),
              "postgres.listen_backlog, postgres.unix_socket_mode, "
              "postgres.tcp_keepalive (towards clients), postgres.tcp_keepidle (towards clients), "
              "postgres.tcp_keepintvl (towards clients), postgres.tcp_keepcnt (towards clients), "
              "postgres.tcp_user_timeout (towards clients)");
}

TEST(Configuration, what_waits_for_the_next_start_is_listed_for_people) {
    const std::string text = source_file("docs/settings.md");
    const std::size_t begin = text.find("- at the next start only");
    ASSERT_NE(begin, std::string::npos);
    const std::string part = text.substr(begin, text.find("\n\n", begin) - begin);
    for (const char* const key :
         {"`listen`", "`listen_backlog`", "`unix_socket_mode`", "`[admin]`", "`workers`", "TCP"})
        EXPECT_NE(part.find(key), std::string::npos) << key;
}

}  // namespace
}  // namespace sluice::server
