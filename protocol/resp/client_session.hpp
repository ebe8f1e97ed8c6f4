#pragma once

#include "protocol/resp/channel_kind.hpp"
#include "protocol/resp/command_policy.hpp"
#include "protocol/resp/reply_scanner.hpp"
#include "protocol/resp/request.hpp"
#include "protocol/resp/request_scanner.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::resp {

/// Why a client has a backend of its own.
enum class PinReason : std::uint8_t {
    blocking,     ///< A command that may wait, until its reply.
    watch,        ///< WATCH, until EXEC, DISCARD, UNWATCH or RESET.
    transaction,  ///< MULTI with more than we hold, until EXEC or DISCARD.
    large,        ///< A request that is larger than we hold, until its reply.
    tracking,     ///< CLIENT TRACKING and its kin, until the client ends.
};
inline constexpr std::size_t pin_reason_count = 5;
/// In logs, metrics and SHOW CLIENTS.
[[nodiscard]] std::string_view name_of(PinReason reason) noexcept;

/// What holds for a client's session, made once by the server for many clients.
struct SessionTerms {
    const CommandPolicy* policy = nullptr;
    RequestLimits limits;
    /// Of a whole request; beyond it it is read over and answered with an error.
    std::uint64_t request_bytes_max = std::numeric_limits<std::uint64_t>::max();
    std::uint32_t databases = 16;         ///< SELECT goes from 0 to one less.
    std::size_t held_bytes_max = 65'536;  ///< Of a request, and of a MULTI block, before a pin.
    bool commands_known = true;  ///< The server was asked which there are: the table is its own.
};

/// What a local answer tells about the client and the server behind us.
struct ClientFacts {
    std::uint64_t id = 0;
    std::string_view server_version;
};

/// Which backend the client has at the moment.
enum class Lending : std::uint8_t {
    none,
    shared,
    slow,  ///< Shared as well, among those whose replies hold up others.
    pinned,
};

struct Situation {
    Lending lending = Lending::none;
    bool owed = false;        ///< Replies are outstanding.
    bool subscribed = false;  ///< To a channel, pattern or shard channel.
    /// Not empty: the backend's user can have no MULTI, for this reason.
    std::string_view block_refusal;
    bool heavy = false;         ///< What it was answered lately was large.
    bool memory_spent = false;  ///< The server would refuse what takes memory: it is spared that.
};

/// What a command means for the server's memory.
enum class MemoryUse : std::uint8_t {
    neutral,
    takes,  ///< Refused by the server while it has none (`denyoom`).
    frees,  ///< Writes without taking any: deletes, shortens, lets expire.
};

/// What a request asks for that neither its session nor a backend knows.
enum class Subject : std::uint8_t {
    own_line,       ///< CLIENT INFO.
    clients,        ///< CLIENT LIST.
    ended_clients,  ///< CLIENT KILL.
    information,    ///< INFO of this program alone.
    running_code,   ///< SCRIPT KILL, FUNCTION KILL: to the server, but not on a shared backend,
                    ///< which may stand behind that very script.
};

/// Why a request that could have been sent on was not.
enum class Spared : std::uint8_t { nothing, memory, size };

struct ClientStep {
    enum class Kind : std::uint8_t {
        read_more,    ///< Nothing can be decided before more bytes arrive.
        wait,         ///< Nothing may be answered before what is owed has come.
        lend,         ///< Give the client a backend of this kind, and ask again.
        judge,        ///< Compare `user` and `password`, tell judged(), and ask again.
        answer,       ///< Consume `bytes`; what was appended is the reply, if anything was.
        forward,      ///< Consume `bytes`; `send` goes to the backend, which owes for it.
        part,         ///< As forward, for a piece of a request, or for what was held before it.
        consult,      ///< Consume `bytes`, and answer `subject`: `send` asks for it.
        reset,        ///< As answer; a pinned backend is not to be used again, channels are left.
        subscribe,    ///< Consume `bytes`; `send` names the channels. What has gone before is
                      ///< answered, and nothing is asked again before this is acknowledged.
        unsubscribe,  ///< Likewise; without a name every channel of the kind.
        ping,         ///< As answer, of one who hears messages: first those that came before it.
        finish,       ///< Send what was appended, and close.
    };
    Kind kind = Kind::read_more;
    Lending lending = Lending::none;              ///< lend: which.
    PinReason reason = PinReason::blocking;       ///< lend: why, when pinned.
    ChannelKind channels = ChannelKind::channel;  ///< subscribe, unsubscribe.
    Subject subject = Subject::own_line;          ///< consult.
    bool everybody = false;     ///< consult: about clients of other users as well.
    bool muted = false;         ///< The reply goes to nobody.
    bool may_wait = false;      ///< forward: for something else than the server.
    bool adds_section = false;  ///< forward: to the reply, that of INFO, comes what we say of us.
    Spared spared = Spared::nothing;        ///< answer: what it is that did not reach the server.
    MemoryUse memory = MemoryUse::neutral;  ///< forward: of a command by itself.
    std::uint32_t replies = 0;              ///< Owed to the client by `send`.
    std::uint32_t skipped = 0;              ///< Owed to nobody, before those.
    std::size_t bytes = 0;                  ///< Of what is available.
    std::string_view send;                  ///< Valid until the session is asked again.
    std::string_view user;
    std::string_view password;
};

enum class LoginVerdict : std::uint8_t { none, accepted, rejected, no_password_set };

/// One client's conversation: cuts its bytes into requests, answers what needs no backend, holds
/// MULTI blocks, and says which kind of backend the rest needs.
///
/// Answers of our own stand in order because none is given while a backend still owes the client.
/// Nothing here performs I/O. Owned by the server's client object; kept small, for there are many.
class ClientSession {
  public:
    explicit ClientSession(LoginState login) noexcept : login_(login), login_at_start_(login) {}

    /// Decides about the front of `available`. Local replies are appended to `out`; they come
    /// before whatever the step's request is answered with. Unless the step consumes bytes, nothing
    /// has changed and the same bytes are offered again.
    [[nodiscard]] ClientStep next(wire::Bytes available, const Situation& at,
                                  const SessionTerms& terms, const ClientFacts& facts,
                                  std::string& out);
    /// The answer to a step of kind `judge`.
    void judged(LoginVerdict verdict) noexcept { verdict_ = verdict; }
    /// The request at the front cannot be served: it is consumed and answered by `error`. Only
    /// behind a step of kind `lend`. Returns its bytes.
    [[nodiscard]] std::size_t refuse(wire::Bytes available, const SessionTerms& terms,
                                     std::string_view error, std::string& out);

    /// What the last step named has left, or is not needed: memory that it took is given back.
    void sent() noexcept;

    [[nodiscard]] RespVersion version() const noexcept { return version_; }
    [[nodiscard]] std::uint32_t database() const noexcept { return database_; }
    /// Empty: the default user.
    [[nodiscard]] std::string_view user() const noexcept {
        return rare_ ? std::string_view(rare_->user) : std::string_view{};
    }
    [[nodiscard]] std::string_view name() const noexcept {
        return rare_ ? std::string_view(rare_->name) : std::string_view{};
    }
    [[nodiscard]] std::string_view library_name() const noexcept {
        return rare_ ? std::string_view(rare_->library_name) : std::string_view{};
    }
    [[nodiscard]] std::string_view library_version() const noexcept {
        return rare_ ? std::string_view(rare_->library_version) : std::string_view{};
    }
    /// Commands of a MULTI block that is held; -1 without one.
    [[nodiscard]] int queued_count() const noexcept {
        return transaction_ == Transaction::held ? static_cast<int>(rare_->held_count) : -1;
    }
    [[nodiscard]] bool logged_in() const noexcept { return login_ == LoginState::done; }
    /// The pin outlasts what is owed.
    [[nodiscard]] bool holds_pin() const noexcept {
        return watching_ || tracking_ || transaction_ == Transaction::passed || within_request();
    }
    /// The backend tells the client of keys that have changed: it is the client's to its end.
    [[nodiscard]] bool tracking() const noexcept { return tracking_; }
    [[nodiscard]] bool in_transaction() const noexcept { return transaction_ != Transaction::none; }
    /// A backend has a part of a request, and the rest has not come.
    [[nodiscard]] bool within_request() const noexcept { return stretch_ == Stretch::passed; }
    /// The backend is lost or taken away: what lay there is void. A transaction that was under way
    /// there, watched keys, a subscription: the client must be ended when this returns true.
    [[nodiscard]] bool backend_gone() noexcept;

  private:
    enum class Transaction : std::uint8_t { none, held, passed };
    enum class ReplyMode : std::uint8_t { on, off, skip_next };
    /// What becomes of a request that is longer than what we hold.
    enum class Stretch : std::uint8_t { none, passed, skipped };

    /// What few clients have.
    struct Rare {
        std::string user;
        std::string name;
        std::string library_name;
        std::string library_version;
        std::string held;  ///< The requests of a MULTI block.
        std::uint32_t held_count = 0;
        std::uint64_t passed_bytes = 0;  ///< Of the request that goes on in pieces.
        std::string converted;           ///< An inline command, in array form.
        std::string late_reply;          ///< To the request that is read over, at its end.
    };
    /// One request while it is decided about.
    struct Asked;

    ClientStep stream(wire::Bytes available, const SessionTerms& terms, std::string& out);
    ClientStep skip(wire::Bytes available, const SessionTerms& terms, std::string& out);
    ClientStep end_skip(std::size_t bytes, std::string& out);
    ClientStep begin_large(Asked& asked);
    ClientStep begin_stream(Asked& asked);
    ClientStep begin_skip(Asked& asked, std::string_view reply);
    ClientStep decide(Asked& asked);
    std::string find_command(Asked& asked);
    [[nodiscard]] bool asks_first(const Asked& asked) const noexcept;
    ClientStep decide_known(Asked& asked);
    ClientStep track(Asked& asked);
    ClientStep consult(Asked& asked, Subject subject);
    ClientStep information(Asked& asked);
    ClientStep subscription(Asked& asked);
    ClientStep decide_held(Asked& asked);
    ClientStep decide_passed(Asked& asked);
    ClientStep local(Asked& asked);

    // client_session_answers.cpp
    ClientStep answer_ping(Asked& asked);
    ClientStep answer_auth(Asked& asked);
    ClientStep answer_hello(Asked& asked);
    ClientStep answer_select(Asked& asked);
    ClientStep answer_client(Asked& asked);
    ClientStep answer_client_text(Asked& asked, std::string_view what);
    ClientStep answer_client_reply(Asked& asked);
    ClientStep consult_clients(Asked& asked, std::string_view what);
    ClientStep answer_reset(Asked& asked);
    std::optional<ClientStep> log_in(Asked& asked, std::string_view user,
                                     std::string_view password);

    // client_session_transactions.cpp
    ClientStep begin_transaction(Asked& asked);
    ClientStep hold(Asked& asked);
    ClientStep pass_held(const Situation& at);
    ClientStep execute_held(Asked& asked);
    ClientStep discard_held(Asked& asked);
    ClientStep refuse_exec(Asked& asked, std::string_view error);
    ClientStep abort_block(Asked& asked, std::string_view error);
    void end_transaction() noexcept;

    ClientStep forward(Asked& asked, Lending lending, PinReason reason = PinReason::blocking);
    ClientStep answer(Asked& asked, std::string_view reply);
    ClientStep refuse_command(Asked& asked, std::string_view error);
    ClientStep answered(Asked& asked);
    [[nodiscard]] bool muted() const noexcept { return reply_mode_ != ReplyMode::on; }
    void command_done() noexcept {
        if (reply_mode_ == ReplyMode::skip_next) reply_mode_ = ReplyMode::on;
    }
    Rare& rare() {
        if (!rare_) rare_ = std::make_unique<Rare>();
        return *rare_;
    }

    RequestScanner scanner_;
    std::unique_ptr<Rare> rare_;
    std::uint32_t database_ = 0;
    RespVersion version_ = RespVersion::resp2;
    LoginState login_;
    LoginState login_at_start_;
    LoginVerdict verdict_ = LoginVerdict::none;
    Transaction transaction_ = Transaction::none;
    ReplyMode reply_mode_ = ReplyMode::on;
    bool aborted_ = false;  ///< The transaction has a command that cannot run: EXEC discards it.
    bool watching_ = false;
    bool tracking_ = false;
    Stretch stretch_ = Stretch::none;
};

}  // namespace sluice::resp
