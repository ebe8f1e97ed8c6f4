#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::pg {

/// What one request that went to a backend still has to be answered with.
enum class Owed : std::uint8_t {
    nothing,        ///< Not an entry: the request is never answered (Flush, CopyData).
    parse,          ///< ParseComplete.
    bind,           ///< BindComplete.
    describe,       ///< RowDescription or NoData.
    execute,        ///< CommandComplete, EmptyQueryResponse or PortalSuspended.
    close,          ///< CloseComplete.
    query,          ///< Everything up to its own ReadyForQuery.
    function_call,  ///< FunctionCallResponse, then ReadyForQuery.
    sync,           ///< ReadyForQuery.
    copy_end,       ///< CopyDone or CopyFail: answered only as part of a COPY, else ignored.
};

/// Who gets the reply: the client that asked, or nobody because this program asked.
enum class Audience : std::uint8_t { client, nobody };

struct OwedReply {
    Owed owed = Owed::nothing;
    Audience audience = Audience::client;
};

/// The requests a backend has been sent and has not fully answered, oldest first.
///
/// A ring that grows by doubling and never shrinks; it belongs to a backend, and there are few.
class ReplyQueue {
  public:
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] OwedReply front() const noexcept { return at(0); }
    [[nodiscard]] OwedReply at(std::size_t index) const noexcept {
        return ring_[(head_ + index) & (ring_.size() - 1)];
    }

    void push(OwedReply entry) {
        if (count_ == ring_.size()) grow();
        ring_[(head_ + count_) & (ring_.size() - 1)] = entry;
        ++count_;
    }
    void pop() noexcept {
        head_ = (head_ + 1) & (ring_.size() - 1);
        --count_;
    }
    void clear() noexcept {
        head_ = 0;
        count_ = 0;
    }

    /// Removes the entries behind the front for which `drop(entry)` says yes, up to the first for
    /// which `stop(entry)` says yes, and that one too. Returns whether there was such a one.
    template <typename Drop, typename Stop>
    bool drop_behind_front(Drop drop, Stop stop) {
        std::size_t kept = 1;
        bool stopped = false;
        for (std::size_t index = 1; index < count_; ++index) {
            const OwedReply entry = at(index);
            if (!stopped && stop(entry)) {
                stopped = true;
                continue;
            }
            if (!stopped && drop(entry)) continue;
            ring_[(head_ + kept) & (ring_.size() - 1)] = entry;
            ++kept;
        }
        count_ = count_ == 0 ? 0 : kept;
        return stopped;
    }

  private:
    void grow() {
        std::vector<OwedReply> larger(ring_.size() * 2);
        for (std::size_t index = 0; index < count_; ++index)
            larger[index] = at(index);
        ring_.swap(larger);
        head_ = 0;
    }

    std::vector<OwedReply> ring_ = std::vector<OwedReply>(16);
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace sluice::pg
