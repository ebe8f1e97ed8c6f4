// What a Redis client sends, a hostile one included. The first byte decides the size of the pieces,
// whether a login is needed, and when what is owed is paid; the rest is what the client sends. What
// goes to a backend must be whole requests, as an independent reader sees them.

#include "protocol/assert.hpp"
#include "protocol/resp/client_session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace sluice;
using Kind = resp::ClientStep::Kind;

struct Talk {
    explicit Talk(resp::LoginState login) : session(login) {}

    resp::ClientSession session;
    std::string kept;
    std::string to_backend;
    std::string to_client;
    resp::Lending lending = resp::Lending::none;
    std::size_t owed = 0;
    bool finished = false;
    bool subscribed = false;
};

const resp::CommandPolicy& policy() {
    static const resp::CommandPolicy only(resp::known_commands(), {}, {});
    return only;
}

void serve(Talk& talk, const resp::SessionTerms& terms) {
    while (!talk.finished && !talk.kept.empty()) {
        resp::Situation at;
        at.lending = talk.lending;
        at.owed = talk.owed > 0;
        at.subscribed = talk.subscribed;
        const auto step =
            talk.session.next(wire::as_bytes(talk.kept), at, terms, {1, "7"}, talk.to_client);
        SLUICE_ASSERT(step.bytes <= talk.kept.size());
        if (step.kind == Kind::read_more || step.kind == Kind::wait) return;
        if (step.kind == Kind::judge) talk.session.judged(resp::LoginVerdict::accepted);
        if (step.kind == Kind::lend) {
            SLUICE_ASSERT(talk.owed == 0 && step.lending != talk.lending);
            talk.lending = step.lending;
        }
        if (step.kind == Kind::forward || step.kind == Kind::part) {
            SLUICE_ASSERT(talk.lending != resp::Lending::none);
            talk.to_backend += step.send;
            talk.owed += step.replies;
        }
        if (step.kind == Kind::subscribe || step.kind == Kind::unsubscribe) {
            SLUICE_ASSERT(talk.owed == 0 && step.bytes > 0);
            talk.subscribed = step.kind == Kind::subscribe;
        }
        if (step.kind == Kind::consult) SLUICE_ASSERT(talk.owed == 0 && step.bytes > 0);
        if (step.kind == Kind::reset) {
            talk.subscribed = false;
            talk.lending = resp::Lending::none;
            talk.owed = 0;
        }
        talk.finished = step.kind == Kind::finish;
        talk.kept.erase(0, step.bytes);
        talk.session.sent();
    }
}

/// What has left is a sequence of requests in array form, the last of which may be under way.
void check(const Talk& talk) {
    std::string_view rest = talk.to_backend;
    while (!rest.empty()) {
        resp::RequestScanner scanner;
        const auto scan = scanner.scan(wire::as_bytes(rest), {}, resp::LoginState::done);
        if (scan.event == resp::RequestScan::Event::incomplete) {
            SLUICE_ASSERT(talk.session.within_request() || talk.finished);
            return;
        }
        SLUICE_ASSERT(scan.event == resp::RequestScan::Event::complete);
        rest.remove_prefix(scan.bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece = 1 + bytes[0] % 64U;
    resp::SessionTerms terms;
    terms.policy = &policy();
    terms.held_bytes_max = 64 + bytes[1] % 64U;
    Talk talk(bytes[0] >= 128 ? resp::LoginState::required : resp::LoginState::done);
    for (std::size_t at = 2; at < size && !talk.finished; at += piece) {
        const std::size_t end = std::min(size, at + piece);
        talk.kept.append(reinterpret_cast<const char*>(bytes) + at, end - at);
        serve(talk, terms);
        if (bytes[end - 1] % 2 == 0) {
            talk.owed = 0;
            if (!talk.session.holds_pin()) talk.lending = resp::Lending::none;
            serve(talk, terms);
        }
    }
    check(talk);
    return 0;
}
