#include "tests/sim/relay_sim_database.hpp"

#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <array>

namespace sluice::sim {

namespace {

constexpr std::uint32_t cancel_code = 80877102;
constexpr std::size_t output_bytes_max = 64U * 1024U;
constexpr std::size_t input_frames_max = 64;

void append_status(std::string& out, std::string_view name, std::string_view value) {
    std::string body;
    wire::Writer(body).c_string(name).c_string(value);
    append_frame(out, 'S', body);
}

}  // namespace

Database::Database(test::SimNetwork& network, std::uint16_t port, Witness witness)
    : network_(network), witness_(std::move(witness)) {
    network_.listen(
        port, [this] { return fate(); }, [this](int fd) { accept(fd); });
}

void Database::broken(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
}

void Database::trace(const Session& session, const std::string& what) {
    if (witness_.trace)
        witness_.trace("  backend " + std::to_string(session.process_id) + ' ' + what);
}

test::ConnectFate Database::fate() {
    using Kind = test::ConnectFate::Kind;
    test::Random& random = network_.random;
    if (random.per_mille(faults.connect_refused)) {
        return {random.below(2) == 0 ? Kind::fails_at_once : Kind::fails_later,
                milliseconds(random.below(20))};
    }
    if (random.per_mille(faults.connect_hangs)) return {Kind::hangs};
    const std::size_t most = random.per_mille(faults.connect_slow) ? 500 : 2;
    return {Kind::accepted, milliseconds(random.below(most + 1))};
}

void Database::accept(int fd) {
    auto session = std::make_unique<Session>();
    session->fd = fd;
    session->process_id = ++next_process_id_;
    session->key = static_cast<std::uint32_t>(network_.random.bits());
    sessions_.push_back(std::move(session));
}

std::size_t Database::live_count(const std::string& user) const {
    return static_cast<std::size_t>(std::ranges::count_if(sessions_, [&](const auto& session) {
        const bool counts = session->phase == Phase::login || session->phase == Phase::serving;
        return counts && network_.peer_open(session->fd) && (user.empty() || user == session->user);
    }));
}

std::size_t Database::live_count() const {
    return live_count({});
}

void Database::turn() {
    // By index: a cancel looks at other sessions.
    for (std::size_t index = 0; index < sessions_.size(); ++index)
        act(*sessions_[index]);
    std::erase_if(sessions_, [](const auto& session) { return session->phase == Phase::dead; });
}

void Database::act(Session& session) {
    if (session.phase == Phase::dead) return;
    read(session);
    if (session.phase == Phase::starting) read_startup(session);
    if (session.phase == Phase::login && network_.now() >= session.until) answer_login(session);
    if (session.phase == Phase::cancelling && network_.now() >= session.until) cancel(session);
    if (session.phase == Phase::serving) {
        if (network_.random.per_mille(faults.turn_notice)) say_something(session);
        if (network_.random.per_mille(faults.turn_death)) die(session);
        serve(session);
    }
    write(session);
}

void Database::read(Session& session) {
    std::array<std::byte, 8192> bytes;
    while (session.output.size() < output_bytes_max && session.frames.size() < input_frames_max &&
           network_.readable(session.fd)) {
        const std::ptrdiff_t count = network_.read(session.fd, bytes);
        if (count < 0 && !network_.failed(session.fd)) return;
        if (count <= 0) {
            trace(session, "left by the program");
            end(session, false);
            return;
        }
        session.input += wire::as_text(std::span(bytes).first(static_cast<std::size_t>(count)));
        if (session.phase != Phase::serving) continue;
        std::vector<Frame> frames;
        if (!cut_frames(session.input, frames)) broken("a backend was sent an impossible frame");
        for (Frame& frame : frames)
            session.frames.push_back(std::move(frame));
    }
}

void Database::write(Session& session) {
    if (session.phase == Phase::dead) return;
    while (!session.output.empty()) {
        const std::ptrdiff_t count = network_.write(session.fd, wire::as_bytes(session.output));
        if (count < 0) return;  // Full, or gone: the next read says which.
        session.output.erase(0, static_cast<std::size_t>(count));
    }
    if (session.ends_after_output) end(session, false);
}

void Database::end(Session& session, bool by_reset) {
    if (by_reset) {
        network_.reset(session.fd);
    } else {
        network_.close(session.fd);
    }
    session.phase = Phase::dead;
}

void Database::die(Session& session) {
    if (session.phase != Phase::serving || session.ends_after_output) return;
    ++fault_count_;
    trace(session, "dies");
    switch (network_.random.below(4)) {
        case 0: end(session, true); return;
        case 1: end(session, false); return;
        case 2:
            // In the middle of a frame.
            append_frame(session.output, 'N', std::string(40, '\0'));
            session.output.resize(session.output.size() - 20);
            break;
        default: append_error_frame(session.output, "FATAL", "57P01", "terminated by fault"); break;
    }
    session.ends_after_output = true;
}

void Database::read_startup(Session& session) {
    if (session.input.size() < 8) return;
    wire::Cursor cursor(wire::as_bytes(session.input));
    const std::uint32_t length = cursor.u32();
    if (session.input.size() < length) return;
    if (cursor.u32() == cancel_code) {
        session.phase = Phase::cancelling;
        session.until = network_.now() + milliseconds(network_.random.below(6));
        return;
    }
    while (true) {
        const std::string name(cursor.c_string());
        if (name.empty()) break;
        const std::string value(cursor.c_string());
        if (name == "user") {
            session.user = value;
        } else if (name != "database") {
            session.startup[name] = value;
        }
    }
    session.settings = session.startup;
    session.input.erase(0, length);
    session.phase = Phase::login;
    session.until = network_.now() + milliseconds(network_.random.below(5));
    trace(session, "is asked to log in");
}

void Database::answer_login(Session& session) {
    test::Random& random = network_.random;
    std::string& out = session.output;
    const bool refused = random.per_mille(faults.login_refused);
    const bool rejected = random.per_mille(faults.login_rejected);
    if (refused || rejected || random.per_mille(faults.login_closed)) {
        ++fault_count_;
        if (refused) append_error_frame(out, "FATAL", "57P03", "starting up");
        if (rejected) append_error_frame(out, "FATAL", "28P01", "not you");
        session.ends_after_output = true;
        session.phase = Phase::mute;
        return;
    }
    append_frame(out, 'R', std::string_view("\0\0\0\0", 4));
    append_status(out, "server_version", "15.0");
    append_status(out, "application_name", session.settings["application_name"]);
    if (faults.gives_keys) {
        std::string body;
        wire::Writer(body).u32(session.process_id).u32(session.key);
        append_frame(out, 'K', body);
    }
    append_frame(out, 'Z', "I");
    session.phase = Phase::serving;
    session.settings = session.startup;
}

void Database::say_something(Session& session) {
    if (session.ends_after_output) return;
    if (network_.random.below(2) == 0) {
        append_status(session.output, "TimeZone", network_.random.below(2) == 0 ? "UTC" : "GMT");
    } else {
        std::string body;
        append_error_frame(body, "NOTICE", "00000", std::string(network_.random.below(200), 'n'));
        body[0] = 'N';
        session.output += body;
    }
}

void Database::break_protocol(Session& session) {
    ++fault_count_;
    trace(session, "breaks the protocol");
    switch (network_.random.below(4)) {
        case 0: session.output += std::string("D\0\0\0\1", 5); break;
        case 1: append_frame(session.output, 'R', std::string_view("\0\0\0\0", 4)); break;
        case 2: append_frame(session.output, 'Z', "IIII"); break;
        default: append_frame(session.output, 'Z', "?"); break;
    }
    session.phase = Phase::mute;
}

}  // namespace sluice::sim
