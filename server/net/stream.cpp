#include "server/net/stream.hpp"

#include <array>
#include <cerrno>

namespace sluice::net {

Stream::~Stream() {
    close();
}

void Stream::open(int fd) {
    fd_ = fd;
    life_ = Life::open;
    reception_ = Reception::open;
    engine_->attach(*this);
}

void Stream::open_connecting(int fd) {
    fd_ = fd;
    life_ = Life::connecting;
    reception_ = Reception::open;
    engine_->attach(*this);
}

void Stream::depart() noexcept {
    engine_->detach(*this);
}

void Stream::arrive(Engine& engine) {
    engine_ = &engine;
    engine_->attach(*this);
}

void Stream::send(wire::Bytes bytes) {
    if (fd_ < 0 || life_ == Life::failed || bytes.empty()) return;
    if (output_) {
        keep(bytes);
        return;
    }
    const std::ptrdiff_t sent = engine_->write(fd_, bytes);
    if (sent < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            keep(bytes);
        } else {
            fail(Failure::of_socket);
        }
        return;
    }
    if (static_cast<std::size_t>(sent) < bytes.size()) {
        keep(bytes.subspan(static_cast<std::size_t>(sent)));
    }
}

void Stream::keep(wire::Bytes bytes) {
    if (!output_) {
        output_ = std::make_unique<ChunkQueue>(engine_->chunks());
        if (!output_->append(bytes)) {
            fail(Failure::buffers_spent);
            return;
        }
        engine_->interest_changed(*this);
        return;
    }
    // A peer whose unread bytes spend the budget of all is cut: the others go on.
    if (!output_->append(bytes)) fail(Failure::buffers_spent);
}

void Stream::fail(Failure failure) {
    life_ = Life::failed;
    failure_ = failure;
    output_.reset();
    // Reported by the engine, not from inside a send: its caller is in the middle of something.
    engine_->interest_changed(*this);
}

void Stream::set_reception(Reception reception) {
    if (reception_ == reception || reception_ == Reception::ended || fd_ < 0) return;
    reception_ = reception;
    engine_->interest_changed(*this);
}

void Stream::look() {
    // Not the engine's buffer: the caller may be in the middle of somebody else's bytes.
    std::array<std::byte, 4096> scratch;
    if (fd_ >= 0) socket_readable(scratch);
}

void Stream::close_after_output() {
    if (fd_ < 0 || life_ == Life::failed) return;
    life_ = Life::finishing;
    engine_->interest_changed(*this);
}

void Stream::close() noexcept {
    if (fd_ < 0) return;
    engine_->forget(*this);
    output_.reset();
    engine_->close(fd_);
    fd_ = -1;
}

void Stream::socket_readable(std::span<std::byte> scratch) {
    if (life_ != Life::open || reception_ != Reception::open) return;
    const std::ptrdiff_t count = engine_->read(fd_, scratch);
    if (count > 0) {
        received(scratch.first(static_cast<std::size_t>(count)));
    } else if (count == 0) {
        input_ended();
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        const int error = errno;
        close();
        ended(error);
    }
}

void Stream::input_ended() {
    close();
    ended(0);
}

void Stream::socket_writable() {
    if (output_) {
        while (!output_->empty()) {
            const wire::Bytes front = output_->front();
            const std::ptrdiff_t sent = engine_->write(fd_, front);
            if (sent < 0) {
                if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
                socket_failed(errno);
                return;
            }
            output_->consume(static_cast<std::size_t>(sent));
            if (static_cast<std::size_t>(sent) < front.size()) return;
        }
        output_.reset();
    }
    if (life_ == Life::finishing) {
        engine_->shut_down(fd_);
        close();
        ended(0);
        return;
    }
    engine_->interest_changed(*this);
    output_drained();
}

void Stream::socket_connected() {
    const int error = engine_->connect_error(fd_);
    if (error != 0) {
        socket_failed(error);
        return;
    }
    life_ = Life::open;
    engine_->interest_changed(*this);
    connected();
}

void Stream::socket_failed(int error) {
    const int reason = failure_ == Failure::buffers_spent ? ENOBUFS
                       : failure_ == Failure::unwatched   ? ENOSPC
                                                          : error;
    close();
    ended(reason);
}

}  // namespace sluice::net
