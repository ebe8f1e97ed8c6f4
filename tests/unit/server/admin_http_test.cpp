#include "server/http/admin_http.hpp"

#include "tests/unit/server/snapshot_sample.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

namespace sluice::server {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Endpoint = asio::generic::stream_protocol::endpoint;
using boost::system::error_code;

config::ListenAddress loopback(std::uint16_t port = 0) {
    return {config::ListenAddress::Kind::tcp, "127.0.0.1", port, {}};
}

/// Server and clients on one loop in one thread: nothing happens but in run_until().
class AdminHttpTest : public testing::Test {
  protected:
    using Socket = asio::generic::stream_protocol::socket;

    void listen(AdminHttp::Timeouts timeouts = {}) {
        http_.emplace(
            loop_, loopback(),
            [this](std::function<void(Snapshot)> answer) { gather_(std::move(answer)); },
            [this] { return health_; }, timeouts);
        endpoint_ = asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), http_->port());
    }

    /// Fails the test when the condition does not come true within a generous deadline.
    template <class Condition>
    void run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            if (loop_.stopped()) loop_.restart();
            loop_.run_one_for(20s);
        }
    }

    Socket connect() {
        Socket socket(loop_);
        socket.connect(endpoint_);
        return socket;
    }

    /// Sends and reads until `end` has been seen, or to the end of the stream.
    std::string exchange(Socket& socket, const std::string& request, const std::string& end = {}) {
        asio::write(socket, asio::buffer(request));
        std::string reply;
        bool is_done = false;
        const auto completes = [&](error_code error, std::size_t) -> std::size_t {
            const bool is_seen = !end.empty() && reply.find(end) != std::string::npos;
            return error || is_seen ? 0 : 65'536;
        };
        asio::async_read(socket, asio::dynamic_buffer(reply), completes,
                         [&](error_code, std::size_t) { is_done = true; });
        run_until([&] { return is_done; });
        return reply;
    }
    std::string get(const std::string& target, const std::string& method = "GET") {
        Socket socket = connect();
        return exchange(socket, method + " " + target +
                                    " HTTP/1.1\r\nHost: x\r\n"
                                    "Connection: close\r\n\r\n");
    }

    asio::io_context loop_{1};
    std::function<void(std::function<void(Snapshot)>)> gather_ =
        [](const std::function<void(Snapshot)>& answer) { answer(snapshot_sample()); };
    HealthReport health_;
    Endpoint endpoint_;
    std::optional<AdminHttp> http_;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(AdminHttpTest, serves_metrics) {
    listen();
    const std::string reply = get("/metrics");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
    EXPECT_TRUE(has(reply, "Content-Type: text/plain; version=0.0.4"));
    EXPECT_TRUE(has(reply, "\nsluice_max_clients{mode=\"postgres\"} 10000\n"));
    EXPECT_TRUE(has(get("/metrics?x=y"), "200 OK"));
}

TEST_F(AdminHttpTest, takes_a_snapshot_from_another_thread) {
    std::thread worker;
    gather_ = [&](std::function<void(Snapshot)> answer) {
        worker = std::thread([answer = std::move(answer)] { answer(snapshot_sample()); });
    };
    listen();
    EXPECT_TRUE(has(get("/metrics"), "200 OK"));
    worker.join();
}

TEST_F(AdminHttpTest, says_so_when_the_workers_do_not_answer) {
    std::function<void(Snapshot)> late;
    gather_ = [&](std::function<void(Snapshot)> answer) { late = std::move(answer); };
    listen({.io = 5s, .gather = 0ms, .farewell = 1s});
    EXPECT_TRUE(has(get("/metrics"), "503 Service Unavailable"));
    // Whoever answers after that harms nobody.
    late(snapshot_sample());
    EXPECT_TRUE(has(get("/"), "200 OK"));
}

TEST_F(AdminHttpTest, tells_health_and_readiness_apart) {
    listen();
    EXPECT_TRUE(has(get("/healthz"), "200 OK"));
    EXPECT_TRUE(get("/readyz").ends_with("\r\n\r\nok\n"));
    health_ = {true, false, "draining"};
    EXPECT_TRUE(has(get("/healthz"), "200 OK"));
    const std::string draining = get("/readyz");
    EXPECT_TRUE(has(draining, "503 Service Unavailable"));
    EXPECT_TRUE(draining.ends_with("\r\n\r\nnot ready: draining\n"));
    health_ = {false, true, {}};
    EXPECT_TRUE(has(get("/healthz"), "503 Service Unavailable"));
    EXPECT_TRUE(has(get("/readyz"), "503 Service Unavailable"));
}

TEST_F(AdminHttpTest, knows_its_pages_and_methods) {
    listen();
    EXPECT_TRUE(has(get("/"), "/metrics"));
    EXPECT_TRUE(has(get("/nothing"), "404 Not Found"));
    EXPECT_TRUE(has(get("/metrics/"), "404 Not Found"));
    const std::string refused = get("/metrics", "POST");
    EXPECT_TRUE(has(refused, "405 Method Not Allowed"));
    EXPECT_TRUE(has(refused, "Allow: GET, HEAD"));
    EXPECT_TRUE(has(get("/", "DELETE"), "405 Method Not Allowed"));
}

TEST_F(AdminHttpTest, head_has_the_length_and_no_body) {
    listen();
    const std::string reply = get("/healthz", "HEAD");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(has(reply, "Content-Length: 3\r\n"));
    EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
}

TEST_F(AdminHttpTest, keeps_a_connection_for_further_requests) {
    listen();
    Socket socket = connect();
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_TRUE(has(exchange(socket, request, "ok\n"), "200 OK"));
    // Two at once, then a last one of the old version, which closes.
    const std::string rest = exchange(
        socket, request + "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /none HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(has(rest, "ok\nHTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(has(rest, "HTTP/1.0 404 Not Found\r\n"));
}

TEST_F(AdminHttpTest, a_body_is_not_read_and_ends_the_connection) {
    listen();
    Socket socket = connect();
    const std::string reply = exchange(
        socket,
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(has(reply, "405 Method Not Allowed"));
    EXPECT_TRUE(has(reply, "Connection: close"));
    EXPECT_FALSE(has(reply, "200 OK"));
}

TEST_F(AdminHttpTest, garbage_gets_400) {
    listen();
    for (const std::string garbage :
         {"\x16\x03\x01\x02 \r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9\r\n\r\n"}) {
        Socket socket = connect();
        EXPECT_TRUE(has(exchange(socket, garbage), "400 Bad Request")) << garbage;
    }
}

TEST_F(AdminHttpTest, header_limit_holds_on_both_sides) {
    listen();
    const std::size_t max = AdminHttp::header_bytes_max;
    const auto answer = [&](const std::string& request) {
        Socket socket = connect();
        return exchange(socket, request);
    };
    const std::string begin = "GET / HTTP/1.1\r\nConnection: close\r\nX: ", end = "\r\n\r\n";
    const std::string filling(max - begin.size() - end.size(), 'x');
    EXPECT_TRUE(has(answer(begin + filling + end), "200 OK"));
    EXPECT_TRUE(has(answer(begin + filling + "x" + end), "431 "));

    const std::string method = "GET /?", version = " HTTP/1.0\r\n\r\n";
    const std::string target(max - method.size() - version.size(), 'x');
    EXPECT_TRUE(has(answer(method + target + version), "200 OK"));
    EXPECT_TRUE(has(answer(method + target + "x" + version), "431 "));
    EXPECT_TRUE(has(answer(begin + std::string(60'000, 'x')), "431 "));
}

TEST_F(AdminHttpTest, client_limit_holds_on_both_sides) {
    listen();
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    std::vector<Socket> sockets;
    for (std::size_t at = 0; at < AdminHttp::client_count_max; ++at) {
        sockets.push_back(connect());
        EXPECT_TRUE(has(exchange(sockets.back(), request, "/readyz"), "200 OK"));
    }
    Socket waiting = connect();
    asio::write(waiting, asio::buffer(request));
    while (loop_.poll() > 0) {
    }
    EXPECT_EQ(waiting.available(), 0U);
    sockets.front().close();
    EXPECT_TRUE(has(exchange(waiting, "", "/readyz"), "200 OK"));
}

TEST_F(AdminHttpTest, who_says_nothing_is_closed) {
    listen({.io = 1ms, .gather = 2s, .farewell = 1ms});
    Socket silent = connect();
    EXPECT_EQ(exchange(silent, ""), "");
    Socket half = connect();
    EXPECT_EQ(exchange(half, "GET / HT"), "");
}

TEST_F(AdminHttpTest, its_end_closes_every_client_and_asks_the_owner_nothing_more) {
    std::function<void(Snapshot)> answer;
    gather_ = [&](std::function<void(Snapshot)> given) { answer = std::move(given); };
    listen();
    Socket idle = connect(), asking = connect(), late = connect();
    exchange(idle, "GET / HTTP/1.1\r\n\r\n", "/readyz");
    asio::write(asking, asio::buffer(std::string("GET /metrics HTTP/1.1\r\n\r\n")));
    run_until([&] { return answer != nullptr; });
    asio::write(late, asio::buffer(std::string("GET /healthz HTTP/1.1\r\n\r\n")));
    http_.reset();
    gather_ = nullptr;
    answer(snapshot_sample());
    for (Socket* socket : {&idle, &asking, &late})
        EXPECT_EQ(exchange(*socket, ""), "");
    error_code error;
    Socket refused(loop_);
    refused.connect(endpoint_, error);
    EXPECT_TRUE(error);
}

TEST_F(AdminHttpTest, says_where_it_cannot_listen) {
    listen();
    const auto try_listening = [&](const config::ListenAddress& address) -> std::string {
        try {
            AdminHttp second(loop_, address, gather_, [] { return HealthReport{}; });
            return {};
        } catch (const std::system_error& error) {
            return error.what();
        }
    };
    const std::string port = std::to_string(http_->port());
    EXPECT_TRUE(has(try_listening(loopback(http_->port())), "127.0.0.1:" + port));
    config::ListenAddress address{
        config::ListenAddress::Kind::unix_socket, {}, 0, "/nonexistent/folder/socket"};
    EXPECT_TRUE(has(try_listening(address), address.path));
    address.path.assign(500, 'x');
    EXPECT_TRUE(has(try_listening(address), address.path));
}

TEST_F(AdminHttpTest, listens_on_every_address) {
    const config::ListenAddress any{config::ListenAddress::Kind::tcp, "*", 0, {}};
    http_.emplace(loop_, any, gather_, [] { return HealthReport{}; });
    endpoint_ = asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), http_->port());
    EXPECT_TRUE(has(get("/healthz"), "200 OK"));
}

TEST_F(AdminHttpTest, listens_on_a_unix_socket_and_replaces_a_stale_one) {
    std::string folder = testing::TempDir() + "sluice-http-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const config::ListenAddress address{
        config::ListenAddress::Kind::unix_socket, {}, 0, folder + "/admin"};
    endpoint_ = asio::local::stream_protocol::endpoint(address.path);
    {
        // Closed without removing its file, as a killed program leaves it.
        asio::local::stream_protocol::acceptor stale(loop_, address.path);
    }
    ASSERT_TRUE(std::filesystem::exists(address.path));
    http_.emplace(loop_, address, gather_, [] { return HealthReport{}; });
    EXPECT_EQ(http_->port(), 0);
    EXPECT_TRUE(has(get("/healthz"), "200 OK"));
    EXPECT_THROW(AdminHttp(loop_, address, gather_, [] { return HealthReport{}; }),
                 std::system_error);
    http_.reset();
    EXPECT_FALSE(std::filesystem::exists(address.path));
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::server
