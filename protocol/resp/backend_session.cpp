#include "protocol/resp/backend_session.hpp"

namespace sluice::resp {

namespace {

struct ErrorToken {
    std::string_view token;
    std::string_view name;
};

// In the order of ErrorKind.
constexpr std::array<ErrorToken, error_kind_count> tokens{{
    {"", "other"},
    {"OOM", "oom"},
    {"LOADING", "loading"},
    {"BUSY", "busy"},
    {"READONLY", "readonly"},
    {"MASTERDOWN", "masterdown"},
    {"MOVED", "moved"},
    {"ASK", "ask"},
    {"EXECABORT", "execabort"},
    {"NOAUTH", "noauth"},
}};

}  // namespace

ErrorKind error_kind_of(std::string_view error_text) noexcept {
    const std::string_view token = error_text.substr(0, error_text.find_first_of(" \r\n"));
    for (std::size_t index = 1; index < tokens.size(); ++index) {
        if (token == tokens[index].token) return static_cast<ErrorKind>(index);
    }
    return ErrorKind::other;
}

std::string_view name_of(ErrorKind kind) noexcept {
    return tokens[static_cast<std::size_t>(kind)].name;
}

BackendRun BackendSession::next(wire::Bytes available, Owner push_owner) noexcept {
    BackendRun run;
    bool has_owner = false;
    while (run.bytes < available.size()) {
        const bool push = scanner_.within_reply() ? scanner_.within_push()
                                                  : available[run.bytes] == std::byte{'>'};
        if (!push && owed_.empty()) {
            // Nobody asked for it: from here on no reply could be matched with its owner.
            if (run.bytes == 0) run.event = BackendRun::Event::violation;
            return run;
        }
        const Owner owner = push ? push_owner : owed_.front().owner;
        if (has_owner && owner != run.owner) return run;
        run.owner = owner;
        has_owner = true;
        const ReplyScan scan = scanner_.next(available.subspan(run.bytes));
        if (scan.event == ReplyScan::Event::violation) {
            if (run.bytes == 0) run.event = BackendRun::Event::violation;
            return run;
        }
        run.bytes += scan.bytes;
        if (scan.event == ReplyScan::Event::part) return run;
        if (scan.event == ReplyScan::Event::push) continue;
        if (scanner_.is_error()) {
            ++errors_[static_cast<std::size_t>(error_kind_of(scanner_.error_text()))];
        }
        owed_.pay(1);
        ++run.replies;
    }
    return run;
}

Owner BackendSession::within_reply_of() const noexcept {
    if (!scanner_.within_reply() || scanner_.within_push() || owed_.empty()) return Owner::nobody;
    return owed_.front().owner;
}

}  // namespace sluice::resp
