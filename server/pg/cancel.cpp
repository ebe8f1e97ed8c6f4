#include "server/pg/cancel.hpp"

#include "protocol/pg/startup.hpp"

#include "server/net/socket_options.hpp"
#include "server/pg/backend.hpp"
#include "server/worker.hpp"

#include <cerrno>
#include <utility>

namespace sluice::server {

CancelCall::CancelCall(Worker& worker, const Target& target, std::function<void()> done)
    : Stream(worker.engine()), worker_(worker), backend_(target.backend), done_(std::move(done)) {
    pg::append_cancel_request(packet_, target.key.process_id, wire::as_bytes(target.key.key));
}

CancelCall::~CancelCall() {
    worker_.shared().cancels.give_back();
}

std::unique_ptr<CancelCall> CancelCall::begin(Worker& worker, const Target& target,
                                              std::function<void()> done) {
    if (!worker.shared().cancels.try_take()) return nullptr;
    // From here on the object has the permit, and gives it back however it ends.
    std::unique_ptr<CancelCall> call(new CancelCall(worker, target, std::move(done)));
    const int fd = worker.engine().connect(target.address);
    if (fd < 0) return nullptr;
    net::set_tcp_options(fd, worker.settings());
    const config::Duration time = worker.settings().cancel_wait_timeout;
    if (time.count() > 0) worker.engine().timers().arm(*call, worker.engine().now() + time);
    call->open_connecting(fd);
    return call;
}

void CancelCall::connected() {
    if (packet_.empty()) {
        finish(Certainty::unknown);
        return;
    }
    send(packet_);
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
