#pragma once

#include "protocol/pg/block_end.hpp"
#include "protocol/pg/client_channels.hpp"
#include "protocol/pg/deferred_begin.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/name_agreement.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/session_watch.hpp"
#include "protocol/pg/statement_features.hpp"
#include "protocol/pg/statement_passage.hpp"
#include "protocol/step.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// What the front of a client's bytes wants, before anything is taken.
enum class Wants : std::uint8_t { more_bytes, nothing, backend };

/// Whether the client has a backend at the moment.
enum class Lending : std::uint8_t { none, leased };

/// One client's conversation after its login: cuts its bytes into frames, says which need a
/// backend, which reply each asks for, and what of it outlives a transaction.
///
/// Bodies are read only as far as they decide something: the names in Parse, Bind, Describe and
/// Close, and the words of SQL texts. The rest passes through in whatever pieces it comes.
/// Nothing here performs I/O. Owned by the server's client object; kept small, for there are many.
/// Source: PostgreSQL 15 manual, "Message Flow" and "Message Formats".
class ClientSession {
  public:
    using Step = sluice::Step<OwedReply>;

    explicit ClientSession(std::uint32_t frame_bytes_max = 0x7fffffffU) noexcept
        : frame_bytes_max_(frame_bytes_max) {}

    [[nodiscard]] Wants wants(wire::Bytes available) const noexcept;

    /// Decides about the front of `available`. Without a lease no step forwards, provided that the
    /// caller took one where `wants` said `backend`: there is no batch to end then and no COPY to
    /// feed, so Sync is answered here and the others are read over, as PostgreSQL does.
    ///
    /// With `statements` the client's statements are its own, whatever backend it has; without,
    /// names pass through and belong to the backend's session.
    [[nodiscard]] Step next(wire::Bytes available, Lending lending,
                            const StatementLease* statements = nullptr);

    /// The request at the front cannot be served and an error has been sent in its place: what
    /// belongs to it is discarded, and its ReadyForQuery answered here.
    void refuse() noexcept {
        refusal_ = Refusal::announced;
        if (begin_promised()) lose_begin();
    }

    /// Whether the request at the front begins a transaction block and does not end it, as far as
    /// its text tells: to be asked where there may be none. Nothing: more bytes must arrive.
    /// Of a text in which a backslash may mean what is not seen here (`odd_texts`), only that.
    [[nodiscard]] std::optional<bool> opens_block(wire::Bytes available, StatementReader& reader,
                                                  bool odd_texts) const;

    /// What became of the front of a client's bytes without a backend.
    struct Deferral {
        enum class Kind : std::uint8_t {
            none,        ///< It wants a backend as ever.
            more_bytes,  ///< Nothing can be decided before more arrive.
            begun,       ///< A BEGIN: `bytes` are answered with `reply`.
            ended,       ///< Likewise the end of a block in which nothing was asked for.
            prepared,    ///< Likewise a Parse with its Sync.
        };
        Kind kind = Kind::none;
        std::size_t bytes = 0;
        std::string_view reply;  ///< Valid until the session is asked again.
    };
    /// Answers BEGIN, and the end of a block in which nothing has been asked for, where `wants`
    /// says `backend` and there is none. The next request takes the BEGIN along to its backend.
    [[nodiscard]] Deferral defer(wire::Bytes available, StatementDesk& desk,
                                 std::uint32_t planning);
    /// Answers a Parse, under a name and with its Sync behind it, of what the server is known to
    /// accept, where `wants` says `backend` and there is none. Whoever binds it takes it along.
    [[nodiscard]] Deferral prepare(wire::Bytes available, StatementDesk& desk,
                                   std::uint32_t planning);
    /// A block has been begun of which no backend knows.
    [[nodiscard]] bool begin_promised() const noexcept {
        return begin_ && begin_->stage == DeferredBegin::Stage::promised;
    }
    /// The BEGIN that was sent has failed. The client has been told, in place of what it asked for.
    void begin_failed() noexcept;
    /// The next ReadyForQuery is that of a block that failed with its BEGIN.
    [[nodiscard]] bool begin_has_failed() const noexcept {
        return begin_ && begin_->stage == DeferredBegin::Stage::failed;
    }
    /// The block counts as failed until the client ends it.
    void lose_begin() noexcept;

    /// The transaction in which the client rests is about to be rolled back on `backend`, without
    /// its doing, and the lease to end: its next request is refused (StepKind::refuse), and a block
    /// of its counts as failed from then on until it ends it, as PostgreSQL has it after an error.
    void lose_transaction(const BackendSession& backend) noexcept;
    /// The portal whose rows a limit has cut off, if nothing else has been executed in the batch;
    /// else null.
    [[nodiscard]] const std::string* lone_portal() const noexcept {
        return portal_ && portal_->alone ? &portal_->name : nullptr;
    }
    /// The batch is read over up to its Sync, for the client has been told of an error.
    void fail_batch() noexcept { refusal_ = Refusal::until_sync; }
    /// What the batch rests on is no more, which its client is to be told.
    void lose_batch() noexcept { loss_ = Loss::batch; }
    /// The next backend must have a failed transaction block before anything is forwarded.
    [[nodiscard]] bool in_failed_block() const noexcept { return loss_ == Loss::failed_block; }
    /// It has one: from now on the backend's own word counts.
    void failed_block_made() noexcept { loss_ = Loss::none; }

    /// The lease ended: what was remembered of the backend's own session is void.
    void lease_ended();
    /// The client is gone: lets go of the catalog's statements.
    void forget_statements() noexcept { statements_.reset(); }

    /// The first reason for which this client keeps its backend now, if any.
    [[nodiscard]] std::optional<PinReason> pin() const noexcept;
    [[nodiscard]] std::uint16_t pins() const noexcept;
    /// The session of the backend was changed in a way that its next user must not see.
    [[nodiscard]] bool needs_reset() const noexcept {
        return pins() != 0 || watch_.needs_reset() ||
               (channels_ && channels_->notes() != ChannelNote::none);
    }
    [[nodiscard]] SessionWatch& watch() noexcept { return watch_; }
    [[nodiscard]] const SessionWatch& watch() const noexcept { return watch_; }
    /// The last Query reset settings among other things. What is to be sent behind its answer, so
    /// that the client's own are in force again; empty if nothing is, or an error has undone it.
    [[nodiscard]] bool restarts() const noexcept { return restart_ != nullptr; }
    /// Likewise, and what is sent behind the text is to find them set.
    [[nodiscard]] bool restarts_behind() const noexcept { return restarts(Restart::When::behind); }
    [[nodiscard]] std::string take_restart(std::uint32_t errors);
    /// What the client listens to; null while it has nothing to do with channels.
    [[nodiscard]] ClientChannels* channels() const noexcept { return channels_.get(); }
    void make_channels() {
        if (!channels_) channels_ = std::make_unique<ClientChannels>();
    }
    /// A Query of the client was answered elsewhere.
    void query_answered() {
        if (statements_ && statements_->has_unnamed()) statements_->drop_unnamed();
    }
    /// A statement of the client is on the backend alone, and its use is still to come.
    [[nodiscard]] bool holds_backend() const noexcept {
        return statements_ && statements_->unkept() == ClientStatements::Unkept::unbound;
    }
    /// The last step was to wait, or was put off.
    [[nodiscard]] bool waiting() const noexcept { return waiting_; }
    /// The last step is asked for again when more has been answered.
    void put_off() noexcept { waiting_ = true; }
    [[nodiscard]] const ClientStatements* statements() const noexcept { return statements_.get(); }
    /// In the middle of a frame: the backend has a part of it, or nobody.
    [[nodiscard]] bool within_frame() const noexcept { return body_left_ > 0; }

  private:
    /// Where backends are shared, texts up to this length are judged as a whole; longer ones pass
    /// in pieces, and what they name is not known beforehand.
    static constexpr std::uint32_t whole_query_bytes_max = 64U * 1024U;

    enum class Body : std::uint8_t { forward, discard };
    /// The client's own settings, to be set again behind a text that resets some.
    struct Restart {
        enum class When : std::uint8_t {
            at_once,     ///< In the transaction of the text.
            at_execute,  ///< Likewise; it has been bound.
            behind,      ///< When it has been answered.
        };
        When when;
        std::uint32_t errors;  ///< That the backend had answered before.
        std::string sql;
    };
    [[nodiscard]] bool restarts(Restart::When when) const noexcept {
        return restart_ && restart_->when == when;
    }
    enum class Refusal : std::uint8_t { none, announced, until_sync, until_frame_end };
    /// A transaction that was rolled back while the client rested in it.
    enum class Loss : std::uint8_t {
        none,
        batch,         ///< A batch outside of a block; the client has not been told.
        block,         ///< A block; likewise.
        failed_block,  ///< The client has been told: until it ends the block, that is a failed one.
    };

    /// What Execute with a limit on its rows has been sent for, in a batch.
    struct LimitedPortal {
        std::string name;
        bool alone;
    };

    void note_execute(FrameHeader header, wire::Bytes available, const BackendSession& backend);
    Step body_step(wire::Bytes available);
    Step frame_step(FrameHeader header, wire::Bytes available, const StatementLease* statements);
    Step unleased_step(FrameHeader header, wire::Bytes available);
    [[nodiscard]] bool parse_here(std::string_view name, std::string_view body, StatementDesk& desk,
                                  std::uint32_t planning);
    [[nodiscard]] std::optional<Step> begin_step(FrameHeader header, wire::Bytes available,
                                                 const StatementLease& lease);
    [[nodiscard]] std::optional<Step> promised_step(FrameHeader header, wire::Bytes available,
                                                    const StatementLease& lease);
    Step behind_begin(Step step) noexcept;
    void begin_settled() noexcept;
    /// Whether a refused batch may hold it: everything that PostgreSQL itself reads over after an
    /// error. Terminate and unknown types keep their meaning.
    [[nodiscard]] static bool discardable(ClientMessage type) noexcept;
    Step forward_step(FrameHeader header, wire::Bytes available, OwedReply owed);
    Step discard_step(FrameHeader header, wire::Bytes available);
    Step refused_step(FrameHeader header, wire::Bytes available);
    Step loss_step(FrameHeader header, wire::Bytes available);
    [[nodiscard]] bool loss_untold() const noexcept {
        return loss_ == Loss::batch || loss_ == Loss::block;
    }
    [[nodiscard]] std::optional<BlockEnd> block_end_at_front(FrameHeader header,
                                                             wire::Bytes available) const;
    /// ReadyForQuery, where it is not the backend's to give.
    [[nodiscard]] std::string_view ready() const noexcept;
    Step query_step(FrameHeader header, wire::Bytes available, const StatementLease* statements);
    Step shared_query_step(FrameHeader header, wire::Bytes available, Feature features,
                           const StatementLease& lease);
    Step watched_query_step(FrameHeader header, wire::Bytes available, Feature features,
                            const StatementLease& lease);
    Step restarting_query_step(Step step, wire::Bytes available, const StatementLease& lease);
    Step execute_step(FrameHeader header, wire::Bytes available, const StatementLease& lease);
    Step names_execute_step(FrameHeader header, wire::Bytes available, const StatementLease& lease);
    Step waiting_step() noexcept;
    void note_portal(wire::Bytes bind, Statement* statement, const StatementLease& lease);
    [[nodiscard]] std::vector<NameEffect> agree(NameAgreement& agreement,
                                                const StatementFacts& facts, std::string_view text,
                                                const StatementLease& lease);
    [[nodiscard]] bool beyond_limits(const std::vector<NameEffect>& effects,
                                     const StatementLease& lease) const;
    Step named_step(FrameHeader header, wire::Bytes available, const StatementLease* statements);
    Step portal_step(FrameHeader header, wire::Bytes available, Owed owed);
    Step passage_step(FrameHeader header, wire::Bytes available, const StatementLease& lease);
    Step function_call_step(FrameHeader header, wire::Bytes available);
    Step behind_close_unnamed(Step step) noexcept;
    Step rejected_query_step(Step step, const StatementLease& lease);
    [[nodiscard]] bool is_odd(std::string_view text, const StatementLease& lease) const noexcept;
    void scan_parse(FrameHeader header, wire::Bytes available, std::size_t text_at,
                    const StatementLease* statements);
    [[nodiscard]] Feature scan(wire::Bytes text, bool whole, const StatementLease* statements);
    void text_scanned();
    [[nodiscard]] Feature features_under(const StatementLease& lease,
                                         Feature features) const noexcept;
    void watch_query(Feature features, std::string_view text, const StatementLease& lease);
    void bound(const Statement* statement, const StatementLease& lease);
    void watch_statement(const Statement& statement, SessionWatch::Sent sent,
                         const StatementLease& lease);
    void watch_text(Feature features, std::string_view text, SessionWatch::Sent sent,
                    const StatementLease& lease);
    [[nodiscard]] std::uint32_t planning_of(const StatementLease& lease) const noexcept;
    [[nodiscard]] ChannelNote channel_notes(Feature features, std::string_view text,
                                            const StatementLease& lease) const;
    [[nodiscard]] std::optional<Step> before_channels(ChannelNote notes,
                                                      const StatementLease& lease);
    void note_carried_out(const Step& step) noexcept;
    [[nodiscard]] std::optional<Step> prepare_apart(const NameAgreement& agreement,
                                                    const StatementFacts& facts,
                                                    const StatementLease& lease);
    [[nodiscard]] bool awaits_channels(const StatementLease& lease) const noexcept;
    [[nodiscard]] ChannelNote notes_ahead(ClientMessage type, wire::Bytes available,
                                          const StatementLease& lease);
    [[nodiscard]] static ChannelNote notes_of(Statement& statement, const StatementLease& lease);
    void note_parse(const Statement& statement, const StatementLease& lease);
    void note_use(Statement& statement, const StatementLease& lease);

    std::unique_ptr<ClientStatements> statements_;  ///< From the first statement on.
    std::unique_ptr<LimitedPortal> portal_;         ///< Up to the Sync.
    std::unique_ptr<Restart> restart_;              ///< Hardly ever.
    std::unique_ptr<ClientChannels> channels_;
    std::unique_ptr<DeferredBegin> begin_;       ///< From the first one on.
    std::unique_ptr<StatementScanner> scanner_;  ///< Only inside a SQL text that came in pieces.
    SessionWatch watch_;
    std::optional<PinReason> rejection_;  ///< Of the Query at the front.
    std::uint32_t frame_bytes_max_;
    std::uint32_t body_left_ = 0;
    Body body_ = Body::forward;
    Refusal refusal_ = Refusal::none;
    Loss loss_ = Loss::none;
    bool shares_ = false;        ///< The text in `scanner_` went to a backend that is shared.
    bool queries_ = false;       ///< It is a Query's.
    bool unnamed_ours_ = false;  ///< No other client's unnamed statement is left in the backend.
    bool waiting_ = false;
};

}  // namespace sluice::pg
