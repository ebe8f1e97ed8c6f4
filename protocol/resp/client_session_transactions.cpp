// MULTI to EXEC without WATCH needs no backend of its own: the block is held here and sent in one
// piece, so that it can stand between other clients' commands. What the server would say when a
// command is queued is said here.

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/client_session_asked.hpp"
#include "protocol/resp/replies.hpp"

namespace sluice::resp {

namespace {

using Kind = ClientStep::Kind;
using Way = CommandWay;

bool can_be_held(Way way) noexcept {
    return way == Way::shared || way == Way::blocking || way == Way::blocking_on_request ||
           way == Way::ping || way == Way::echo || way == Way::unwatch || way == Way::config_get ||
           way == Way::container || way == Way::info;
}

constexpr std::string_view aborted = "EXECABORT Transaction discarded because of previous errors.";
constexpr std::string_view unwatch_request = "*1\r\n$7\r\nUNWATCH\r\n";
constexpr std::string_view discard_request = "*1\r\n$7\r\nDISCARD\r\n";

}  // namespace

ClientStep ClientSession::begin_transaction(Asked& asked) {
    ClientStep step = answer(asked, "+OK\r\n");
    if (step.kind != Kind::answer) return step;
    Rare& part = rare();
    part.held.clear();
    part.held_count = 0;
    append_request(part.held, "MULTI");
    transaction_ = Transaction::held;
    aborted_ = false;
    return step;
}

void ClientSession::end_transaction() noexcept {
    transaction_ = Transaction::none;
    aborted_ = false;
}

ClientStep ClientSession::decide_held(Asked& asked) {
    const Way way = asked.row->way;
    if (way == Way::exec) return execute_held(asked);
    if (way == Way::discard) return discard_held(asked);
    if (way == Way::quit || way == Way::reset) return local(asked);
    // These two do not spoil the block, as the server has it.
    if (way == Way::multi) return answer(asked, "-ERR MULTI calls can not be nested\r\n");
    if (way == Way::watch) return answer(asked, "-ERR WATCH inside MULTI is not allowed\r\n");
    if (asked.row->has(CommandFlag::no_multi)) {
        return refuse_command(asked, "ERR Command not allowed inside a transaction");
    }
    if (!can_be_held(way)) {
        return refuse_command(asked, "ERR sluice does not allow this command inside MULTI");
    }
    return hold(asked);
}

ClientStep ClientSession::hold(Asked& asked) {
    Rare& part = rare();
    if (!aborted_ && part.held.size() + asked.request.size() > asked.terms.held_bytes_max) {
        if (asked.at.block_refusal.empty()) return pass_held(asked.at);
        aborted_ = true;
    }
    ClientStep step = answer(asked, "+QUEUED\r\n");
    if (step.kind != Kind::answer) return step;
    // The block that can only be discarded is not kept.
    if (!aborted_) part.held += wire::as_text(asked.request);
    ++part.held_count;
    return step;
}

/// The block has grown beyond what is held: it goes on by itself, on a backend of its own.
ClientStep ClientSession::pass_held(const Situation& at) {
    ClientStep step;
    if (at.owed) {
        step.kind = Kind::wait;
    } else if (at.lending != Lending::pinned) {
        step.kind = Kind::lend;
        step.lending = Lending::pinned;
        step.reason = PinReason::transaction;
    } else {
        transaction_ = Transaction::passed;
        step.kind = Kind::part;
        step.send = rare_->held;
        step.skipped = rare_->held_count + 1;
    }
    return step;
}

ClientStep ClientSession::execute_held(Asked& asked) {
    if (aborted_) return abort_block(asked, aborted);
    if (!asked.at.block_refusal.empty()) return abort_block(asked, asked.at.block_refusal);
    ClientStep step =
        forward(asked, watching_ ? Lending::pinned : Lending::shared, PinReason::watch);
    if (step.kind != Kind::forward) return step;
    Rare& part = rare();
    part.held += wire::as_text(asked.request);
    step.send = part.held;
    step.skipped = part.held_count + 1;
    watching_ = false;
    end_transaction();
    return step;
}

/// EXEC ends its block and its watch also when it is refused before it has begun, with a word of
/// its own for it. Source: Redis 7.0, which does so for a wrong number of arguments.
ClientStep ClientSession::refuse_exec(Asked& asked, std::string_view error) {
    if (error.starts_with("ERR ")) error.remove_prefix(4);
    return abort_block(asked, "EXECABORT Transaction discarded because of: " + std::string(error));
}

/// The block ends without having run, and the server forgets what it knows of it.
ClientStep ClientSession::abort_block(Asked& asked, std::string_view error) {
    if (asked.at.owed) return answer(asked, {});
    append_error(asked.out, error);
    ClientStep step = answered(asked);
    const bool passed = transaction_ == Transaction::passed;
    if (passed || watching_) {
        step.kind = Kind::forward;
        step.send = passed ? discard_request : unwatch_request;
        step.skipped = 1;
    }
    watching_ = false;
    end_transaction();
    return step;
}

ClientStep ClientSession::discard_held(Asked& asked) {
    if (!watching_) {
        ClientStep step = answer(asked, "+OK\r\n");
        if (step.kind == Kind::answer) end_transaction();
        return step;
    }
    // The server was never told of the block. What it must forget is the watch, and its answer to
    // that is the answer to DISCARD.
    ClientStep step = forward(asked, Lending::pinned, PinReason::watch);
    if (step.kind != Kind::forward) return step;
    step.send = unwatch_request;
    watching_ = false;
    end_transaction();
    return step;
}

ClientStep ClientSession::decide_passed(Asked& asked) {
    const Way way = asked.row->way;
    if (way == Way::exec && aborted_) return abort_block(asked, aborted);
    if (way == Way::quit || way == Way::reset) return local(asked);
    const bool ends = way == Way::exec || way == Way::discard;
    if (!ends && way != Way::multi && way != Way::watch && !can_be_held(way)) {
        return refuse_command(asked, "ERR sluice does not allow this command inside MULTI");
    }
    ClientStep step = forward(asked, Lending::pinned, PinReason::transaction);
    if (ends && step.kind == Kind::forward) {
        watching_ = false;
        end_transaction();
    }
    return step;
}

}  // namespace sluice::resp
