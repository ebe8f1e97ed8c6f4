#pragma once

#include "protocol/pg/backend_names.hpp"
#include "protocol/pg/call_memo.hpp"
#include "protocol/pg/startup_settings.hpp"
#include "protocol/pg/statement_features.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// The longest value of a setting that follows a client; one of them is copied per client.
inline constexpr std::size_t setting_value_bytes_max = 64U * 1024U;

/// What a backend says of its session at the end of a transaction.
struct SessionAnswer {
    /// Every setting that differs from what the session started with because it was set in it, in
    /// the form in which the server reports it, and in the encoding of the database. Placeholders
    /// that are empty are left out: a reset leaves them so, and PostgreSQL 15 cannot make them
    /// unknown again.
    StartupSettings settings;
    /// Among them are some that who the session is now might not set.
    bool privileged = false;
    /// Of the features asked about, those of which the session holds something: `temporary`,
    /// `advisory_lock`, `listen`, `with_hold`, `prepare`.
    Feature kept = Feature::none;
    /// Those of the functions asked about that the server has.
    std::vector<CalledFunction> functions;
};

/// In front of the question: the client's statement_timeout does not end it. What it was is told
/// before, since the settings that are told of behind this are those with the exception.
extern const std::string_view without_timeout_sql;

/// Appends the query that asks a backend outside of a transaction what its session holds.
///
/// `doubts` says what there is reason to ask for: `set` and `reset` ask for settings, `code` and
/// `unknown_function` for everything, the others for themselves. `user` is the backend's own login,
/// which is no setting. `placeholders` are names like `app.tenant`, which PostgreSQL lists nowhere.
/// Of `functions`, names without a schema, the sources are asked for.
///
/// Settings cost the server about 0.5 ms, since it has some 350; locks make it look at all its
/// lock tables; the others are cheap. Every name is qualified: the client's search_path is in
/// force. Source: PostgreSQL 15 manual, "System Views".
void append_session_question(std::string& sql, Feature doubts, std::string_view user,
                             std::span<const std::string_view> placeholders,
                             std::span<const std::string> functions = {});

/// Reads the answer, row by row.
class SessionAnswerReader {
  public:
    SessionAnswerReader() = default;
    /// Names of PREPARE that stand in `followed` go with their clients, whosever they are: they
    /// keep nothing. It outlives this.
    explicit SessionAnswerReader(const BackendNames& followed) noexcept : followed_(&followed) {}

    /// The body of a DataRow. False when it cannot be part of the answer, or when it says of more
    /// than can be carried along: then the session stays with its client.
    [[nodiscard]] bool row_received(wire::Bytes body);
    [[nodiscard]] SessionAnswer& answer() noexcept { return answer_; }

  private:
    [[nodiscard]] bool function_received(std::string_view name, std::string_view value);
    [[nodiscard]] bool kept_received(std::optional<std::string_view> name,
                                     std::optional<std::string_view> value);

    SessionAnswer answer_;
    bool timeout_told_ = false;
    const BackendNames* followed_ = nullptr;
};

}  // namespace sluice::pg
