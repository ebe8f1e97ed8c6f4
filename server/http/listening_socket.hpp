#pragma once

#include "config/settings.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <string>

namespace sluice::server {

using StreamAcceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// Binds and listens, on TCP or on a Unix socket; a socket file that nobody answers at any more is
/// replaced. Names are looked up here and now: this is for the start of the program.
/// Throws std::system_error with the address in its text.
void listen_on(StreamAcceptor& acceptor, const config::ListenAddress& address);

}  // namespace sluice::server
