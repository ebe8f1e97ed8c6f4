#pragma once

#include "protocol/pg/session_policy.hpp"
#include "protocol/pg/session_watch.hpp"
#include "protocol/pg/statement_features.hpp"

#include <optional>
#include <string_view>

namespace sluice::pg {

class StatementReader;

/// Whether the policy is to refuse this text, and for what of it. Words alone refuse nothing that
/// the grammar knows to be harmless.
[[nodiscard]] std::optional<PinReason> rejection_of(Feature features, std::string_view text,
                                                    StatementReader& reader,
                                                    const SessionPolicy& policy);
/// The same for a text whose words have not been looked at.
[[nodiscard]] std::optional<PinReason> rejection_of(std::string_view text, StatementReader& reader,
                                                    const SessionPolicy& policy);

}  // namespace sluice::pg
