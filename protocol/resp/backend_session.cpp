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
    {"EXECABORT ", "execabort_oom"},  // Told by what stands behind.
    {"NOPERM", "noperm"},
    {"MISCONF", "misconf"},
    {"NOREPLICAS", "noreplicas"},
    {"CLUSTERDOWN", "clusterdown"},
    {"TRYAGAIN", "tryagain"},
    {"CROSSSLOT", "crossslot"},
    {"NOSCRIPT", "noscript"},
}};

}  // namespace

ErrorKind error_kind_of(std::string_view error_text) noexcept {
    const std::string_view token = error_text.substr(0, error_text.find_first_of(" \r\n"));
    for (std::size_t index = 1; index < tokens.size(); ++index) {
        if (token != tokens[index].token) continue;
        const auto kind = static_cast<ErrorKind>(index);
        const bool for_memory = error_text.find(" because of: OOM") != std::string_view::npos;
        return kind == ErrorKind::execabort && for_memory ? ErrorKind::execabort_oom : kind;
    }
    return ErrorKind::other;
}

namespace {

/// Of the checks that a server makes before it runs a command, that of memory comes behind those of
/// rights and slots, and before all others.
BackendRun::Probe probe_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::oom:
        case ErrorKind::execabort_oom: return BackendRun::Probe::refused;
        case ErrorKind::noauth:
        case ErrorKind::noperm:
        case ErrorKind::moved:
        case ErrorKind::ask:
        case ErrorKind::clusterdown:
        case ErrorKind::tryagain:
        case ErrorKind::crossslot: return BackendRun::Probe::unclear;
        case ErrorKind::other:
        case ErrorKind::loading:
        case ErrorKind::busy:
        case ErrorKind::readonly:
        case ErrorKind::masterdown:
        case ErrorKind::execabort:
        case ErrorKind::misconf:
        case ErrorKind::noreplicas:
        case ErrorKind::noscript: break;
    }
    return BackendRun::Probe::accepted;
}

}  // namespace

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
        replied(run);
    }
    return run;
}

void BackendSession::replied(BackendRun& run) noexcept {
    auto probe = BackendRun::Probe::accepted;
    if (scanner_.is_error()) {
        const ErrorKind kind = error_kind_of(scanner_.error_text());
        ++errors_[static_cast<std::size_t>(kind)];
        probe = probe_of(kind);
        run.demoted = run.demoted || kind == ErrorKind::readonly;
        if (probe == BackendRun::Probe::refused) ++run.oom_replies;
    } else if (const std::uint32_t inner = scanner_.inner_oom_count(); inner > 0) {
        errors_[static_cast<std::size_t>(ErrorKind::oom)] += inner;
        run.oom_replies += inner;
    }
    owed_.pay(1);
    ++run.replies;
    if (probe_in_ > 0 && --probe_in_ == 0) run.probe = probe;
}

Owner BackendSession::within_reply_of() const noexcept {
    if (!scanner_.within_reply() || scanner_.within_push() || owed_.empty()) return Owner::nobody;
    return owed_.front().owner;
}

}  // namespace sluice::resp
