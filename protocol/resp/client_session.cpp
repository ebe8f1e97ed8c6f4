#include "protocol/resp/client_session.hpp"

#include "protocol/resp/client_session_asked.hpp"
#include "protocol/resp/command_arguments.hpp"
#include "protocol/resp/command_refusals.hpp"
#include "protocol/resp/inline_request.hpp"
#include "protocol/resp/replies.hpp"

#include <array>

namespace sluice::resp {

namespace {

using Kind = ClientStep::Kind;
using Way = CommandWay;

ClientStep lend(Lending lending, PinReason reason) {
    ClientStep step;
    step.kind = Kind::lend;
    step.lending = lending;
    step.reason = reason;
    return step;
}

ClientStep wait() {
    ClientStep step;
    step.kind = Kind::wait;
    return step;
}

MemoryUse memory_use_of(const CommandRow& row) noexcept {
    if (row.has(CommandFlag::denyoom)) return MemoryUse::takes;
    // The limit itself may have been raised.
    const bool sets_limit = row.has(CommandFlag::admin) && row.name == "config set";
    return sets_limit || row.has(CommandFlag::write) ? MemoryUse::frees : MemoryUse::neutral;
}

}  // namespace

std::string_view name_of(PinReason reason) noexcept {
    static constexpr std::array<std::string_view, pin_reason_count> names{
        "blocking", "watch", "transaction", "large", "tracking"};
    return names[static_cast<std::size_t>(reason)];
}

ClientStep ClientSession::next(wire::Bytes available, const Situation& at,
                               const SessionTerms& terms, const ClientFacts& facts,
                               std::string& out) {
    if (available.empty()) return {};
    if (stretch_ == Stretch::passed) return stream(available, terms, out);
    if (stretch_ == Stretch::skipped) return skip(available, terms, out);
    const RequestScan scan = scanner_.scan(available, terms.limits, login_);
    const bool is_request = scan.event == RequestScan::Event::complete ||
                            scan.event == RequestScan::Event::inline_line ||
                            scan.event == RequestScan::Event::incomplete;
    if (is_request && scanner_.announced_bytes() > terms.request_bytes_max) {
        if (scan.bytes > 0) scanner_.restart();
        if (at.owed) return wait();
        return scan.bytes > 0 ? end_skip(scan.bytes, out) : skip(available, terms, out);
    }
    Asked asked{available.first(scan.bytes),
                ArgumentReader({}),
                {},
                nullptr,
                at,
                terms,
                facts,
                out,
                out.size()};
    ClientStep step;
    switch (scan.event) {
        case RequestScan::Event::incomplete: asked.request = available; return begin_large(asked);
        case RequestScan::Event::violation:
            scanner_.restart();
            if (at.owed) return wait();
            append_protocol_error(out, scan.fault, scan.found);
            step.kind = Kind::finish;
            return step;
        case RequestScan::Event::empty:
            scanner_.restart();
            step.kind = Kind::answer;
            step.bytes = scan.bytes;
            return step;
        case RequestScan::Event::inline_line: {
            scanner_.restart();
            std::string& converted = rare().converted;
            converted.clear();
            const auto split = append_inline_request(converted, wire::as_text(asked.request));
            if (split == InlineSplit::unbalanced_quotes) {
                if (at.owed) return wait();
                append_protocol_error(out, ProtocolFault::unbalanced_quotes);
                step.kind = Kind::finish;
                return step;
            }
            if (split == InlineSplit::blank) {
                step.kind = Kind::answer;
                step.bytes = scan.bytes;
                return step;
            }
            asked.request = wire::as_bytes(converted);
            break;
        }
        case RequestScan::Event::complete: scanner_.restart(); break;
    }
    step = decide(asked);
    const bool asks_again = step.kind == Kind::read_more || step.kind == Kind::wait ||
                            step.kind == Kind::lend || step.kind == Kind::judge ||
                            step.kind == Kind::part;
    if (!asks_again) step.bytes = scan.bytes;
    return step;
}

ClientStep ClientSession::decide(Asked& asked) {
    asked.rest = ArgumentReader(asked.request);
    asked.name = asked.rest.next().value_or(std::string_view{});
    const std::string error = find_command(asked);
    if (!error.empty()) {
        // A browser was led here. Source: Redis 7.0, "Cross protocol scripting".
        if (is_word(asked.name, "post") || is_word(asked.name, "host:")) {
            ClientStep step;
            step.kind = Kind::finish;
            return step;
        }
        if (asks_first(asked)) return lend(Lending::shared, PinReason::blocking);
        const bool is_exec = asked.row != nullptr && asked.row->way == Way::exec;
        return is_exec ? refuse_exec(asked, error) : refuse_command(asked, error);
    }
    if (asked.at.memory_spent && asked.row->has(CommandFlag::denyoom)) {
        ClientStep step = refuse_command(asked, out_of_memory);
        if (step.kind == Kind::answer) step.spared = Spared::memory;
        return step;
    }
    return decide_known(asked);
}

/// Sets the row, and leaves `rest` behind the words that name it. Returns the error of a command
/// that is unknown, which leaves no row, or may not be asked like this, or not by this client.
std::string ClientSession::find_command(Asked& asked) {
    const CommandTable& table = asked.terms.policy->table();
    asked.row = table.find(asked.name);
    if (asked.row == nullptr) return unknown_command(asked.name, asked.rest);
    if (asked.row->way == Way::container && asked.rest.left() > 0) {
        ArgumentReader behind = asked.rest;
        const std::string_view second = behind.next().value_or(behind.begun());
        const CommandRow& container = *asked.row;
        asked.row = table.find(container, second);
        if (asked.row == nullptr) return unknown_subcommand(container, second);
        asked.rest = behind;
    }
    if (!asked.row->takes(asked.rest.count())) return wrong_arguments(*asked.row);
    if (!logged_in() && !asked.row->has(CommandFlag::no_auth)) {
        return "NOAUTH Authentication required.";
    }
    const CommandPolicy& policy = *asked.terms.policy;
    const bool shown_in_part =
        asked.row->way == Way::config_get &&
        (policy.allows_explicitly(*asked.row) || asks_for_plain_settings(asked.rest));
    if (asked.row->way == Way::never || !policy.allows(*asked.row) ||
        (asked.row->way == Way::config_get && !shown_in_part)) {
        return "NOPERM sluice does not allow '" + std::string(asked.row->name) +
               "' here (redis.allow_commands)";
    }
    return {};
}

/// What only the server can know, a module's command, is not refused before it was asked: its
/// backends do that when they log in.
bool ClientSession::asks_first(const Asked& asked) const noexcept {
    return asked.row == nullptr && !asked.terms.commands_known && logged_in() &&
           asked.at.lending == Lending::none && !asked.at.owed;
}

ClientStep ClientSession::decide_known(Asked& asked) {
    if (asked.at.subscribed && version_ == RespVersion::resp2 &&
        !is_allowed_while_subscribed(asked.row->way)) {
        return refuse_command(asked, not_while_subscribed(*asked.row));
    }
    if (transaction_ == Transaction::held) return decide_held(asked);
    if (transaction_ == Transaction::passed) return decide_passed(asked);
    switch (asked.row->way) {
        case Way::shared:
        case Way::config_get: return forward(asked, Lending::shared);
        case Way::blocking: return forward(asked, Lending::pinned, PinReason::blocking);
        case Way::blocking_on_request:
            if (!asks_to_block(asked.rest)) return forward(asked, Lending::shared);
            return forward(asked, Lending::pinned, PinReason::blocking);
        case Way::subscriber: return subscription(asked);
        case Way::session: return track(asked);
        case Way::info: return information(asked);
        case Way::control: return consult(asked, Subject::running_code);
        case Way::watch: {
            ClientStep step = forward(asked, Lending::pinned, PinReason::watch);
            watching_ = watching_ || step.kind == Kind::forward;
            return step;
        }
        case Way::unwatch: {
            if (!watching_) return answer(asked, "+OK\r\n");
            ClientStep step = forward(asked, Lending::pinned, PinReason::watch);
            watching_ = step.kind != Kind::forward;
            return step;
        }
        case Way::multi: return begin_transaction(asked);
        case Way::exec: return refuse_command(asked, "ERR EXEC without MULTI");
        case Way::discard: return refuse_command(asked, "ERR DISCARD without MULTI");
        case Way::ping:
        case Way::echo:
        case Way::auth:
        case Way::hello:
        case Way::select:
        case Way::quit:
        case Way::reset:
        case Way::client:
        case Way::cluster_disabled: return local(asked);
        // Without a subcommand: COMMAND alone.
        case Way::container: return forward(asked, Lending::shared);
        case Way::never: break;
    }
    return refuse_command(asked, "ERR sluice: not served");
}

ClientStep ClientSession::local(Asked& asked) {
    const Way way = asked.row->way;
    if (way == Way::ping || way == Way::echo) return answer_ping(asked);
    if (asked.at.owed) return wait();
    const bool moves = way == Way::auth || way == Way::hello || way == Way::select;
    // A backend that is the client's to its end goes along to another database.
    const bool goes_along = way == Way::select && tracking_ && !watching_;
    if (moves && holds_pin() && !goes_along) {
        return refuse_command(asked, watching_
                                         ? "ERR sluice: not while keys are watched"
                                         : "ERR sluice: not behind CLIENT TRACKING; connect anew");
    }
    if (way == Way::auth && asked.at.subscribed) return refuse_command(asked, behind_subscriptions);
    if (way == Way::auth) return answer_auth(asked);
    if (way == Way::hello) return answer_hello(asked);
    if (way == Way::select) return answer_select(asked);
    if (way == Way::reset) return answer_reset(asked);
    if (way == Way::client) return answer_client(asked);
    if (way == Way::quit) {
        ClientStep step = answer(asked, "+OK\r\n");
        step.kind = Kind::finish;
        return step;
    }
    return refuse_command(asked, "ERR This instance has cluster support disabled");
}

/// The server tells of changed keys on the connection that asked for it: from here on the backend
/// is the client's. Whatever only asks what is tracked has the right answer of any other.
ClientStep ClientSession::track(Asked& asked) {
    ArgumentReader words = asked.rest;
    const bool begins = asked.row->name == "client tracking" &&
                        !is_word(words.next().value_or(std::string_view{}), "off");
    const bool known_here = asked.row->name.starts_with("client ");
    if (known_here && !begins && !tracking_) return forward(asked, Lending::shared);
    while (const auto word = words.next()) {
        // Its number would be that of a client of ours, or of a backend that is another's.
        if (begins && is_word(*word, "redirect")) {
            return refuse_command(asked, "ERR sluice: CLIENT TRACKING has no REDIRECT; use RESP3");
        }
    }
    ClientStep step = forward(asked, Lending::pinned, PinReason::tracking);
    tracking_ = tracking_ || step.kind == Kind::forward;
    return step;
}

ClientStep ClientSession::consult(Asked& asked, Subject subject) {
    if (asked.at.owed) return wait();
    ClientStep step;
    step.kind = Kind::consult;
    step.subject = subject;
    step.everybody = asked.terms.policy->allows_explicitly(*asked.row);
    step.send = wire::as_text(asked.request);
    step.muted = muted();
    command_done();
    return step;
}

/// INFO is the server's own, live, with a section more where all are asked for, or that by name.
ClientStep ClientSession::information(Asked& asked) {
    bool ours = asked.rest.left() == 0;
    bool theirs = ours;
    for (ArgumentReader words = asked.rest; const auto word = words.next();) {
        const bool names_us = is_word(*word, "sluice");
        const bool all =
            is_word(*word, "all") || is_word(*word, "everything") || is_word(*word, "default");
        ours = ours || names_us || all;
        theirs = theirs || !names_us;
    }
    if (!theirs) return consult(asked, Subject::information);
    // It is put together when it is there in full, so nothing may come before or behind it.
    if (ours && asked.at.owed) return wait();
    ClientStep step = forward(asked, Lending::shared);
    step.adds_section = ours && !step.muted;
    return step;
}

ClientStep ClientSession::forward(Asked& asked, Lending lending, PinReason reason) {
    const Lending has = asked.at.lending;
    const bool slow = asked.at.heavy || asked.row->has(CommandFlag::slow);
    if (lending == Lending::shared && slow) lending = Lending::slow;
    // On its own backend a client stays until the pin ends, whatever the command.
    if (has != Lending::pinned && has != lending) {
        // Two backends would answer in any order.
        if (asked.at.owed) return wait();
        return lend(lending, reason);
    }
    ClientStep step;
    step.kind = Kind::forward;
    step.send = wire::as_text(asked.request);
    step.replies = 1;
    step.muted = muted();
    step.may_wait = lending == Lending::pinned && reason == PinReason::blocking;
    step.memory = memory_use_of(*asked.row);
    command_done();
    return step;
}

ClientStep ClientSession::answered(Asked& asked) {
    if (muted()) asked.out.resize(asked.out_bytes_before);
    command_done();
    ClientStep step;
    step.kind = Kind::answer;
    return step;
}

ClientStep ClientSession::answer(Asked& asked, std::string_view reply) {
    if (asked.at.owed) return wait();
    asked.out += reply;
    return answered(asked);
}

ClientStep ClientSession::refuse_command(Asked& asked, std::string_view error) {
    if (asked.at.owed) return wait();
    if (transaction_ != Transaction::none) aborted_ = true;
    append_error(asked.out, error);
    return answered(asked);
}

std::size_t ClientSession::refuse(wire::Bytes available, const SessionTerms& terms,
                                  std::string_view error, std::string& out) {
    const RequestScan scan = scanner_.scan(available, terms.limits, login_);
    std::size_t bytes = scan.bytes;
    if (bytes > 0) {
        scanner_.restart();
        if (!muted()) append_error(out, error);
        command_done();
    } else {
        // It has not come to its end, where its answer belongs.
        bytes = scanner_.looked_at(available);
        scanner_.passed(bytes);
        stretch_ = Stretch::skipped;
        rare().late_reply.clear();
        append_error(rare().late_reply, error);
    }
    // What was to be queued and was not must not let the rest of the block run without it.
    const auto name = ArgumentReader(available).next();
    if (transaction_ == Transaction::held && !(name && is_word(*name, "exec"))) {
        aborted_ = true;
    } else {
        end_transaction();
    }
    return bytes;
}

void ClientSession::sent() noexcept {
    if (!rare_) return;
    if (transaction_ != Transaction::held) rare_->held = {};
    rare_->converted = {};
}

bool ClientSession::backend_gone() noexcept {
    const bool fatal =
        watching_ || tracking_ || within_request() || transaction_ == Transaction::passed;
    watching_ = false;
    if (within_request()) stretch_ = Stretch::none;
    return fatal;
}

}  // namespace sluice::resp
