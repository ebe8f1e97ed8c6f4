#pragma once

#include "protocol/pg/session_policy.hpp"
#include "protocol/pg/statement_facts.hpp"
#include "protocol/pg/statement_features.hpp"
#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::pg {

class CallMemo;
class StatementReader;

/// Why a client keeps its backend past the end of a transaction.
enum class PinReason : std::uint8_t {
    sql_prepare,      ///< PREPARE.
    set,              ///< SET, set_config().
    listen,           ///< LISTEN.
    temporary_table,  ///< CREATE TEMP, SELECT INTO TEMP, pg_temp.
    advisory_lock,    ///< A session-level advisory lock.
    with_hold,        ///< DECLARE ... WITH HOLD.
    code,             ///< DO, CALL, LOAD: what they leave behind cannot be seen.
    function_call,    ///< FunctionCall of a function that keeps session state.
};
constexpr std::size_t pin_reason_count = 8;

/// The name of a reason in logs, metrics and SHOW CLIENTS.
[[nodiscard]] std::string_view name_of(PinReason reason) noexcept;

/// What a question at the end of a transaction is about, besides features.
struct SessionNotes {
    static constexpr std::size_t count_max = 64;

    std::vector<std::string> placeholders;   ///< Settings like `app.tenant`.
    std::vector<std::string> unknown_texts;  ///< That call what the grammar does not know.
    std::vector<std::string> functions;      ///< Called there, of which the sources are wanted.
    bool uncontained = false;  ///< Settings may have been made that nobody knows the names of.
    /// The transaction's only text, if what it leaves follows from the settings before it.
    std::string sole_text;
};

/// What a backend is to be asked on behalf of a client.
struct SessionDoubts {
    Feature features = Feature::none;
    std::unique_ptr<SessionNotes> notes;  ///< May be null.
};

/// Watches what the texts of one client may leave in its session: what is in doubt until the
/// backend has been asked, and what keeps the client with its backend.
///
/// Owned by the client's session; small, for there are many.
class SessionWatch {
  public:
    /// How a text is executed.
    enum class Sent : std::uint8_t {
        as_query,  ///< By a Query.
        by_bind,   ///< By Bind; an Execute is to follow.
    };
    /// What is known where a text is sent.
    struct Place {
        StatementReader& reader;
        CallMemo& calls;
        const SessionPolicy& policy;
        SchemaGeneration generation;
        bool opens;            ///< It is the first of its transaction.
        std::uint32_t errors;  ///< Seen on this backend so far.
    };

    /// A text goes to a backend that is shared. `features` is not none.
    void text_sent(Feature features, std::string_view text, Sent sent, const Place& place);
    /// The same for one that was not in hand as a whole.
    void large_text_sent(Feature features) noexcept;
    /// A text goes that the server may read otherwise than it can be read here.
    void odd_text_sent() noexcept;
    /// A setting that decides how texts are read may be another by now.
    [[nodiscard]] bool reads_oddly() const noexcept { return odd_; }
    /// The client is to be warned, once in its session, that it will lose this.
    [[nodiscard]] bool warns() const noexcept { return warning_.has_value(); }
    [[nodiscard]] std::optional<PinReason> take_warning() noexcept {
        return std::exchange(warning_, std::nullopt);
    }
    /// A statement is executed of which only the backend knows; `large`: it was not in hand.
    void hidden_text_sent(bool large) noexcept;
    /// Whatever else asks for a reply goes.
    void request_sent() noexcept {
        if (doubts_ != Feature::none) sole_ = Sole::no;
    }
    void execute_sent() noexcept {
        if (doubts_ != Feature::none) sole_ = sole_ == Sole::bound ? Sole::yes : Sole::no;
    }
    /// In a session that is the client's own: only its end has to know what is in it.
    void own_text_sent(Feature features) noexcept;
    /// The client keeps its backend to its end.
    void pin(PinReason reason) noexcept;
    /// The backend must be reset before anybody else has it.
    void want_reset() noexcept { wants_reset_ = true; }

    /// A transaction has ended whose texts give no doubt; the policy is to ask after each.
    void doubt_everything() noexcept { doubts_ = doubts_ | Feature::code; }
    [[nodiscard]] bool in_doubt() const noexcept { return doubts_ != Feature::none; }
    /// Whether the backend may listen to something unseen.
    [[nodiscard]] bool channels_in_doubt() const noexcept {
        return has(doubts_, Feature::listen | Feature::code | Feature::unknown_function);
    }
    /// Whether the settings may be others than those that were last told.
    [[nodiscard]] bool settings_in_doubt() const noexcept {
        constexpr Feature of_settings =
            Feature::set | Feature::reset | Feature::code | Feature::unknown_function;
        return local_settings_ || has(doubts_, of_settings);
    }
    /// It has left what no reset clears: the backend must be closed behind the client.
    [[nodiscard]] bool spoils_backend() const noexcept { return spoils_backend_; }
    /// The transaction's only text, if it succeeded and what it leaves follows from the settings
    /// before it; else empty.
    [[nodiscard]] std::string_view sole_text(std::uint32_t errors) const noexcept;
    /// The doubts, which a question is about to settle, or something remembered.
    [[nodiscard]] SessionDoubts take_doubts(std::uint32_t errors);
    /// A question was not answered. They are asked again when more has happened.
    void keep_doubting(SessionDoubts doubts);
    /// Settings of these names may have been made, too: the answer was not all.
    void ask_again(std::vector<std::string> placeholders);
    /// A question was answered. `asked` and `kept` as in SessionAnswer.
    void told(Feature asked, Feature kept) noexcept;
    /// Whether the last question failed and nothing has happened since.
    [[nodiscard]] bool unanswered() const noexcept { return unanswered_; }
    void something_happened() noexcept { unanswered_ = false; }
    /// No transaction is open any more.
    void transaction_ended() noexcept { local_settings_ = false; }
    /// It has another backend next time, and left nothing in this one.
    void lease_ended() noexcept;

    [[nodiscard]] std::uint16_t pins() const noexcept;
    [[nodiscard]] bool needs_reset() const noexcept {
        return pins() != 0 || wants_reset_ || doubts_ != Feature::none;
    }
    [[nodiscard]] Feature kept() const noexcept { return kept_; }

  private:
    /// Whether one text makes up the transaction.
    enum class Sole : std::uint8_t { no, bound, yes };

    [[nodiscard]] Feature doubts_of(Feature features, std::string_view text, const Place& place);
    [[nodiscard]] Feature judge_settings(std::string_view text, const Place& place);
    void judge_effect(const Effect& effect, const SessionPolicy& policy, Feature& doubts);
    void judge_calls(std::string_view text, const Place& place, Feature& doubts);
    void note_placeholder(const std::string& name);
    [[nodiscard]] SessionNotes& notes();
    void lose(PinReason reason) noexcept;

    std::unique_ptr<SessionNotes> notes_;
    Feature doubts_ = Feature::none;
    Feature kept_ = Feature::none;   ///< What the backend said is in its session.
    Feature asked_ = Feature::none;  ///< About what a question is under way.
    std::uint16_t pins_ = 0;         ///< To the client's end.
    Sole sole_ = Sole::no;
    bool constant_ = false;  ///< Of the text being judged.
    bool wants_reset_ = false;
    bool unanswered_ = false;  ///< The last question failed.
    bool doubt_pins_ = false;  ///< Likewise, and none has been answered since.
    bool odd_ = false;
    bool warned_ = false;
    bool local_settings_ = false;  ///< Until the transaction ends, some are not the session's.
    bool spoils_backend_ = false;
    std::optional<PinReason> warning_;
    bool names_unknown_ = false;  ///< A setting was set whose name cannot be known.
    std::uint32_t errors_before_ = 0;
};

}  // namespace sluice::pg
