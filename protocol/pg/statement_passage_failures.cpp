// Requests that shall fail, and how PostgreSQL is brought to say so.

#include "protocol/pg/session_rejection.hpp"
#include "protocol/pg/statement_passage.hpp"

namespace sluice::pg {

namespace {

/// A statement of an empty text under a name that no statement has: a Parse under that name comes
/// as far as one can, and fails.
constexpr StatementId taken{};
constexpr std::string_view empty_parse_body{"\0\0\0", 3};

}  // namespace

/// In a failed transaction nothing can be parsed but what ends it.
bool StatementPassage::fails_for_certain(const Statement& statement) const {
    if (lease_.backend.status() != TransactionStatus::failed || lease_.backend.owes_ready()) {
        return false;
    }
    const StatementFacts& facts = lease_.desk.reader.read(statement.text());
    return facts.statements.size() == 1 && facts.statements[0].kind != StatementKind::transaction;
}

/// The backend lacks the statement and cannot be taught it. What it says of Bind is what it says
/// of an empty text with as many parameters, which it accepts.
StatementPassage::Plan StatementPassage::bind_to_fail(const Statement& statement,
                                                      std::uint32_t slot) {
    const StatementName name(taken);
    send_close(taken);
    append_empty_parse(lease_.desk.written, name.text(), parameter_count(statement.body()));
    OwedReply owed{Owed::parse, Audience::client_if_error};
    owed.twist = Twist::name_taken;
    owed.slot = slot;
    lease_.backend.sent(owed);
    owed.owed = Owed::bind;
    owed.audience = Audience::client;
    return renamed(name.text(), owed);
}

/// PostgreSQL makes sure of everything else first: the text, the transaction's state.
StatementPassage::Plan StatementPassage::parse_to_fail(Twist twist, std::uint32_t slot) {
    ++lease_.desk.counters.parses;
    const StatementName name(taken);
    send_close(taken);
    append_parse(lease_.desk.written, name.text(), empty_parse_body);
    OwedReply placeholder{Owed::parse, Audience::client_if_error};
    placeholder.twist = Twist::name_taken;
    placeholder.slot = slot;
    lease_.backend.sent(placeholder);
    OwedReply owed{Owed::parse};
    owed.twist = twist;
    owed.slot = slot;
    return renamed(name.text(), owed);
}

/// What the policy refuses of the text, if anything.
std::optional<std::uint32_t> StatementPassage::rejection() const {
    const std::string_view body = wire::as_text(parse_body());
    const auto reason = rejection_of(body.substr(0, body.find('\0')), lease_.desk.reader,
                                     lease_.desk.policy.session);
    return reason ? std::optional(static_cast<std::uint32_t>(*reason)) : std::nullopt;
}

}  // namespace sluice::pg
