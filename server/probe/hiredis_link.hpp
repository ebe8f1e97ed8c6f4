#pragma once

#include "server/net/address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

struct redisAsyncContext;

namespace sluice::server {

/// One connection to a Redis by hiredis, on a loop of Asio's. Never blocks: it takes addresses, not
/// names, and has no deadline of its own. Can be opened again after it was lost or closed.
///
/// Outlives its loop's last turn, so that what stands in the loop's queue always finds it.
/// Confined to: the loop's thread.
class HiredisLink {
  public:
    struct Reply {
        enum class Kind : std::uint8_t { text, error, other };
        Kind kind = Kind::other;
        std::string_view text;
    };
    using Answer = std::function<void(const Reply&)>;
    /// The connection is gone, or was never made; what was asked stays without an answer.
    using Lost = std::function<void(const std::string& why)>;

    HiredisLink(boost::asio::io_context& loop, Lost lost);
    ~HiredisLink();
    HiredisLink(const HiredisLink&) = delete;
    HiredisLink& operator=(const HiredisLink&) = delete;

    /// False: not even begun, for the reason in `error`. Nothing must be open.
    [[nodiscard]] bool open(const net::SocketAddress& address, std::string& error);
    [[nodiscard]] bool is_open() const noexcept { return native_ != nullptr; }
    /// May be called as soon as it is open: it is sent when the connection stands.
    void ask(std::initializer_list<std::string_view> words, Answer answer);
    void close();

  private:
    struct Hooks;  ///< What hiredis calls.
    enum class Side : std::uint8_t { reading, writing };

    [[nodiscard]] bool& wants(Side side) { return wants_[static_cast<std::size_t>(side)]; }
    [[nodiscard]] bool& waits(Side side) { return waits_[static_cast<std::size_t>(side)]; }
    void want(Side side);
    void wait(Side side);
    void ready(Side side);
    void let_go();
    void ended(const std::string& why);

    boost::asio::posix::stream_descriptor descriptor_;
    Lost lost_;
    redisAsyncContext* native_ = nullptr;
    std::deque<Answer> asked_;
    std::uint64_t number_ = 0;  ///< Of the connection, for what the loop still has of an older one.
    std::array<bool, 2> wants_{};  ///< By side.
    std::array<bool, 2> waits_{};  ///< Likewise: the loop has been asked.
};

}  // namespace sluice::server
