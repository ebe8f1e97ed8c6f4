// The control connection against a server of its own making, on the same loop.

#include "server/probe/redis_control.hpp"

#include "server/net/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::server {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::string_view info_text = "used_memory:10\r\nmaxmemory_policy:noeviction\r\n";

std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

/// Answers each command by what it is told to, and keeps what it was asked.
class Server {
  public:
    explicit Server(asio::io_context& loop)
        : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}), socket_(loop) {
        accept();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void drop() { socket_.close(); }
    void say(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }

    std::string asked;
    std::string info_answer = bulk(info_text);
    int connects = 0;
    int infos = 0;

  private:
    void accept() {
        acceptor_.async_accept([this](const auto& error, asio::ip::tcp::socket socket) {
            if (error) return;
            ++connects;
            socket_ = std::move(socket);
            read();
            accept();
        });
    }
    void read() {
        socket_.async_read_some(asio::buffer(room_), [this](const auto& error, std::size_t bytes) {
            if (error) return;
            const std::string_view text(room_.data(), bytes);
            asked += text;
            std::string out;
            for (std::size_t at = 0; at < text.size(); ++at) {
                if (text.substr(at, 4) == "AUTH" || text.substr(at, 7) == "SETNAME")
                    out += "+OK\r\n";
                if (text.substr(at, 4) != "INFO") continue;
                out += info_answer;
                ++infos;
            }
            boost::system::error_code failed;
            asio::write(socket_, asio::buffer(out), failed);
            if (!failed) read();
        });
    }

    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::socket socket_;
    std::array<char, 4096> room_{};
};

class Control : public testing::Test {
  protected:
    Control() {
        settings.listen.resize(1);
        settings.info_interval = 10ms;
        settings.max_connections = 3;
        settings.pinned_connections = 1;
        database.name = "default";
        database.host = "127.0.0.1";
        database.port = server.port();
        configure();
    }
    ~Control() override { controls.shut(); }
    void configure() {
        settings.databases["default"] = database;
        controls.configure(settings);
    }
    template <class Condition>
    void run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            loop.run_one_for(100ms);
        EXPECT_TRUE(condition());
    }
    [[nodiscard]] RedisDirectory::Bound bound() const { return directory.bounds().at(0); }
    [[nodiscard]] bool is_up() const { return bound().health.info.has_value(); }

    asio::io_context loop;
    net::Resolver resolver{loop, 1s};
    pool::Budget process{0};
    RedisDirectory directory{process};
    RedisControls controls{loop, resolver, directory, [this](bool) { ++wakes; }};
    Server server{loop};
    config::Redis settings;
    config::RedisDatabase database;
    int wakes = 0;
};

TEST_F(Control, asks_again_and_again_on_one_connection) {
    run_until([&] { return server.infos >= 3; });
    EXPECT_TRUE(is_up());
    EXPECT_EQ(bound().health.info->used_memory_bytes, 10U);
    EXPECT_EQ(bound().health.info->policy, resp::EvictionPolicy::noeviction);
    EXPECT_EQ(server.connects, 1);
    EXPECT_EQ(bound().used, 1U) << "one of max_connections";
    EXPECT_EQ(server.asked.find("AUTH"), std::string::npos);
}

TEST_F(Control, logs_in_as_the_section_says) {
    database.user = "u";
    database.password = config::Secret("geheim");
    configure();
    run_until([&] { return is_up(); });
    EXPECT_NE(server.asked.find("AUTH\r\n$1\r\nu\r\n$6\r\ngeheim\r\n"), std::string::npos);
}

TEST_F(Control, comes_back_to_a_server_that_was_away) {
    run_until([&] { return is_up(); });
    server.drop();
    run_until([&] { return !is_up() && bound().health.failures > 0; });
    EXPECT_EQ(bound().used, 1U) << "its place is kept";
    run_until([&] { return is_up(); });
    EXPECT_EQ(server.connects, 2);
}

TEST_F(Control, gives_its_place_back_when_nobody_wants_it) {
    run_until([&] { return is_up(); });
    settings.info_interval = 0ms;
    configure();
    EXPECT_EQ(bound().used, 0U);
    EXPECT_FALSE(bound().health.asked);
}

TEST_F(Control, waits_for_a_place_and_says_so) {
    run_until([&] { return is_up(); });
    settings.info_interval = 0ms;
    configure();
    pool::Budget& all = *directory.control_part(settings, database).all;
    for (int taken = 0; taken < 3; ++taken)
        ASSERT_TRUE(all.try_take());
    settings.info_interval = 10ms;
    configure();
    run_until([&] { return wakes > 0; });
    EXPECT_FALSE(is_up());
    EXPECT_EQ(bound().used, 3U) << "never beyond the bound";
    (void)all.give_back();
    run_until([&] { return is_up(); });
}

/// hiredis ends the program of whose server says something unasked.
TEST_F(Control, outlives_a_server_that_speaks_unasked) {
    server.info_answer = bulk(info_text) + "+more\r\n";
    run_until([&] { return bound().health.failures >= 2; });
    server.info_answer = bulk(info_text);
    settings.info_interval = 1h;
    configure();
    run_until([&] { return is_up(); });
    const int before = server.connects;
    server.say("+hello\r\n");
    run_until([&] { return !is_up(); });
    settings.info_interval = 10ms;
    configure();
    EXPECT_EQ(server.connects, before);
}

TEST_F(Control, takes_no_answer_for_one_that_is_none) {
    for (const std::string answer : {"*1\r\n+x\r\n", ":5\r\n", "$-1\r\n", "$2\r\nxx\r\n",
                                     "%1\r\n+a\r\n+b\r\n", "what\r\n", "-BUSY script\r\n"}) {
        server.info_answer = answer;
        const auto before = bound().health.failures;
        run_until([&] { return bound().health.failures > before + 1; });
        EXPECT_FALSE(is_up()) << answer;
    }
    server.info_answer = bulk(info_text);
    run_until([&] { return is_up(); });
}

TEST_F(Control, gives_up_on_a_server_that_does_not_answer) {
    run_until([&] { return is_up(); });
    settings.server_connect_timeout = 30ms;
    configure();
    server.info_answer = "";
    run_until([&] { return !is_up(); });
    server.info_answer = bulk(info_text);
    run_until([&] { return is_up(); });
}

}  // namespace
}  // namespace sluice::server
