#pragma once

#include "protocol/pg/backend_names.hpp"
#include "protocol/pg/call_memo.hpp"
#include "protocol/pg/startup_settings.hpp"
#include "protocol/pg/statement_features.hpp"
#include "protocol/wire/cursor.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// What a backend says of its session at the end of a transaction.
struct SessionAnswer {
    /// Every setting that differs from what the session started with because it was set in it, in
    /// the form in which the server reports it. Placeholders that are empty are left out: a reset
    /// leaves them so, and PostgreSQL 15 cannot make them unknown again.
    StartupSettings settings;
    /// Of the features asked about, those of which the session holds something: `temporary`,
    /// `advisory_lock`, `listen`, `with_hold`, `prepare`.
    Feature kept = Feature::none;
    /// Those of the functions asked about that the server has.
    std::vector<CalledFunction> functions;
};

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

    /// The body of a DataRow. False when it cannot be part of the answer: the backend is not to be
    /// believed any more.
    [[nodiscard]] bool row_received(wire::Bytes body);
    [[nodiscard]] SessionAnswer& answer() noexcept { return answer_; }

  private:
    SessionAnswer answer_;
    const BackendNames* followed_ = nullptr;
};

}  // namespace sluice::pg
