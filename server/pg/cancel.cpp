#include "server/pg/cancel.hpp"

#include "protocol/pg/startup.hpp"

#include "server/net/socket_options.hpp"
#include "server/pg/backend.hpp"
#include "server/worker.hpp"

#include <cerrno>
#include <utility>

namespace sluice::server {

CancelCall::CancelCall(Worker& worker, PgBackend& backend, std::function<void()> done)
    : Stream(worker.engine()), worker_(worker), backend_(&backend), done_(std::move(done)) {}

bool CancelCall::begin() {
    const int fd = engine().connect(backend_->address());
    if (fd < 0) return false;
    net::set_tcp_options(fd, worker_.settings());
    worker_.engine().timers().arm(*this,
                                  worker_.engine().now() + worker_.settings().cancel_wait_timeout);
    open_connecting(fd);
    return true;
}

void CancelCall::connected() {
    if (backend_ == nullptr) {
        finish(Certainty::unknown);
        return;
    }
    std::string packet;
    pg::append_cancel_request(packet, backend_->key().process_id,
                              wire::as_bytes(backend_->key().key));
    send(packet);
}

void CancelCall::received(wire::Bytes) {}  // The server says nothing; whatever it says is ignored.

void CancelCall::ended(int error) {
    // A reset instead of a close still means that the server is done with it. What never connected
    // never sent anything.
    const bool certain = life() == Life::connecting || error == 0 || error == ECONNRESET;
    finish(certain ? Certainty::delivered : Certainty::unknown);
}

void CancelCall::expired(net::TimePoint) {
    finish(life() == Life::connecting ? Certainty::delivered : Certainty::unknown);
}

void CancelCall::finish(Certainty certainty) {
    close();
    disarm();
    if (PgBackend* const backend = backend_; backend != nullptr) {
        backend_ = nullptr;
        backend->cancel_finished(*this, certainty == Certainty::delivered);
    }
    if (const auto done = std::exchange(done_, nullptr)) done();
    worker_.forget(*this);
}

}  // namespace sluice::server
