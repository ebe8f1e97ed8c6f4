#include "tests/sim/relay_sim_client.hpp"

#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::sim {

bool Oracle::outstanding() {
    while (expected_.empty() && !sent_.empty()) {
        before_ = model_;
        current_ = std::move(sent_.front());
        sent_.pop_front();
        model_.step(current_, expected_);
    }
    return !expected_.empty();
}

bool Oracle::expects(const std::string& frame) {
    if (!outstanding() || !expected_.starts_with(frame)) return false;
    expected_.erase(0, frame.size());
    return true;
}

bool Oracle::failed_instead(std::string_view sqlstate) {
    if (!outstanding()) {
        if (!model_.copying()) return false;
        before_ = model_;
        current_ = {'d', {}};
    }
    model_ = before_;
    std::string failure;
    if (sqlstate == "25P03") {
        model_.lose(current_, sqlstate, failure);
    } else {
        model_.interrupt(current_, sqlstate, failure);
    }
    // The error itself has come, in other words; what the model says behind it is due.
    std::vector<Frame> frames;
    std::string bytes = failure;
    if (!cut_frames(bytes, frames)) return false;
    expected_ = failure.substr(5 + frames[0].body.size());
    return true;
}

Client::Client(World& world, const Habits& habits, std::uint32_t id, std::string user,
               Settings settings)
    : world_(world),
      habits_(habits),
      id_(id),
      user_(std::move(user)),
      settings_(std::move(settings)),
      script_(write_script(world.network.random, habits, id)) {
    byte_by_byte_ = world.network.random.per_mille(habits.byte_by_byte);
    slow_reader_ = world.network.random.per_mille(habits.slow_reader);
    pause_until_ = world.network.now() + milliseconds(world.network.random.below(60));
}

void Client::trace(const std::string& what) {
    if (world_.trace) world_.trace("client " + std::to_string(id_) + ' ' + what);
}

void Client::broken(const std::string& what) {
    world_.broken("client " + std::to_string(id_) + ' ' + what);
}

void Client::turn() {
    if (cancel_fd_ >= 0) go_on_cancelling();
    if (phase_ == Phase::over) return;
    if (phase_ == Phase::before) {
        if (world_.network.now() >= pause_until_) begin();
        return;
    }
    receive();
    if (phase_ == Phase::over) return;
    test::Random& random = world_.network.random;
    if (random.per_mille(habits_.vanishes)) {
        vanish();
        return;
    }
    if (phase_ == Phase::serving) {
        if (random.per_mille(habits_.cancels)) ask_cancel();
        if (random.per_mille(habits_.hostile)) {
            misbehave();
            return;
        }
        if (output_.empty()) follow_script();
    }
    transmit();
    const bool waits = phase_ != Phase::serving || oracle_.outstanding();
    if (!waits) heard_ = world_.network.now();
    if (world_.network.now() - heard_ > patience) broken("starves: " + description());
}

std::string Client::description() const {
    return "phase " + std::to_string(static_cast<int>(phase_)) + ", steps left " +
           std::to_string(script_.size()) + ", unsent " + std::to_string(output_.size()) +
           ", expected " + std::to_string(oracle_.expected().size()) +
           (oracle_.expected().empty() ? "" : std::string(" ") + oracle_.expected()[0]);
}

void Client::begin() {
    fd_ = world_.connect();
    heard_ = world_.network.now();
    if (world_.network.random.below(4) == 0) {
        wire::Writer(output_).u32(8).u32(80877103);
        phase_ = Phase::encryption;
        return;
    }
    write_startup();
}

void Client::write_startup() {
    phase_ = Phase::login;
    wire::Writer writer(output_);
    writer.begin_frame('\0').u32(3U << 16U).c_string("user").c_string(user_);
    writer.c_string("database").c_string("app");
    for (const auto& [name, value] : settings_)
        writer.c_string(name).c_string(value);
    writer.u8(0).end_frame();
}

void Client::transmit() {
    if (phase_ == Phase::over) return;
    test::SimNetwork& network = world_.network;
    while (!output_.empty()) {
        std::string_view part = output_;
        if (byte_by_byte_) part = part.substr(0, 1);
        const std::ptrdiff_t count = network.write(fd_, wire::as_bytes(part));
        if (count < 0) break;
        output_.erase(0, static_cast<std::size_t>(count));
        if (byte_by_byte_ && network.random.below(8) == 0) break;
        if (network.random.below(16) == 0) break;
    }
    if (output_.empty() && farewell_) leave(End::finished, false);
}

void Client::follow_script() {
    while (output_.empty() && !farewell_) {
        if (world_.network.now() < pause_until_) return;
        if (script_.empty()) {
            if (oracle_.outstanding()) return;
            append_frame(output_, 'X', {});
            farewell_ = true;
            return;
        }
        Step& step = script_.front();
        if (step.kind == Step::Kind::await_answers && oracle_.outstanding()) return;
        if (step.kind == Step::Kind::pause) pause_until_ = world_.network.now() + step.pause;
        if (step.kind == Step::Kind::send) send_frames(step.frames);
        script_.pop_front();
    }
}

void Client::send_frames(const std::vector<Frame>& frames) {
    for (const Frame& frame : frames) {
        if (world_.trace) {
            const std::string shown =
                frame.body.substr(0, std::min<std::size_t>(60, frame.body.find('\0')));
            trace(std::string("sends ") + frame.type + ' ' + shown);
        }
        if (!oracle_.outstanding()) heard_ = world_.network.now();
        append_frame(output_, frame.type, frame.body);
        oracle_.sent(frame);
    }
}

void Client::receive() {
    test::SimNetwork& network = world_.network;
    std::array<std::byte, 4096> bytes;
    while (phase_ != Phase::over && network.readable(fd_)) {
        if (slow_reader_ && network.random.below(4) != 0) return;
        const std::ptrdiff_t count =
            network.read(fd_, std::span(bytes).first(slow_reader_ ? 300 : bytes.size()));
        if (count < 0 && !network.failed(fd_)) return;
        if (count <= 0) {
            trace("is cut off");
            const bool as_asked = oracle_.ended();
            leave(as_asked ? End::finished : last_error_.empty() ? End::cut : End::refused, false);
            return;
        }
        heard_ = network.now();
        input_ += wire::as_text(std::span(bytes).first(static_cast<std::size_t>(count)));
        if (phase_ == Phase::encryption) {
            // A program on its way out says so at once.
            if (input_[0] != 'N' && input_[0] != 'E') broken("was told of encryption: " + input_);
            if (input_[0] == 'N') input_.erase(0, 1);
            write_startup();
        }
        std::vector<Frame> frames;
        if (!cut_frames(input_, frames)) broken("was sent an impossible frame");
        for (const Frame& frame : frames) {
            if (phase_ == Phase::login) {
                take_login(frame);
            } else if (phase_ == Phase::serving) {
                take(frame);
            }
        }
        if (slow_reader_) return;
    }
}

void Client::take_login(const Frame& frame) {
    if (frame.type == 'E') {
        last_error_ = error_field(frame.body, 'C');
        trace("is refused: " + last_error_ + ' ' + error_field(frame.body, 'M'));
        if (error_field(frame.body, 'S') != "FATAL") broken("got an ERROR in its login");
    } else if (frame.type == 'K') {
        cancel_key_ = frame.body;
    } else if (frame.type == 'S') {
        const auto name = settings_.find("application_name");
        std::string wanted("application_name");
        wanted += '\0';
        wanted += (name == settings_.end() ? std::string() : name->second) + '\0';
        if (frame.body.starts_with("application_name") && frame.body != wanted) {
            broken("was told another application_name: " + frame.body);
        }
    } else if (frame.type == 'Z') {
        phase_ = Phase::serving;
        trace("is logged in");
    } else if (frame.type != 'R' && frame.type != 'N') {
        broken(std::string("got in its login: ") + frame.type);
    }
}

void Client::take(const Frame& frame) {
    if (frame.type == 'N' || frame.type == 'S') return;
    std::string bytes;
    append_frame(bytes, frame.type, frame.body);
    if (world_.trace) trace(std::string("hears ") + frame.type);
    if (oracle_.expects(bytes)) {
        ++answers_;
        return;
    }
    if (frame.type == 'E') {
        take_error(frame);
        return;
    }
    const bool due = oracle_.outstanding();
    broken(std::string("got ") + frame.type + ' ' + frame.body.substr(0, 40) + " where " +
           (due ? oracle_.expected().substr(0, 60) : std::string("nothing")) + " was due");
}

void Client::take_error(const Frame& frame) {
    const std::string sqlstate = error_field(frame.body, 'C');
    trace("gets " + sqlstate + ' ' + error_field(frame.body, 'M'));
    if (error_field(frame.body, 'S') == "FATAL") {
        if (!last_error_.empty()) broken("was told FATAL twice: " + last_error_ + ' ' + sqlstate);
        last_error_ = sqlstate;
        return;
    }
    if (!oracle_.failed_instead(sqlstate)) {
        broken("got an error for nothing: " + sqlstate);
    } else if (sqlstate == "57014") {
        ++cancelled_;
        if (!cancel_asked_ && !world_.timeouts) broken("was cancelled and did not ask");
    } else if (sqlstate == "53300") {
        ++wait_errors_;
        // With a block that is deferred, it holds none yet.
        if (!oracle_.at_rest() && habits_.bare_blocks == 0) {
            broken("was refused a backend that it holds");
        }
    } else if (sqlstate == "0A000" && world_.outdated) {
        ++outdated_;
    } else if (sqlstate == "25P03" && habits_.stalls > 0) {
        ++lost_;
        if (oracle_.at_rest()) broken("lost a transaction that it had not begun");
    } else {
        broken("got an error that it did not ask for: " + sqlstate + ' ' +
               error_field(frame.body, 'M'));
    }
}

void Client::ask_cancel() {
    if (cancel_fd_ >= 0 || cancel_key_.empty()) return;
    trace("asks for a cancel");
    const bool guesses = world_.network.random.below(10) == 0;
    std::string key = cancel_key_;
    if (guesses) {
        key.back() = static_cast<char>(key.back() ^ 1);
    } else {
        cancel_asked_ = true;
    }
    cancel_fd_ = world_.connect();
    cancel_output_.clear();
    wire::Writer(cancel_output_).u32(16).u32(80877102).raw(key);
}

void Client::go_on_cancelling() {
    test::SimNetwork& network = world_.network;
    std::array<std::byte, 256> bytes;
    if (!cancel_output_.empty()) {
        const std::ptrdiff_t count = network.write(cancel_fd_, wire::as_bytes(cancel_output_));
        if (count > 0) cancel_output_.erase(0, static_cast<std::size_t>(count));
    }
    if (!network.readable(cancel_fd_)) return;
    const std::ptrdiff_t count = network.read(cancel_fd_, bytes);
    if (count > 0) {
        broken("was told on its cancel's connection: " +
               std::string(wire::as_text(std::span(bytes).first(static_cast<std::size_t>(count)))));
    }
    if (count < 0 && !network.failed(cancel_fd_)) return;
    network.close(cancel_fd_);
    cancel_fd_ = -1;
}

void Client::misbehave() {
    test::Random& random = world_.network.random;
    trace("misbehaves");
    std::string nonsense;
    switch (random.below(4)) {
        case 0: nonsense = std::string("Q\0\0\0\0", 5); break;
        case 1: append_frame(nonsense, 'p', "secret"); break;
        case 2: append_frame(nonsense, '?', "what"); break;
        default:
            for (std::size_t i = 0; i < 40; ++i)
                nonsense.push_back(static_cast<char>(random.below(256)));
    }
    std::ignore = world_.network.write(fd_, wire::as_bytes(output_));
    std::ignore = world_.network.write(fd_, wire::as_bytes(nonsense));
    leave(End::misbehaved, random.below(2) == 0);
}

void Client::vanish() {
    if (phase_ == Phase::over || phase_ == Phase::before) {
        phase_ = Phase::over;
        if (end_ == End::none) end_ = End::vanished;
        return;
    }
    trace("vanishes");
    leave(End::vanished, world_.network.random.below(2) == 0);
}

void Client::leave(End end, bool by_reset) {
    phase_ = Phase::over;
    end_ = end;
    if (by_reset) {
        world_.network.reset(fd_);
    } else {
        world_.network.close(fd_);
    }
}

}  // namespace sluice::sim
