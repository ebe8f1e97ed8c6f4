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
}

BackendLogin::Step BackendLogin::received(wire::Bytes available) {
    Step step;
    while (step.bytes < available.size()) {
        const wire::Bytes rest = available.subspan(step.bytes);
        const ReplyScan scan = scanner_.next(rest);
        if (scan.event == ReplyScan::Event::violation ||
            answer_.size() + scan.bytes > answer_bytes_max) {
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

/// True when the talk is over, well or not.
bool BackendLogin::answered(wire::Bytes reply, Step& step) {
    std::string_view text = wire::as_text(reply);
    // Who is not allowed to name itself works all the same, nameless.
    if (text.starts_with('-') && awaited_ != Asked::name) {
        text.remove_prefix(1);
        step.error = text.substr(0, text.find_first_of("\r\n"));
        const ErrorKind kind = error_kind_of(text);
        const bool passing = kind == ErrorKind::loading || kind == ErrorKind::busy ||
                             kind == ErrorKind::masterdown ||
                             text.find("max number of clients") != std::string_view::npos;
        step.kind = passing ? Kind::unavailable : Kind::rejected;
        return true;
    }
    if (awaited_ == Asked::hello) {
        server_version_ = value_behind(text, "version");
        awaited_ = identity_.database != 0 ? Asked::select : Asked::name;
    } else if (awaited_ == Asked::select) {
        awaited_ = Asked::name;
    } else {
        step.kind = Kind::ready;
        return true;
    }
    if (awaited_ == Asked::name && identity_.name.empty()) {
        step.kind = Kind::ready;
        return true;
    }
    return false;
}

}  // namespace sluice::resp
