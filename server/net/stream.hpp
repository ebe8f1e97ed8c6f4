#pragma once

#include "protocol/wire/cursor.hpp"

#include "server/net/chunk.hpp"
#include "server/net/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::net {

enum class Reception : std::uint8_t {
    open,
    paused,
    ended,  ///< The peer sends no more, and is still sent to.
};

/// One connected socket. Bytes that arrive are handed to `received`; bytes to send leave at once
/// where the kernel takes them, and wait in borrowed chunks where it does not.
///
/// Owned by what derives from it. Confined to: the engine it is attached to. The TLS layer of a
/// later version goes between the two functions that touch the socket and everything else.
class Stream : public Watcher {
  public:
    explicit Stream(Engine& engine) noexcept : Watcher(Kind::stream), engine_(&engine) {}
    ~Stream() override;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Takes over a connected, non-blocking socket and asks for its bytes.
    void open(int fd);
    /// Takes over a socket whose connect is under way: `connected` or `ended` follows.
    void open_connecting(int fd);
    /// Leaves its engine with the socket open; `arrive` goes on at the other.
    void depart() noexcept;
    void arrive(Engine& engine);

    /// After a failed send the stream ends in the next turn; until then sending is a no-op.
    void send(wire::Bytes bytes);
    void send(std::string_view text) { send(wire::as_bytes(text)); }

    void pause_reception() { set_reception(Reception::paused); }
    void resume_reception() { set_reception(Reception::open); }

    /// Receives now what has arrived, if anything, instead of in the next turn.
    void look();

    /// Closes when everything sent has left; nothing is received from now on. `ended` is called
    /// when that is done, at the earliest in the next turn.
    void close_after_output();
    /// Closes at once. No callback follows.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] std::size_t pending_output_bytes() const noexcept {
        return output_ ? output_->bytes() : 0;
    }
    [[nodiscard]] bool reception_paused() const noexcept { return reception_ != Reception::open; }
    [[nodiscard]] bool reception_ended() const noexcept { return reception_ == Reception::ended; }
    [[nodiscard]] Engine& engine() const noexcept { return *engine_; }

    enum class Life : std::uint8_t { connecting, open, finishing, failed };

    /// For the engine: what the stream waits for, and the engine's own note about it, which is 0
    /// while the stream is not attached.
    [[nodiscard]] Life life() const noexcept { return life_; }
    [[nodiscard]] std::uint8_t note() const noexcept { return note_; }
    void set_note(std::uint8_t note) noexcept { note_ = note; }
    /// For the engine: what the kernel reported.
    void ready() final {}
    void socket_readable(std::span<std::byte> scratch);
    void socket_writable();
    void socket_connected();
    void socket_failed(int error);
    /// For the engine: it cannot tell of this socket, so that the stream ends in the next turn.
    void unwatchable() { fail(Failure::unwatched); }

  protected:
    virtual void connected() {}
    /// `bytes` are valid during the call only.
    virtual void received(wire::Bytes bytes) = 0;
    /// Everything that waited has left.
    virtual void output_drained() = 0;
    /// The peer sends no more. Unless it is told otherwise, the stream ends with that.
    virtual void input_ended();
    /// For input_ended: the socket stays open, to be sent to; only a failure is reported now.
    void keep_for_output() { set_reception(Reception::ended); }
    /// The peer closed, the socket failed, or the output of close_after_output() has left. The
    /// socket is closed already. `error` is the system's number, 0 when the peer simply closed,
    /// ENOBUFS when the budget had no room for what the peer did not take, and ENOSPC when the
    /// engine could not watch it.
    virtual void ended(int error) = 0;

  private:
    void set_reception(Reception reception);
    void keep(wire::Bytes bytes);
    enum class Failure : std::uint8_t { of_socket, buffers_spent, unwatched };
    void fail(Failure failure);

    Engine* engine_;
    std::unique_ptr<ChunkQueue> output_;  ///< Only while something waits to leave.
    int fd_ = -1;
    Reception reception_ = Reception::open;
    Life life_ = Life::open;
    std::uint8_t note_ = 0;
    Failure failure_ = Failure::of_socket;
};

}  // namespace sluice::net
