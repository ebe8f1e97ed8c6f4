// Requests that are larger than what is held: passed on in pieces, on a backend of the client's
// own, or read over when they are larger than a request may be.

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/replies.hpp"

namespace sluice::resp {

namespace {

using Kind = ClientStep::Kind;
using Way = CommandWay;

constexpr std::string_view too_large = "ERR sluice: request larger than max_request_bytes";

}  // namespace

ClientStep ClientSession::begin_stream(wire::Bytes available, const Situation& at,
                                       const SessionTerms& terms, std::string& out) {
    ArgumentReader arguments(available);
    const auto name = arguments.next();
    const CommandRow* const row = name ? terms.policy->table().find(*name) : nullptr;
    ClientStep step;
    const bool blocked = transaction_ == Transaction::held && !at.block_refusal.empty();
    // What we would have to read to its end is not taken at this size.
    const bool passes = row != nullptr && !blocked && row->takes(arguments.count()) &&
                        logged_in() && (row->way == Way::shared || row->way == Way::blocking) &&
                        terms.policy->allows(*row) &&
                        !(at.subscribed && version_ == RespVersion::resp2);
    if (!passes) {
        if (at.owed) {
            step.kind = Kind::wait;
            return step;
        }
        append_error(out, "ERR sluice: too large a request of this kind");
        step.kind = Kind::finish;
        return step;
    }
    if (transaction_ == Transaction::held) return pass_held(at);
    if (at.lending != Lending::pinned) {
        step.kind = at.owed ? Kind::wait : Kind::lend;
        step.lending = Lending::pinned;
        step.reason = PinReason::large;
        return step;
    }
    stretch_ = Stretch::passed;
    rare().passed_bytes = 0;
    step = stream(available, terms, out);
    step.replies = 1;
    step.muted = muted();
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
        return refuse_size(scan.bytes, out);
    }
    step.bytes = scanner_.looked_at(available);
    if (step.bytes == 0) return step;
    scanner_.passed(step.bytes);
    step.kind = Kind::answer;
    return step;
}

ClientStep ClientSession::refuse_size(std::size_t bytes, std::string& out) {
    ClientStep step;
    step.kind = Kind::answer;
    step.bytes = bytes;
    step.spared = Spared::size;
    if (transaction_ != Transaction::none) aborted_ = true;
    if (!muted()) append_error(out, too_large);
    command_done();
    return step;
}

}  // namespace sluice::resp
