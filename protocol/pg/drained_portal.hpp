#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::pg {

/// A suspended portal of which all that is left has been read, so that its backend is free: answers
/// what its client asks of it from then on, up to the end of the client's batch.
///
/// The bytes read are the caller's to store: what a backend says to `append_request`.
class DrainedPortal {
  public:
    explicit DrainedPortal(std::string name) : name_(std::move(name)) {}

    /// Describe and Execute without a limit, and Flush, which is never answered.
    void append_request(std::string& out) const;
    /// Everything has been answered. The bytes to take off the front of `stored`, which answer()
    /// does not need there; 0 where it is not the result of a SELECT, whose batch ends without a
    /// trace: then this is of no use.
    [[nodiscard]] std::size_t finish(wire::Bytes stored);

    enum class End : std::uint8_t {
        open,        ///< More may be asked of it.
        more_bytes,  ///< The client's frame is not whole.
        over,        ///< The batch or the portal has ended.
        failed,      ///< The client has been told of an error: its batch is read over.
        lost,        ///< What the client asks for needs the transaction that is no more.
    };
    struct Answer {
        End end = End::open;
        std::size_t taken = 0;        ///< Off the client's bytes.
        std::size_t passed_on = 0;    ///< Off the stored bytes, to the client, before `words`.
        std::size_t left_behind = 0;  ///< Behind those, to nobody.
    };
    /// To the frame at the front of `client`; `words` end it.
    [[nodiscard]] Answer answer(wire::Bytes client, wire::Bytes stored, std::string& words);

  private:
    [[nodiscard]] Answer execute(wire::Bytes body, wire::Bytes stored, std::string& words);
    [[nodiscard]] Answer of_portal(char type, wire::Bytes body, std::string& words) const;

    const std::string name_;
    std::string description_;
    bool exhausted_ = false;
};

}  // namespace sluice::pg
