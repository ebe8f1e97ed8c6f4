#pragma once

#include "protocol/pg/backend_names.hpp"
#include "protocol/pg/backend_statements.hpp"
#include "protocol/pg/client_statements.hpp"
#include "protocol/pg/command_tag.hpp"
#include "protocol/pg/encore.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/wire/cursor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::pg {

/// What the bytes at the front of a backend's stream mean to the relay.
enum class BackendEvent : std::uint8_t {
    none,            ///< Nothing beyond the bytes themselves.
    ready,           ///< The run ends with a ReadyForQuery.
    parameter,       ///< The run is exactly one whole ParameterStatus frame.
    private_error,   ///< The run is one whole ErrorResponse to a request of this program's own.
    private_row,     ///< The run is one whole DataRow of a question of this program's own.
    private_notice,  ///< The run is one whole NoticeResponse to a request of this program's own.
    notification,    ///< The run is exactly one whole NotificationResponse.
    outdated_plan,   ///< The run is one whole ErrorResponse, for nobody; send_again() heals it.
    renamed_error,   ///< The run is one whole ErrorResponse; a name of ours may stand in its words.
    answer,     ///< No bytes were taken: the client gets `reply`, which the backend never gave.
    violation,  ///< The backend broke the protocol: close it. `bytes` is meaningless.
};

/// Why a backend that owes nothing is not free: what its client would have to go on with.
enum class Rest : std::uint8_t {
    none,         ///< It is free, or it owes something.
    transaction,  ///< A transaction block, between two requests.
    portal,       ///< A batch that no Sync has ended, or a transaction block with an open cursor.
};

/// Bytes at the front of what arrived that share one fate.
struct BackendRun {
    std::size_t bytes = 0;
    Audience audience = Audience::client;
    BackendEvent event = BackendEvent::none;
    std::string_view reply;  ///< Static lifetime.
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
    void sent(const OwedReply& entry);

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

    /// The statements on this backend; what is sent and answered keeps them up to date.
    [[nodiscard]] BackendStatements& statements() noexcept { return statements_; }
    /// Those that stand there under names of the clients' own.
    [[nodiscard]] BackendNames& names() noexcept { return names_; }
    /// Whose statements the entries that follow change; null: nobody's any more. What has not been
    /// settled then never is.
    void serve_statements_of(ClientStatements* client) noexcept {
        if (client != client_statements_) encore_.drop();
        client_statements_ = client;
    }
    /// The Bind that is sent next uses a statement that the backend was taught before.
    void rely_on(const Statement& statement) noexcept {
        if (encore_.idle() && outside_block() && !since_ready_.answered) encore_.begin(statement);
    }
    /// The batch under way, to which what is sent is added.
    [[nodiscard]] Encore& encore() noexcept { return encore_; }
    /// Behind `outdated_plan`: appends the batch once more, its statement parsed anew before it.
    void send_again(std::string& out);
    /// Counts the Syncs sent: an error makes the backend read over requests of one number at most.
    [[nodiscard]] std::uint32_t batch() const noexcept { return batch_; }
    /// What is sent now will be read over, up to a Sync.
    [[nodiscard]] bool skipping() const noexcept { return stage_ == Stage::skipping; }
    /// A request sent now succeeds as far as anything before it is concerned, or is read over: the
    /// transaction will not have failed when its turn comes.
    [[nodiscard]] bool predictable() const noexcept {
        return status_ != TransactionStatus::failed && ready_owed_ == 0 && doubt_ == Doubt::none &&
               (stage_ == Stage::in_step || stage_ == Stage::unsynced);
    }
    /// What is sent now is no part of a batch that has begun.
    [[nodiscard]] bool between_batches() const noexcept { return stage_ == Stage::in_step; }
    /// No transaction block is open where a request sent now will be executed.
    [[nodiscard]] bool outside_block() const noexcept {
        return predictable() && status_ == TransactionStatus::idle && !executed_;
    }
    /// The next reply to the client is not the backend's to give: `next` has it, without bytes.
    [[nodiscard]] bool answers_next() const noexcept {
        return !queue_.empty() && queue_.front().audience == Audience::client_from_us &&
               body_left_ == 0;
    }
    /// A BEGIN that its client takes for done has been sent and not answered.
    [[nodiscard]] bool owes_begin() const noexcept { return owes_begin_; }
    /// An Execute has been sent that no Sync has followed.
    [[nodiscard]] bool executed_in_batch() const noexcept { return executed_; }
    /// A transaction has ended in which some definition changed. Asked once for each.
    [[nodiscard]] SchemaChange take_schema_change() noexcept {
        if (status_ != TransactionStatus::idle) return SchemaChange::none;
        if (may_define_) schema_change_ = std::max(schema_change_, SchemaChange::meanings);
        may_define_ = may_define_ && !queue_.empty();
        return std::exchange(schema_change_, SchemaChange::none);
    }
    /// A text is sent that may change definitions by a tag that does not tell.
    void may_define() noexcept { may_define_ = true; }
    /// What a text means may be another here than elsewhere, for a definition has been changed in
    /// the transaction under way.
    [[nodiscard]] bool redefines() const noexcept {
        return may_define_ || schema_change_ != SchemaChange::none;
    }
    /// Errors that the client was told. A text went well if there are no more behind it.
    [[nodiscard]] std::uint32_t error_count() const noexcept { return error_count_; }
    /// The request that the last error answered.
    [[nodiscard]] const OwedReply& failed() const noexcept { return failed_; }

    [[nodiscard]] TransactionStatus status() const noexcept { return status_; }
    [[nodiscard]] std::size_t owed_count() const noexcept { return queue_.size(); }
    /// An earlier request is being executed or is in line, so a cancel has something to hit.
    [[nodiscard]] bool busy() const noexcept { return !queue_.empty(); }
    /// What it works at now is the client's.
    [[nodiscard]] bool works_for_client() const noexcept {
        return !queue_.empty() && queue_.front().audience != Audience::nobody;
    }
    /// Some of what it has been sent, perhaps behind requests of ours, is the client's.
    [[nodiscard]] bool owes_client() const {
        return works_for_client() || queue_.any_behind_front([](const OwedReply& entry) {
            return entry.audience != Audience::nobody;
        });
    }
    /// Nothing but its own answers stands between the backend and its release, unless they open a
    /// block: no client is needed for it any more.
    [[nodiscard]] bool drains() const noexcept {
        return owes_ready() && status_ == TransactionStatus::idle && stage_ == Stage::in_step;
    }
    /// The client waits for a ReadyForQuery.
    [[nodiscard]] bool owes_ready() const noexcept { return ready_owed_ > 0; }
    [[nodiscard]] Rest rest() const noexcept;
    /// Its last Execute has left rows, in a batch outside of a block.
    [[nodiscard]] bool suspended_outside_block() const noexcept {
        return readable_.portal && stage_ == Stage::unsynced && !in_block() && queue_.empty();
    }
    /// A transaction block is open where the last reply was given, as far as can be known before
    /// the next ReadyForQuery.
    [[nodiscard]] bool in_block() const noexcept {
        return status_ != TransactionStatus::idle || since_ready_.block;
    }
    /// It says nothing more before the client's COPY goes on or ends.
    [[nodiscard]] bool reads_copy() const noexcept { return stage_ == Stage::copy_in; }
    /// The client has seen an error that no ReadyForQuery has followed: if the backend is lost now,
    /// that error said why, and a second one would be one too many.
    [[nodiscard]] bool error_outstanding() const noexcept { return since_ready_.error; }
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

    /// What has come since the last ReadyForQuery.
    struct SinceReady {
        bool error = false;     ///< Which the client was told.
        bool block = false;     ///< A transaction block was begun.
        bool answered = false;  ///< A Bind, Describe or Execute, or more.
    };
    /// What the client may go on reading from, in this transaction.
    struct Readable {
        bool portal = false;  ///< Suspended by the last Execute that was answered.
        bool cursor = false;  ///< Declared, and no cursor closed since.
    };

    struct Fate {
        Audience audience;
        bool whole;  ///< The frame is needed in one piece.
    };

    [[nodiscard]] Fate fate_of(BackendMessage type) const noexcept;
    [[nodiscard]] BackendRun answer();
    void note_sent(const OwedReply& entry);
    void settle(const OwedReply& entry, Outcome outcome);
    void finish_front(Outcome outcome);
    void error_described(wire::Bytes body);
    void result_described(BackendMessage type, wire::Bytes whole_body);
    void tag_seen(wire::Bytes body);
    void names_changed(TagMeaning tag);
    [[nodiscard]] BackendEvent received(BackendMessage type, wire::Bytes whole_body);
    [[nodiscard]] bool answered(BackendMessage type);
    [[nodiscard]] bool stray_ready_next() const noexcept;
    [[nodiscard]] bool completed(Owed owed);
    [[nodiscard]] BackendEvent ready_received(wire::Bytes body);
    [[nodiscard]] bool heals(wire::Bytes error_body) const;
    void error_received();
    void skip_to_sync();
    [[nodiscard]] bool copy_in_started();
    [[nodiscard]] Stage stage_behind_copy() const noexcept;
    [[nodiscard]] bool command_completed();
    void pop_front();

    ReplyQueue queue_;
    BackendStatements statements_;
    BackendNames names_;
    Encore encore_;
    ClientStatements* client_statements_ = nullptr;
    OwedReply failed_;
    std::uint32_t batch_ = 0;
    std::uint32_t error_count_ = 0;
    std::uint32_t ready_owed_ = 0;  ///< ReadyForQuery to the client.
    std::uint32_t body_left_ = 0;   ///< Bytes of a frame passed on in pieces.
    Audience body_audience_ = Audience::client;
    TransactionStatus status_ = TransactionStatus::idle;
    Stage stage_ = Stage::in_step;
    Doubt doubt_ = Doubt::none;
    SinceReady since_ready_;
    Readable readable_;
    SchemaChange schema_change_ = SchemaChange::none;  ///< In this transaction.
    bool may_define_ = false;                          ///< Likewise, or in one that comes.
    bool executed_ = false;                            ///< In the batch that no Sync has ended.
    bool owes_begin_ = false;
    bool copy_swallowed_sync_ = false;  ///< A Sync was sent that the COPY in progress ignores.
    bool front_answered_ = false;       ///< Some of the front entry's reply has come.
};

}  // namespace sluice::pg
