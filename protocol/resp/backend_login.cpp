#include "protocol/resp/backend_login.hpp"

#include "protocol/resp/backend_session.hpp"
#include "protocol/resp/length_line.hpp"
#include "protocol/resp/request.hpp"

namespace sluice::resp {

namespace {

using Kind = BackendLogin::Step::Kind;

/// The bulk behind the bulk `name` in a flat answer: enough for HELLO's.
std::string value_behind(std::string_view answer, std::string_view name) {
    std::string wanted;
    append_argument(wanted, name);
    const std::size_t at = answer.find(wanted);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = answer.substr(at + wanted.size());
    if (!rest.starts_with('$')) return {};
    const LengthLine line = read_length_line(wire::as_bytes(rest), 1);
    if (line.state != LengthLine::State::read || line.value < 0) return {};
    return std::string(rest.substr(1 + line.bytes, static_cast<std::size_t>(line.value)));
}

}  // namespace

void BackendLogin::start(std::string& out) {
    const char* const version = identity_.version == RespVersion::resp3 ? "3" : "2";
    const std::string_view user =
        identity_.user.empty() ? std::string_view("default") : std::string_view(identity_.user);
    if (identity_.password.empty()) {
        append_request(out, "HELLO", version);
    } else {
        append_request(out, "HELLO", version, "AUTH", user, identity_.password);
    }
    if (identity_.database != 0) {
        append_request(out, "SELECT", std::to_string(identity_.database));
    }
    if (!identity_.name.empty()) append_request(out, "CLIENT", "SETNAME", identity_.name);
    if (!identity_.user.empty()) {
        append_request(out, "MULTI");
        append_request(out, "EXEC");
    }
    if (commands_asked_ == CommandsAsked::yes) append_request(out, "COMMAND");
}

BackendLogin::Step BackendLogin::received(wire::Bytes available) {
    Step step;
    while (step.bytes < available.size()) {
        const wire::Bytes rest = available.subspan(step.bytes);
        const ReplyScan scan = scanner_.next(rest);
        const std::size_t limit =
            awaited_ == Asked::commands ? commands_bytes_max : answer_bytes_max;
        if (scan.event == ReplyScan::Event::violation || answer_.size() + scan.bytes > limit) {
            step.kind = Kind::violation;
            return step;
        }
        answer_ += wire::as_text(rest.first(scan.bytes));
        step.bytes += scan.bytes;
        if (scan.event == ReplyScan::Event::part) return step;
        if (scan.event == ReplyScan::Event::reply && answered(wire::as_bytes(answer_), step)) {
            return step;
        }
        answer_.clear();
    }
    return step;
}

BackendLogin::Asked BackendLogin::next() const noexcept {
    switch (awaited_) {
        case Asked::hello:
            if (identity_.database != 0) return Asked::select;
            [[fallthrough]];
        case Asked::select:
            if (!identity_.name.empty()) return Asked::name;
            [[fallthrough]];
        case Asked::name:
            if (!identity_.user.empty()) return Asked::multi;
            return commands_asked_ == CommandsAsked::yes ? Asked::commands : Asked::done;
        case Asked::multi: return Asked::exec;
        case Asked::exec:
            return commands_asked_ == CommandsAsked::yes ? Asked::commands : Asked::done;
        case Asked::commands:
        case Asked::done: break;
    }
    return Asked::done;
}

/// True when the talk is over, well or not.
bool BackendLogin::answered(wire::Bytes reply, Step& step) {
    std::string_view text = wire::as_text(reply);
    const bool is_error = text.starts_with('-');
    if (awaited_ == Asked::commands && !is_error) commands_ = text;
    if (is_error) text = text.substr(1, text.find_first_of("\r\n") - 1);
    if (is_error && awaited_ == Asked::multi) block_refusal_ = text;
    // Who is not allowed to name itself works all the same, nameless, and likewise without COMMAND;
    // and a block that could not be begun has no end.
    const bool expected = awaited_ == Asked::name || awaited_ == Asked::commands ||
                          awaited_ == Asked::multi ||
                          (awaited_ == Asked::exec && !block_refusal_.empty());
    if (is_error && !expected) {
        step.error = text;
        const ErrorKind kind = error_kind_of(text);
        const bool passing = kind == ErrorKind::loading || kind == ErrorKind::busy ||
                             kind == ErrorKind::masterdown ||
                             text.find("max number of clients") != std::string_view::npos;
        step.kind = passing ? Kind::unavailable : Kind::rejected;
        return true;
    }
    if (awaited_ == Asked::hello) server_version_ = value_behind(text, "version");
    awaited_ = next();
    if (awaited_ != Asked::done) return false;
    step.kind = Kind::ready;
    return true;
}

}  // namespace sluice::resp
