// Requests that are larger than what is held: passed on in pieces, on a backend of the client's
// own, or read over when they are larger than a request may be.

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/client_session_asked.hpp"
#include "protocol/resp/command_refusals.hpp"
#include "protocol/resp/replies.hpp"

namespace sluice::resp {

namespace {

using Kind = ClientStep::Kind;
using Way = CommandWay;

/// What is answered here has to be there in full: of it so many times as much is held.
constexpr std::size_t whole_request_factor = 16;

/// Whether a server can be given it in pieces, and has the answer.
bool passes(Way way) noexcept {
    return way == Way::shared || way == Way::blocking || way == Way::blocking_on_request ||
           way == Way::watch || way == Way::ping || way == Way::echo;
}

constexpr std::string_view too_large = "ERR sluice: request larger than max_request_bytes";

}  // namespace

/// Its end is not here. When there is more of it than we hold, what can be judged by its beginning
/// is.
ClientStep ClientSession::begin_large(Asked& asked) {
    const std::size_t held_bytes_max = asked.terms.held_bytes_max;
    // A line has a limit of its own.
    if (asked.request.size() <= held_bytes_max || asked.request[0] != std::byte{'*'}) return {};
    asked.rest = ArgumentReader(asked.request);
    const auto name = asked.rest.next();
    asked.name = name.value_or(asked.rest.begun());
    if (!name) asked.rest = ArgumentReader({});
    std::string error = find_command(asked);
    ClientStep step;
    if (asks_first(asked)) {
        step.kind = Kind::lend;
        step.lending = Lending::shared;
        return step;
    }
    const bool at_messages = asked.at.subscribed && version_ == RespVersion::resp2;
    if (error.empty() && at_messages && !is_allowed_while_subscribed(asked.row->way)) {
        error = not_while_subscribed(*asked.row);
    }
    const bool is_held = transaction_ == Transaction::held;
    const bool is_watch = asked.row != nullptr && asked.row->way == Way::watch;
    if (error.empty() && is_held && !is_watch && asked.row->has(CommandFlag::no_multi)) {
        error = "ERR Command not allowed inside a transaction";
    }
    // It may have to end a block, and what is ours to answer is answered when it is there in full.
    const bool is_exec = asked.row != nullptr && asked.row->way == Way::exec;
    if (error.empty() ? !passes(asked.row->way) || at_messages : is_exec) {
        if (asked.request.size() <= held_bytes_max * whole_request_factor) return step;
        error = "ERR sluice: too large a request of this kind";
    }
    if (asked.at.owed) {
        // Unless it can follow what is under way there.
        if (!error.empty() || is_held || asked.at.lending != Lending::pinned) {
            step.kind = Kind::wait;
            return step;
        }
    }
    // Of a block that can only be discarded nothing is kept, so nothing of it can be passed on.
    const bool has_no_block = is_held && (aborted_ || !asked.at.block_refusal.empty());
    if (!error.empty() || (has_no_block && !is_watch)) {
        // What was to be queued and was not must not let the rest of the block run without it.
        if (transaction_ != Transaction::none) aborted_ = true;
        std::string reply = "+QUEUED\r\n";
        if (!error.empty()) {
            reply.clear();
            append_error(reply, error);
        }
        return begin_skip(asked, reply);
    }
    if (is_held && is_watch) {
        return begin_skip(asked, "-ERR WATCH inside MULTI is not allowed\r\n");
    }
    return begin_stream(asked);
}

ClientStep ClientSession::begin_skip(Asked& asked, std::string_view reply) {
    rare().late_reply = reply;
    return skip(asked.request, asked.terms, asked.out);
}

ClientStep ClientSession::begin_stream(Asked& asked) {
    if (transaction_ == Transaction::held) return pass_held(asked.at);
    const Way way = asked.row->way;
    ClientStep step;
    if (asked.at.lending != Lending::pinned) {
        step.kind = Kind::lend;
        step.lending = Lending::pinned;
        step.reason = way == Way::watch ? PinReason::watch : PinReason::large;
        return step;
    }
    stretch_ = Stretch::passed;
    rare().passed_bytes = 0;
    step = stream(asked.request, asked.terms, asked.out);
    step.replies = 1;
    step.muted = muted();
    step.may_wait = way == Way::blocking || way == Way::blocking_on_request;
    // In a block the server refuses it.
    if (way == Way::watch && transaction_ == Transaction::none) watching_ = true;
    command_done();
    return step;
}

/// The request goes on in pieces. Its reply is owed already, unless this is its first piece.
ClientStep ClientSession::stream(wire::Bytes available, const SessionTerms& terms,
                                 std::string& out) {
    const RequestScan scan = scanner_.scan(available, terms.limits, login_);
    ClientStep step;
    if (scan.event == RequestScan::Event::violation) {
        append_protocol_error(out, scan.fault, scan.found);
        step.kind = Kind::finish;
        return step;
    }
    step.bytes =
        scan.event == RequestScan::Event::complete ? scan.bytes : scanner_.looked_at(available);
    if (step.bytes == 0) return step;
    rare().passed_bytes += step.bytes;
    if (rare().passed_bytes > terms.request_bytes_max) {
        // The server has a part of it: there is no way back.
        append_error(out, too_large);
        step.kind = Kind::finish;
        return step;
    }
    step.kind = Kind::part;
    step.send = wire::as_text(available.first(step.bytes));
    if (scan.event == RequestScan::Event::complete) {
        stretch_ = Stretch::none;
        scanner_.restart();
    } else {
        scanner_.passed(step.bytes);
    }
    return step;
}

/// The request is read over; nothing is owed, and its answer comes when it has ended.
ClientStep ClientSession::skip(wire::Bytes available, const SessionTerms& terms, std::string& out) {
    stretch_ = Stretch::skipped;
    const RequestScan scan = scanner_.scan(available, terms.limits, login_);
    ClientStep step;
    if (scan.event == RequestScan::Event::violation) {
        append_protocol_error(out, scan.fault, scan.found);
        step.kind = Kind::finish;
        return step;
    }
    if (scan.event == RequestScan::Event::complete) {
        stretch_ = Stretch::none;
        scanner_.restart();
        return end_skip(scan.bytes, out);
    }
    step.bytes = scanner_.looked_at(available);
    if (step.bytes == 0) return step;
    scanner_.passed(step.bytes);
    step.kind = Kind::answer;
    return step;
}

/// The end of a request that was read over.
ClientStep ClientSession::end_skip(std::size_t bytes, std::string& out) {
    ClientStep step;
    step.kind = Kind::answer;
    step.bytes = bytes;
    if (rare_ && !rare_->late_reply.empty()) {
        if (!muted()) out += rare_->late_reply;
        rare_->late_reply = {};
    } else {
        step.spared = Spared::size;
        if (transaction_ != Transaction::none) aborted_ = true;
        if (!muted()) append_error(out, too_large);
    }
    command_done();
    return step;
}

}  // namespace sluice::resp
