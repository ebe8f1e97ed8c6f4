#pragma once

#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/startup_settings.hpp"
#include "protocol/pg/statement_facts.hpp"

#include <string>
#include <string_view>
#include <vector>

/// RESET on a backend that clients share goes back to what the backend started with. A client that
/// brought settings of its own is to find those again, so they are set anew behind it.
namespace sluice::pg {

class BackendSession;

/// What has to be set behind a text with these facts; views into `start`.
[[nodiscard]] std::vector<SettingChange> restart_behind(const StatementFacts& facts,
                                                        const StartupSettings& start);

/// The settings that a client is to have whose backend has `told` of these: one that it brought and
/// that is set no more has been reset, in a way that nobody has seen.
[[nodiscard]] StartupSettings restarted(const StartupSettings& told, const StartupSettings& start);

/// Whether the text is one statement, so that what follows it can be part of its transaction.
[[nodiscard]] inline bool is_single(const StatementFacts& facts) noexcept {
    return facts.statements.size() == 1 && facts.effects.size() == 1;
}

/// Appends the text, asked for by a Query, in messages of the extended protocol, up to and without
/// the Sync, so that more may follow in its transaction. What the backend says beyond its answer to
/// a Query goes to nobody. Tells `backend` what was sent; `execute` is what it owes for the last.
void append_as_extended(std::string& out, std::string_view text, BackendSession& backend,
                        const OwedReply& execute);
/// Appends messages that run `sql` within the transaction; only an error is answered. Returns the
/// last of them, which is still to be told.
[[nodiscard]] OwedReply append_within(std::string& out, std::string_view sql,
                                      BackendSession& backend);
/// Appends Close of the unnamed statement, which a Query leaves none of.
void append_drop_unnamed(std::string& out, BackendSession& backend);

}  // namespace sluice::pg
