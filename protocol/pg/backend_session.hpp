#pragma once

#include "protocol/pg/frame.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::pg {

/// What the bytes at the front of a backend's stream mean to the relay.
enum class BackendEvent : std::uint8_t {
    none,           ///< Nothing beyond the bytes themselves.
    ready,          ///< The run ends with a ReadyForQuery.
    parameter,      ///< The run is exactly one whole ParameterStatus frame.
    private_error,  ///< The run is one whole ErrorResponse to a request of this program's own.
    violation,      ///< The backend broke the protocol: close it. `bytes` is meaningless.
};

/// Bytes at the front of what arrived that share one fate.
struct BackendRun {
    std::size_t bytes = 0;
    Audience audience = Audience::client;
    BackendEvent event = BackendEvent::none;
};

/// One backend's conversation after its login: which replies it still owes, whether it is inside
/// a transaction or a COPY, and so whether anyone else may have it.
///
/// The rule of release stands here and nowhere else: `releasable()`.
///
/// Bytes arrive in any pieces: a large frame is passed on as it comes, only its header is read.
/// Nothing here performs I/O. Owned by the server's backend object.
/// Source: PostgreSQL 15 manual, "Message Flow", of which "Pipelining" and "COPY Operations".
class BackendSession {
  public:
    /// A request has been handed to the backend's socket, in this order.
    void sent(OwedReply entry);

    /// Takes the longest run of bytes with one fate off the front of `available`. Zero bytes and
    /// no event mean that more must arrive first; what was not taken is offered again then.
    [[nodiscard]] BackendRun next(wire::Bytes available);

    /// True when nothing is owed, no implicit transaction or COPY is open and the backend said
    /// that it is idle. Only then, and after no cancel for it is under way, may a lease end clean.
    [[nodiscard]] bool releasable() const noexcept {
        return settled() && status_ == TransactionStatus::idle;
    }
    /// As above but for the transaction: every reply has come and the conversation is in step.
    [[nodiscard]] bool settled() const noexcept {
        return queue_.empty() && body_left_ == 0 && stage_ == Stage::in_step &&
               doubt_ == Doubt::none;
    }

    /// What must be sent so that the conversation can end although its client is gone: fails an
    /// open COPY, rolls back, sends the missing Sync, asks for a reply that ends a doubt. Appends
    /// to `out` and counts what it appends as sent. Call again after more has arrived, until
    /// `releasable()` or `in_doubt()`.
    void append_recovery(std::string& out);

    /// At rest, but for a doubt that only another reply can end: append_recovery() asks for one,
    /// which is harmless here even though the client is still there.
    [[nodiscard]] bool wants_proof() const noexcept {
        return doubt_ == Doubt::stray_ready && queue_.empty() && body_left_ == 0 &&
               stage_ == Stage::in_step && status_ == TransactionStatus::idle;
    }

    [[nodiscard]] TransactionStatus status() const noexcept { return status_; }
    [[nodiscard]] std::size_t owed_count() const noexcept { return queue_.size(); }
    /// An earlier request is being executed or is in line, so a cancel has something to hit.
    [[nodiscard]] bool busy() const noexcept { return !queue_.empty(); }
    /// What is being executed is the client's, not ours.
    [[nodiscard]] bool owes_client() const noexcept {
        return !queue_.empty() && queue_.front().audience == Audience::client;
    }
    /// The client has seen an error that no ReadyForQuery has followed: if the backend is lost now,
    /// that error said why, and a second one would be one too many.
    [[nodiscard]] bool error_outstanding() const noexcept { return error_outstanding_; }
    /// In the middle of a frame, so nothing of ours may be sent to the client.
    [[nodiscard]] bool within_frame() const noexcept { return body_left_ > 0; }
    /// The conversation can no longer be followed with certainty, or the backend has said
    /// farewell: it is to be closed when its client is done with it.
    [[nodiscard]] bool in_doubt() const noexcept { return doubt_ == Doubt::lost; }

  private:
    /// Where requests stand that no Sync has ended.
    enum class Stage : std::uint8_t {
        in_step,   ///< The last request ends its own transaction: Query, FunctionCall or Sync.
        unsynced,  ///< Extended requests were sent and no Sync behind them.
        skipping,  ///< After an error the backend discards everything up to a Sync not yet sent.
        copy_in,   ///< The backend reads CopyData; CopyDone or CopyFail has not been sent.
    };

    /// How far the queue can be believed.
    ///
    /// A COPY that fails after a Sync was sent into it leaves open whether the backend read that
    /// Sync as part of the COPY or behind the failure, where it is answered. Such a stray
    /// ReadyForQuery comes before the reply to anything sent later, so that reply ends the doubt.
    enum class Doubt : std::uint8_t { none, stray_ready, lost };

    struct Fate {
        Audience audience;
        bool whole;  ///< The frame is needed in one piece.
    };

    [[nodiscard]] Fate fate_of(BackendMessage type) const noexcept;
    [[nodiscard]] BackendEvent received(BackendMessage type, wire::Bytes whole_body);
    [[nodiscard]] bool answered(BackendMessage type);
    [[nodiscard]] bool stray_ready_next() const noexcept;
    [[nodiscard]] bool completed(Owed owed);
    [[nodiscard]] BackendEvent ready_received(wire::Bytes body);
    void error_received();
    void skip_to_sync();
    [[nodiscard]] bool copy_in_started();
    [[nodiscard]] Stage stage_behind_copy() const noexcept;
    [[nodiscard]] bool command_completed();
    void pop_front();

    ReplyQueue queue_;
    std::uint32_t body_left_ = 0;  ///< Bytes of a frame passed on in pieces.
    Audience body_audience_ = Audience::client;
    TransactionStatus status_ = TransactionStatus::idle;
    Stage stage_ = Stage::in_step;
    Doubt doubt_ = Doubt::none;
    bool error_outstanding_ = false;
    bool copy_swallowed_sync_ = false;  ///< A Sync was sent that the COPY in progress ignores.
    bool front_answered_ = false;       ///< Some of the front entry's reply has come.
};

}  // namespace sluice::pg
