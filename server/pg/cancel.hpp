#pragma once

#include "protocol/pg/backend_login.hpp"

#include "server/net/address.hpp"
#include "server/net/stream.hpp"
#include "server/net/timer_wheel.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace sluice::server {

class PgBackend;
class Worker;

/// One CancelRequest on its way to a database server, on a connection of its own. It ends when the
/// server has closed that connection, which it does after it has signalled the backend: only then
/// can the backend be given to somebody else without the cancel hitting the wrong query.
///
/// Holds one permit of the process' bound on cancels from begin to end.
///
/// Owned by its worker. Confined to: its worker.
class CancelCall final : public net::Stream, private net::Timer {
  public:
    /// Which server process is meant.
    struct Target {
        const net::SocketAddress& address;
        const pg::BackendKey& key;
        PgBackend* backend;  ///< To be told of the end; null: nobody's.
    };
    /// Null, and `done` is not called, when `max_cancels` are under way or the connect failed at
    /// once. Else `done`, if any, is called once when the server has closed the connection or time
    /// is up.
    [[nodiscard]] static std::unique_ptr<CancelCall> begin(Worker& worker, const Target& target,
                                                           std::function<void()> done);
    ~CancelCall() override;
    /// The backend is no more: the call goes on for nobody.
    void forget_backend() noexcept {
        backend_ = nullptr;
        packet_.clear();
    }

  private:
    CancelCall(Worker& worker, const Target& target, std::function<void()> done);

    enum class Certainty : std::uint8_t { delivered, unknown };

    void received(wire::Bytes bytes) override;
    void output_drained() override {}
    void connected() override;
    void ended(int error) override;
    void expired(net::TimePoint now) override;
    void finish(Certainty certainty);

    Worker& worker_;
    PgBackend* backend_;
    std::string packet_;  ///< Empty when there is nothing to cancel any more.
    std::function<void()> done_;
};

}  // namespace sluice::server
