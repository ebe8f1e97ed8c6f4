#include "server/http/admin_http.hpp"

#include "server/http/listening_socket.hpp"
#include "server/metrics/exporter.hpp"
#include "server/net/address.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <list>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using boost::system::error_code;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Parser = http::request_parser<http::empty_body>;
using Answer = http::response<http::string_body>;

namespace {

constexpr auto accept_pause = 100ms;  // After a failure, such as no free file descriptor.

constexpr std::string_view header_end = "\r\n\r\n";
constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view index_text =
    "Sluice\n\n"
    "/metrics  for Prometheus\n"
    "/healthz  200 while the process works\n"
    "/readyz   200 while new clients are welcome\n";

Answer make_answer(http::status status, std::string text, std::string_view type = plain) {
    Answer answer(status, 11);
    answer.set(http::field::content_type, beast::string_view(type.data(), type.size()));
    answer.set(http::field::cache_control, "no-store");
    answer.body() = std::move(text);
    return answer;
}

/// What a request that could not be read is told; nothing when the peer is gone or too slow.
std::optional<Answer> answer_to_unreadable(const error_code& error) {
    if (error == asio::error::not_found) {
        return make_answer(http::status::request_header_fields_too_large, "header too large\n");
    }
    const bool is_peers_fault = error.category() == error_code(http::error::bad_method).category();
    if (!is_peers_fault) return std::nullopt;
    return make_answer(http::status::bad_request, "not an HTTP request\n");
}

}  // namespace

/// Accepts, reads requests, answers. The coroutines share it, because they notice only in later
/// turns of the loop that it was closed; then they call nothing of the owner's any more.
class AdminHttp::Listener {
  public:
    Listener(asio::io_context& loop, const config::ListenAddress& address, Gather gather,
             Health health, Timeouts timeouts)
        : loop_(loop.get_executor()),
          acceptor_(loop_),
          pause_(loop_),
          gather_(std::move(gather)),
          health_(std::move(health)),
          timeouts_(timeouts) {
        listen_on(acceptor_, address);
        if (address.kind == config::ListenAddress::Kind::unix_socket) path_ = address.path;
    }

    [[nodiscard]] std::uint16_t port() noexcept {
        return path_.empty() ? net::local_address_of(acceptor_.native_handle()).port() : 0;
    }
    void close();

    static asio::awaitable<void> accept_all(std::shared_ptr<Listener> self);

  private:
    struct Client {
        explicit Client(asio::generic::stream_protocol::socket socket)
            : stream(std::move(socket)), deadline(stream.get_executor()) {}
        Stream stream;
        asio::steady_timer deadline;  // Of the snapshot it waits for.
    };
    using Place = std::list<Client>::iterator;
    /// What a worker's answer finds: the asker may have given up meanwhile.
    struct Gathering {
        asio::steady_timer* deadline = nullptr;
        std::optional<Snapshot> snapshot;
    };

    static asio::awaitable<void> serve(std::shared_ptr<Listener> self, Place client);
    asio::awaitable<Answer> answer_to(http::verb method, std::string_view target, Client& client);
    asio::awaitable<Answer> metrics(Client& client);
    [[nodiscard]] Answer health(std::string_view page) const;
    asio::awaitable<error_code> read_header(Client& client, std::string& received, Parser& parser);
    asio::awaitable<error_code> send(Client& client, Answer& answer, http::verb method);
    asio::awaitable<void> part(Client& client);

    asio::io_context::executor_type loop_;
    StreamAcceptor acceptor_;
    asio::steady_timer pause_;  // Of accept_all(): for room, or after a failure.
    Gather gather_;
    Health health_;
    Timeouts timeouts_;
    std::list<Client> clients_;
    std::string path_;
};

void AdminHttp::Listener::close() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (Client& client : clients_) {
        client.stream.close();
        client.deadline.cancel();
    }
    if (!path_.empty()) ::unlink(path_.c_str());
}

asio::awaitable<void> AdminHttp::Listener::accept_all(std::shared_ptr<Listener> self) {
    error_code error;
    while (self->acceptor_.is_open()) {
        if (self->clients_.size() >= client_count_max) {
            self->pause_.expires_at(std::chrono::steady_clock::time_point::max());
            co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        auto socket =
            co_await self->acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (!self->acceptor_.is_open()) break;
        if (error) {
            self->pause_.expires_after(accept_pause);
            co_await self->pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        const Place client = self->clients_.emplace(self->clients_.end(), std::move(socket));
        asio::co_spawn(self->loop_, serve(self, client), asio::detached);
    }
}

asio::awaitable<void> AdminHttp::Listener::serve(std::shared_ptr<Listener> self, Place client) {
    std::string received;
    bool keep_alive = true;
    while (keep_alive && self->acceptor_.is_open()) {
        Parser parser;
        const error_code error = co_await self->read_header(*client, received, parser);
        if (error) {
            auto refusal = answer_to_unreadable(error);
            if (!refusal) break;
            refusal->keep_alive(false);
            co_await self->send(*client, *refusal, http::verb::unknown);
            break;
        }
        const auto& request = parser.get();
        const std::string target(request.target());
        Answer answer = co_await self->answer_to(request.method(), target, *client);
        answer.version(request.version());
        // A body is not read, so what follows it cannot be found.
        keep_alive = request.keep_alive() && parser.is_done();
        answer.keep_alive(keep_alive);
        if (co_await self->send(*client, answer, request.method())) break;
    }
    co_await self->part(*client);
    self->clients_.erase(client);
    self->pause_.cancel();
}

asio::awaitable<error_code> AdminHttp::Listener::read_header(Client& client, std::string& received,
                                                             Parser& parser) {
    // Beast's own limit is one of lines, not of the whole; so the bytes are bounded here.
    error_code error;
    client.stream.expires_after(timeouts_.io);
    const std::size_t header_bytes = co_await asio::async_read_until(
        client.stream, asio::dynamic_buffer(received, header_bytes_max), header_end,
        asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return error;
    parser.header_limit(header_bytes_max + 1);
    parser.put(asio::buffer(received.data(), header_bytes), error);
    if (!error && !parser.is_header_done()) error = http::error::bad_target;
    received.erase(0, header_bytes);
    co_return error;
}

asio::awaitable<error_code> AdminHttp::Listener::send(Client& client, Answer& answer,
                                                      http::verb method) {
    answer.prepare_payload();
    http::response_serializer<http::string_body> serializer(answer);
    error_code error;
    client.stream.expires_after(timeouts_.io);
    if (method == http::verb::head) {
        co_await http::async_write_header(client.stream, serializer,
                                          asio::redirect_error(asio::use_awaitable, error));
    } else {
        co_await http::async_write(client.stream, serializer,
                                   asio::redirect_error(asio::use_awaitable, error));
    }
    co_return error;
}

asio::awaitable<void> AdminHttp::Listener::part(Client& client) {
    // Closed with bytes unread, a socket sends a reset, and the answer may be lost on its way.
    error_code error;
    client.stream.socket().shutdown(asio::socket_base::shutdown_send, error);
    std::array<char, 4096> unread;
    client.stream.expires_after(timeouts_.farewell);
    for (int reads = 0; reads < 16 && !error; ++reads) {
        co_await client.stream.async_read_some(asio::buffer(unread),
                                               asio::redirect_error(asio::use_awaitable, error));
    }
}

asio::awaitable<Answer> AdminHttp::Listener::answer_to(http::verb method, std::string_view target,
                                                       Client& client) {
    if (!acceptor_.is_open()) {
        co_return make_answer(http::status::service_unavailable, "shutting down\n");
    }
    if (method != http::verb::get && method != http::verb::head) {
        Answer answer = make_answer(http::status::method_not_allowed, "GET and HEAD only\n");
        answer.set(http::field::allow, "GET, HEAD");
        co_return answer;
    }
    const std::string_view page = target.substr(0, target.find('?'));
    if (page == "/metrics") co_return co_await metrics(client);
    if (page == "/healthz" || page == "/readyz") co_return health(page);
    if (page == "/") co_return make_answer(http::status::ok, std::string(index_text));
    co_return make_answer(http::status::not_found, "no such page; / lists them\n");
}

Answer AdminHttp::Listener::health(std::string_view page) const {
    const HealthReport report = health_();
    const bool is_good = page == "/healthz" ? report.alive : report.alive && report.ready;
    std::string line = is_good ? "ok" : page == "/healthz" ? "not alive" : "not ready";
    if (!report.reason.empty()) line += ": " + report.reason;
    return make_answer(is_good ? http::status::ok : http::status::service_unavailable, line + "\n");
}

asio::awaitable<Answer> AdminHttp::Listener::metrics(Client& client) {
    const auto gathering = std::make_shared<Gathering>();
    gathering->deadline = &client.deadline;
    client.deadline.expires_after(timeouts_.gather);
    gather_([gathering, loop = loop_](Snapshot snapshot) {
        asio::post(loop, [gathering, snapshot = std::move(snapshot)]() mutable {
            if (gathering->deadline == nullptr) return;
            gathering->snapshot = std::move(snapshot);
            gathering->deadline->cancel();
        });
    });
    error_code ignored;
    co_await client.deadline.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    gathering->deadline = nullptr;
    if (!gathering->snapshot) {
        co_return make_answer(http::status::service_unavailable,
                              "the workers did not answer in time\n");
    }
    co_return make_answer(http::status::ok, metrics_text(*gathering->snapshot),
                          "text/plain; version=0.0.4; charset=utf-8");
}

AdminHttp::AdminHttp(asio::io_context& loop, const config::ListenAddress& address, Gather gather,
                     Health health, Timeouts timeouts)
    : listener_(std::make_shared<Listener>(loop, address, std::move(gather), std::move(health),
                                           timeouts)) {
    asio::co_spawn(loop, Listener::accept_all(listener_), asio::detached);
}

AdminHttp::~AdminHttp() {
    listener_->close();
}

std::uint16_t AdminHttp::port() const noexcept {
    return listener_->port();
}

}  // namespace sluice::server
