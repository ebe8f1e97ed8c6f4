#pragma once

#include "protocol/pg/statement_id.hpp"
#include "protocol/wire/ring.hpp"

#include <cstddef>
#include <cstdint>

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
    bad_flush,      ///< An error: it has a body. Inside a COPY nothing, as any Flush.
    copy_end,       ///< CopyDone or CopyFail: answered only as part of a COPY, else ignored.
};

/// Whether a reply to this ends with a ReadyForQuery.
[[nodiscard]] constexpr bool ends_with_ready(Owed owed) noexcept {
    return owed == Owed::sync || owed == Owed::query || owed == Owed::function_call;
}

/// Who gets the reply, and from whom.
enum class Audience : std::uint8_t {
    client,           ///< The client that asked.
    nobody,           ///< This program asked.
    client_if_error,  ///< We asked on behalf of the client's next request: an error answers that.
    client_from_us,   ///< The backend was not asked: the client is answered here when its turn
                      ///< comes.
};

/// What came of a request: an error answered it, or an earlier one, so that it was read over.
enum class Outcome : std::uint8_t { happened, failed, read_over };

/// What is special about a request that concerns a statement.
enum class Twist : std::uint8_t {
    none,
    unnamed,        ///< Parse or Close of the backend's unnamed statement.
    name_taken,     ///< Parse under a name that is taken, for the client's own is: it shall fail.
    beyond_limits,  ///< The same, because the client has more statements than it may.
    own_name,       ///< Parse, Close or Execute that changes what one of the clients' own names
                    ///< stands for: it settles the oldest change of the backend's.
    names,          ///< Query or Execute of a text that changes such names.
    stands_in,      ///< Sync behind a Query, for the client if the Query is read over.
    rejected,       ///< What is sent in the client's place shall fail; `slot` is the PinReason.
    question,       ///< A Query of ours, of which each row is wanted.
    tells,          ///< Describe of a statement, or its portal, of whose result nothing is known.
    tells_unnamed,  ///< Likewise, of the backend's unnamed statement.
    outdated,       ///< Bind of no statement, in place of one whose result is another now.
    begins,         ///< Parse, Bind and Execute of a BEGIN that was answered before.
};

struct OwedReply {
    constexpr OwedReply() noexcept = default;
    // NOLINTNEXTLINE(google-explicit-constructor): most replies are known by their kind alone.
    constexpr OwedReply(Owed what, Audience to = Audience::client) noexcept
        : owed(what), audience(to) {}

    Owed owed = Owed::nothing;
    Audience audience = Audience::client;
    Twist twist = Twist::none;
    bool changes_client = false;  ///< It settles the oldest change of the client's statements.
    std::uint32_t slot = 0;       ///< Of the client's statement, whose name an error must show.
    StatementId statement;  ///< Parse and Close: what changes. Bind and Describe: what is used.
};

/// Whether the description that answers it is looked at.
[[nodiscard]] constexpr bool describes_for_us(const OwedReply& entry) noexcept {
    return entry.twist == Twist::tells || entry.twist == Twist::tells_unnamed;
}

/// Whether the backend may object to it with a name of ours in its words.
[[nodiscard]] constexpr bool shows_our_name(const OwedReply& entry) noexcept {
    switch (entry.twist) {
        case Twist::none:
        case Twist::tells: return static_cast<bool>(entry.statement);
        case Twist::name_taken:
        case Twist::beyond_limits:
        case Twist::rejected:
        case Twist::outdated: return true;
        case Twist::unnamed:
        case Twist::tells_unnamed:
        case Twist::own_name:
        case Twist::names:
        case Twist::stands_in:
        case Twist::question:
        case Twist::begins: break;
    }
    return false;
}

/// The requests a backend has been sent and has not fully answered, oldest first.
class ReplyQueue {
  public:
    [[nodiscard]] bool empty() const noexcept { return ring_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }
    [[nodiscard]] const OwedReply& front() const noexcept { return ring_.front(); }
    [[nodiscard]] const OwedReply& at(std::size_t index) const noexcept { return ring_[index]; }

    /// The reply to the front goes to someone else.
    void readdress_front(Audience audience) noexcept { ring_.front().audience = audience; }
    void push(const OwedReply& entry) { ring_.push_back(entry); }
    void pop() noexcept { ring_.pop_front(); }
    void clear() noexcept { ring_.clear(); }

    template <typename Is>
    [[nodiscard]] bool any_behind_front(Is is) const {
        for (std::size_t index = 1; index < ring_.size(); ++index) {
            if (is(ring_[index])) return true;
        }
        return false;
    }

    /// Removes the entries behind the front for which `drop(entry)` says yes, up to the first for
    /// which `stop(entry)` says yes, and that one too. Returns whether there was such a one.
    template <typename Drop, typename Stop>
    bool drop_behind_front(Drop drop, Stop stop) {
        std::size_t kept = 1;
        bool stopped = false;
        for (std::size_t index = 1; index < ring_.size(); ++index) {
            const OwedReply& entry = ring_[index];
            if (!stopped && stop(entry)) {
                stopped = true;
                continue;
            }
            if (!stopped && drop(entry)) continue;
            ring_[kept++] = entry;
        }
        ring_.keep_oldest(kept);
        return stopped;
    }

  private:
    wire::Ring<OwedReply> ring_;
};

}  // namespace sluice::pg
