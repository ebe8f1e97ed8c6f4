#include "server/http/listening_socket.hpp"

#include "config/addresses.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <unistd.h>

#include <system_error>
#include <vector>

namespace sluice::server {

namespace {

namespace asio = boost::asio;
using Endpoint = asio::generic::stream_protocol::endpoint;
using boost::system::error_code;

/// Where to try, in this order; the first that works is taken.
std::vector<Endpoint> endpoints_of(StreamAcceptor& acceptor, const config::ListenAddress& address,
                                   error_code& error) {
    if (address.kind == config::ListenAddress::Kind::unix_socket) {
        asio::local::stream_protocol::endpoint file;
        if (address.path.size() >= file.capacity() - sizeof(sa_family_t)) {
            error = asio::error::name_too_long;
            return {};
        }
        file.path(address.path);
        return {file};
    }
    using asio::ip::tcp;
    if (address.host == "*") {
        // The first takes IPv4 too; where IPv6 is switched off only the second works.
        return {tcp::endpoint(tcp::v6(), address.port), tcp::endpoint(tcp::v4(), address.port)};
    }
    std::vector<Endpoint> endpoints;
    tcp::resolver resolver(acceptor.get_executor());
    for (const auto& entry : resolver.resolve(address.host, std::to_string(address.port),
                                              tcp::resolver::passive, error)) {
        endpoints.emplace_back(entry.endpoint());
    }
    return endpoints;
}

/// True when the file was a socket left behind by a program that is gone.
bool remove_stale_socket(StreamAcceptor& acceptor, const Endpoint& endpoint,
                         const std::string& path) {
    asio::generic::stream_protocol::socket probe(acceptor.get_executor());
    error_code error;
    probe.connect(endpoint, error);
    return error == asio::error::connection_refused && ::unlink(path.c_str()) == 0;
}

error_code try_endpoint(StreamAcceptor& acceptor, const config::ListenAddress& address,
                        const Endpoint& endpoint) {
    const bool is_tcp = address.kind == config::ListenAddress::Kind::tcp;
    error_code error, ignored;
    acceptor.close(ignored);
    acceptor.open(endpoint.protocol(), error);
    if (error) return error;
    if (is_tcp) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (is_tcp && address.host == "*" && endpoint.protocol().family() == AF_INET6) {
        acceptor.set_option(asio::ip::v6_only(false), error);
    }
    if (!error) acceptor.bind(endpoint, error);
    if (error == asio::error::address_in_use && !is_tcp &&
        remove_stale_socket(acceptor, endpoint, address.path)) {
        error.clear();
        acceptor.bind(endpoint, error);
    }
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    return error;
}

}  // namespace

void listen_on(StreamAcceptor& acceptor, const config::ListenAddress& address) {
    error_code error;
    for (const Endpoint& endpoint : endpoints_of(acceptor, address, error)) {
        error = try_endpoint(acceptor, address, endpoint);
        if (!error) return;
    }
    if (!error) error = asio::error::host_not_found;
    throw std::system_error(error, "cannot listen on " + config::show(address));
}

}  // namespace sluice::server
