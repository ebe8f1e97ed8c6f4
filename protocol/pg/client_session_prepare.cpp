// A statement that its client is given without a backend: BEGIN and the like, and what some backend
// has parsed before for somebody who has the same settings.

#include "protocol/pg/block_command.hpp"
#include "protocol/pg/client_session.hpp"
#include "protocol/pg/statement_frames.hpp"

namespace sluice::pg {

namespace {

constexpr std::string_view sync_frame{"S\0\0\0\4", 5};
constexpr std::string_view parsed{"1\0\0\0\4Z\0\0\0\5I", 11};

/// Whether the server would answer with ParseComplete, and nobody else has an interest in it.
bool parses_for_certain(std::string_view body, const StatementDesk& desk, std::uint32_t planning) {
    if (const Statement* const known = desk.catalog.find(body, planning)) {
        // Features may be refused, warned of, or followed from the Parse on.
        const bool plain = known->features() == Feature::none && !known->names_moment();
        if (plain && known->parsed_in() == desk.generation) return true;
    }
    const std::string_view text = body.substr(0, body.find('\0'));
    const bool bare = body.substr(text.size()) == std::string_view("\0\0\0", 3);
    return bare && block_command_of(text) != BlockCommand::none;
}

}  // namespace

/// Drivers that prepare before they begin would otherwise wait for a backend just to hear what is
/// known; and pgbench, which waits for one client's Parse with all of its clients, for ever.
ClientSession::Deferral ClientSession::prepare(wire::Bytes available, StatementDesk& desk,
                                               std::uint32_t planning) {
    const bool named = available.size() > frame_header_bytes && available[0] == std::byte{'P'} &&
                       available[frame_header_bytes] != std::byte{0};
    if (!named) return {};
    // What the client might have changed unseen decides what its text means.
    const bool plain = body_left_ == 0 && loss_ == Loss::none && !channels_ && !begin_promised();
    if (!plain || pins() != 0 || watch_.settings_in_doubt()) return {};
    NamedFrame frame;
    const std::size_t frame_bytes =
        frame_header_bytes + std::size_t{read_frame_header(available).body_bytes};
    if (available.size() < frame_bytes + sync_frame.size()) return {};
    if (wire::as_text(available.subspan(frame_bytes, sync_frame.size())) != sync_frame) return {};
    if (find_name(available.first(frame_bytes), frame) != NameSearch::found) return {};
    const std::string_view body =
        wire::as_text(available.first(frame_bytes).subspan(frame.name_end));
    if (!parses_for_certain(body, desk, planning)) return {};
    if (!parse_here(frame.name, body, desk, planning)) return {};
    return {Deferral::Kind::prepared, frame_bytes + sync_frame.size(), parsed};
}

/// The client has the statement, which no backend has. False, and nothing done, where PostgreSQL
/// would object, or we.
bool ClientSession::parse_here(std::string_view name, std::string_view body, StatementDesk& desk,
                               std::uint32_t planning) {
    if (!statements_) statements_ = std::make_unique<ClientStatements>(desk.catalog);
    const auto beyond = [](std::uint64_t is, std::uint64_t max) { return max != 0 && is > max; };
    const StatementPolicy& policy = desk.policy;
    if (!name.empty() &&
        (statements_->find(name, 0).standing != ClientStatements::Standing::absent ||
         beyond(statements_->count() + 1, policy.max_client_statements) ||
         beyond(statements_->bytes() + name.size() + body.size() + sizeof(Statement),
                policy.max_client_statement_bytes))) {
        return false;
    }
    ++desk.counters.parses;
    Statement& statement = desk.catalog.take(body, planning);
    statements_->settle_nothing();
    statements_->begin_parse(name, statement, 0, desk.generation);
    statements_->settle(Outcome::happened);
    if (name.empty()) statements_->set_unnamed_prepared(false);
    return true;
}

}  // namespace sluice::pg
