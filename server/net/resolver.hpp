#pragma once

#include "server/net/address.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace sluice::net {

/// Looks names up beside the workers, since the system's resolver blocks, and remembers answers
/// for `dns_max_ttl`. A failed look-up is answered with what was known last, if anything was.
///
/// Thread-safe. Owned by App; outlives the workers.
class Resolver {
  public:
    /// Empty on failure; `error` says why then.
    using Answer = std::function<void(std::vector<SocketAddress> addresses, std::string error)>;

    Resolver(boost::asio::io_context& control, std::chrono::milliseconds ttl_max);
    ~Resolver();

    /// Holds for what is remembered already as well.
    void set_ttl_max(std::chrono::milliseconds ttl_max);

    /// Calls `answer` once: at once for a remembered name, else from the control thread.
    void resolve(const std::string& host, std::uint16_t port, Answer answer);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice::net
