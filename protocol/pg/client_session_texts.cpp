// What a client's texts do to its session: read as far as it must be known.

#include "protocol/pg/client_session.hpp"
#include "protocol/pg/function_body.hpp"
#include "protocol/pg/session_rejection.hpp"
#include "protocol/pg/settings_restart.hpp"
#include "protocol/pg/statement_catalog.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::pg {

namespace {

/// Names of functions by object id that keep session state and can be called by FunctionCall.
/// Source: PostgreSQL 15, catalog pg_proc (ids of built-in functions never change).
constexpr std::uint32_t oid_set_config = 2078;
constexpr std::uint32_t oid_advisory_first = 2880;  // pg_advisory_lock(bigint)
constexpr std::uint32_t oid_advisory_last = 2892;   // pg_advisory_unlock_all()
constexpr std::uint32_t oid_first_user_defined = 16384;

/// The longest Execute that is held until it is whole.
constexpr std::uint32_t restarting_bytes_max = 4096;

}  // namespace

/// What is known of the text so far. What could not be read as a whole is judged at its end.
Feature ClientSession::scan(wire::Bytes text, bool whole, const StatementLease* statements) {
    rejection_.reset();
    if (!whole) {
        shares_ = statements != nullptr;
        queries_ = true;
        if (shares_ && is_odd("\\", *statements)) watch_.odd_text_sent();
        if (shares_ && statements->temporary_path) watch_.large_text_sent(Feature::temporary);
        scanner_ = std::make_unique<StatementScanner>();
        scanner_->feed(text);
        // What makes something says so at its beginning.
        if (shares_ && has(scanner_->features(), Feature::defines)) {
            statements->backend.may_define();
        }
        return scanner_->features();
    }
    restart_.reset();
    StatementScanner scanner;
    scanner.feed(text);
    if (statements == nullptr) watch_.own_text_sent(scanner.features());
    return scanner.features();
}

/// The features of a text, and what they come to under the settings of the client, which may have
/// been changed in this transaction.
Feature ClientSession::features_under(const StatementLease& lease,
                                      Feature features) const noexcept {
    const bool path_counts = lease.temporary_path || watch_.settings_in_doubt();
    const bool may_create = path_counts && has(features, Feature::defines | Feature::code);
    return may_create ? features | Feature::temporary : features;
}

void ClientSession::watch_query(Feature features, std::string_view text,
                                const StatementLease& lease) {
    features = features_under(lease, features);
    if (is_odd(text, lease)) {
        watch_.odd_text_sent();
        lease.backend.may_define();
    } else if (features == Feature::none) {
        watch_.request_sent();
    } else {
        StatementDesk& desk = lease.desk;
        rejection_ = rejection_of(features, text, desk.reader, desk.policy.session);
        if (!rejection_) watch_text(features, text, SessionWatch::Sent::as_query, lease);
    }
}

/// Whether the server may read the text otherwise. Only a backslash can be the reason: it escapes
/// a quote, or is the second half of a character.
bool ClientSession::is_odd(std::string_view text, const StatementLease& lease) const noexcept {
    return (lease.odd_texts || watch_.reads_oddly()) && text.find('\\') != std::string_view::npos;
}

/// What came in pieces is known as a whole.
void ClientSession::text_scanned() {
    // A simple query drops the unnamed statement; a Parse leaves it as it is.
    unnamed_ours_ = unnamed_ours_ || (queries_ && scanner_->is_one_text());
    if (shares_) {
        watch_.large_text_sent(scanner_->features());
    } else {
        watch_.own_text_sent(scanner_->features());
    }
    scanner_.reset();
}

/// Of an unnamed statement that is not kept, or of one that belongs to the backend's own session.
void ClientSession::scan_parse(FrameHeader header, wire::Bytes available, std::size_t text_at,
                               const StatementLease* statements) {
    if (text_at == 0) return;  // There is no end of the name, so no text.
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    const wire::Bytes in_hand = available.first(std::min(frame_bytes, available.size()));
    scanner_ = std::make_unique<StatementScanner>();
    shares_ = statements != nullptr;
    queries_ = false;
    scanner_->feed(in_hand.subspan(text_at));
    if (shares_ && has(scanner_->features(), Feature::defines)) statements->backend.may_define();
    if (in_hand.size() == frame_bytes) text_scanned();
}

/// A statement is on its way to be executed.
void ClientSession::bound(const Statement* statement, const StatementLease& lease) {
    restart_.reset();
    if (statement == nullptr) {
        const bool unkept = statements_ && statements_->unkept() != ClientStatements::Unkept::none;
        watch_.hidden_text_sent(unkept);
    } else if (is_odd(statement->text(), lease)) {
        watch_.odd_text_sent();
        lease.backend.may_define();
    } else if (features_under(lease, statement->features()) == Feature::none) {
        watch_.request_sent();
    } else {
        watch_statement(*statement, SessionWatch::Sent::by_bind, lease);
        if (restarts(Restart::When::at_once)) restart_->when = Restart::When::at_execute;
    }
}

/// Of PREPARE, what is executed is what stands inside.
void ClientSession::watch_statement(const Statement& statement, SessionWatch::Sent sent,
                                    const StatementLease& lease) {
    if (statement.maker() == Maker::parse) {
        const Feature features = features_under(lease, statement.features());
        watch_text(features, statement.text(), sent, lease);
        return;
    }
    const Feature features = statement.features() & ~Feature::prepare;
    if (features == Feature::none) return;
    std::string_view inside = statement.text();
    for (const Effect& effect : lease.desk.reader.read(statement.text()).effects) {
        if (effect.kind == EffectKind::prepare) inside = inside.substr(effect.begin, effect.bytes);
    }
    watch_text(features, inside, sent, lease);
}

void ClientSession::watch_text(Feature features, std::string_view text, SessionWatch::Sent sent,
                               const StatementLease& lease) {
    StatementDesk& desk = lease.desk;
    if (has(features, Feature::defines) || (has(features, Feature::code) && may_define(text))) {
        lease.backend.may_define();
    }
    watch_.text_sent(features, text, sent,
                     {desk.reader, desk.calls, desk.policy.session, desk.generation,
                      lease.backend.outside_block(), lease.backend.error_count()});
    if (lease.start == nullptr || !has(features, Feature::set | Feature::reset)) return;
    const StatementFacts& facts = desk.reader.read(text);
    if (facts.end != ReadingEnd::whole) return;
    const std::vector<SettingChange> changes = restart_behind(facts, *lease.start);
    if (changes.empty()) return;
    const auto when = is_single(facts) ? Restart::When::at_once : Restart::When::behind;
    restart_ = std::make_unique<Restart>(Restart{when, lease.backend.error_count(), {}});
    append_settings_sql(restart_->sql, changes);
}

/// A Query that the policy refuses: one that fails goes in its place, so that the transaction is
/// what it would be, and its error is replaced by ours.
ClientSession::Step ClientSession::rejected_query_step(Step step, const StatementLease& lease) {
    step.owed.twist = Twist::rejected;
    step.owed.slot = static_cast<std::uint32_t>(*rejection_);
    rejection_.reset();
    std::string& out = lease.desk.written;
    out.clear();
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Query))
        .c_string("SELECT 1/0")
        .end_frame();
    step.inject = out;
    step.replaced = step.bytes;
    return step;
}

ClientSession::Step ClientSession::watched_query_step(FrameHeader header, wire::Bytes available,
                                                      Feature features,
                                                      const StatementLease& lease) {
    std::string_view text = wire::as_text(available.subspan(frame_header_bytes, header.body_bytes));
    text = text.substr(0, text.find('\0'));
    if (features != Feature::none) {
        const ChannelNote notes = channel_notes(features, text, lease);
        if (notes != ChannelNote::none) {
            if (auto before = before_channels(notes, lease)) return *std::move(before);
        }
    }
    watch_query(features, text, lease);
    // What is refused names nothing.
    Step step = shared_query_step(header, available, rejection_ ? Feature::none : features, lease);
    if (step.kind != StepKind::forward) return step;
    if (rejection_) return rejected_query_step(step, lease);
    if (!restarts(Restart::When::at_once)) return step;
    return restarting_query_step(step, available, lease);
}

/// A Query that resets settings, and the client's own set again in the same transaction.
ClientSession::Step ClientSession::restarting_query_step(Step step, wire::Bytes available,
                                                         const StatementLease& lease) {
    const auto restart = std::move(restart_);
    const std::string_view text =
        wire::as_text(available.subspan(frame_header_bytes, step.bytes - frame_header_bytes));
    std::string& out = lease.desk.written;
    if (step.inject.empty()) out.clear();
    const bool changes_names = step.owed.twist == Twist::names;
    OwedReply execute = step.owed;
    execute.owed = Owed::execute;
    append_as_extended(out, text.substr(0, text.find('\0')), lease.backend,
                       changes_names ? execute : OwedReply{Owed::execute});
    lease.backend.sent(append_within(out, restart->sql, lease.backend));
    append_drop_unnamed(out, lease.backend);
    wire::Writer(out).begin_frame(static_cast<char>(ClientMessage::Sync)).end_frame();
    step.owed = changes_names ? OwedReply{Owed::sync} : step.owed;
    step.owed.owed = Owed::sync;
    if (changes_names && statements_->has_unnamed()) {
        step.owed.changes_client = true;
        statements_->begin_query(ClientStatements::Names::stay, lease.backend.batch());
    }
    step.inject = out;
    step.replaced = step.bytes;
    return step;
}

ClientSession::Step ClientSession::execute_step(FrameHeader header, wire::Bytes available,
                                                const StatementLease& lease) {
    const bool restarting = restarts(Restart::When::at_execute) && !lease.backend.skipping() &&
                            header.body_bytes <= restarting_bytes_max;
    const std::size_t frame_bytes = frame_header_bytes + std::size_t{header.body_bytes};
    if (restarting && available.size() < frame_bytes) return {};
    Step step = names_execute_step(header, available, lease);
    if (step.kind != StepKind::forward || lease.backend.skipping()) return step;
    watch_.execute_sent();
    if (!restarting) return step;
    const auto restart = std::move(restart_);
    std::string& out = lease.desk.written;
    if (step.inject.empty()) out.clear();
    out.append(wire::as_text(available.first(step.bytes)));
    lease.backend.sent(step.owed);
    step.owed = append_within(out, restart->sql, lease.backend);
    step.inject = out;
    step.replaced = step.bytes;
    return step;
}

std::uint32_t ClientSession::planning_of(const StatementLease& lease) const noexcept {
    const bool known = pins() == 0 && !watch_.settings_in_doubt();
    return known ? lease.planning : lease.own_planning;
}

std::string ClientSession::take_restart(std::uint32_t errors) {
    const auto restart = std::move(restart_);
    const bool due = restart && restart->when == Restart::When::behind;
    return due && restart->errors == errors ? std::move(restart->sql) : std::string();
}

ClientSession::Step ClientSession::function_call_step(FrameHeader header, wire::Bytes available) {
    if (header.body_bytes < 4) return forward_step(header, available, {Owed::function_call});
    if (available.size() < frame_header_bytes + 4) return {};
    const std::uint32_t oid = wire::load_u32(available.data() + frame_header_bytes);
    const bool keeps_state = oid == oid_set_config || oid >= oid_first_user_defined ||
                             (oid >= oid_advisory_first && oid <= oid_advisory_last);
    watch_.request_sent();
    if (keeps_state) watch_.pin(PinReason::function_call);
    return forward_step(header, available, {Owed::function_call});
}

std::uint16_t ClientSession::pins() const noexcept {
    constexpr unsigned sql_prepare = 1U << static_cast<unsigned>(PinReason::sql_prepare);
    const bool lost = statements_ && statements_->lost_track();
    return lost ? static_cast<std::uint16_t>(watch_.pins() | sql_prepare) : watch_.pins();
}

std::optional<PinReason> ClientSession::pin() const noexcept {
    if (pins() == 0) return std::nullopt;
    return static_cast<PinReason>(std::countr_zero(pins()));
}

}  // namespace sluice::pg
