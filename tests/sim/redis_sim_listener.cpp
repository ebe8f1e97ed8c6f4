#include "tests/sim/redis_sim_listener.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::redis_sim {

namespace {

const std::vector<std::string> channels{"news0", "news1", "news2"};

bool is_pattern(std::string_view name) {
    return name.ends_with('*');
}

bool covers(std::string_view name, std::string_view channel) {
    return is_pattern(name) ? channel.starts_with(name.substr(0, name.size() - 1))
                            : name == channel;
}

}  // namespace

Listener::Listener(const World& world, const Habits& habits, std::uint32_t id)
    : world_(world), habits_(habits), network_(world.common.network), id_(id) {
    test::Random& random = network_.random;
    turns_left_ = random.between(1, 12);
    version_ = random.below(2) == 0 ? 3 : 2;
    reads_slowly_ = random.per_mille(habits.slow_reader);
    next_at_ = network_.now() + milliseconds(random.below(40));
}

std::string Listener::description() const {
    return "listens, " + std::to_string(expected_.size()) + " replies expected" +
           (expected_.empty() ? ""
                              : ", first " + expected_.front().what + expected_.front().bytes) +
           ", " + std::to_string(names_.size()) + " channels, phase " +
           std::to_string(static_cast<int>(phase_));
}

void Listener::broken(const std::string& what) {
    world_.common.broken("listener " + std::to_string(id_) + ' ' + what);
}

void Listener::turn() {
    if (end_ != Client::End::none || network_.now() < next_at_) return;
    if (fd_ < 0) begin();
    if (network_.random.per_mille(habits_.vanishes)) {
        network_.close(fd_);
        end_ = Client::End::vanished;
        return;
    }
    if (output_.empty() && expected_.empty()) {
        next_at_ = network_.now() + milliseconds(network_.random.below(20));
        switch (phase_) {
            case Phase::listening: change_channels(); break;
            case Phase::catching_up:
                if (caught_up()) give_up();
                break;
            case Phase::giving_up:
                say({"QUIT"});
                expect({.bytes = "+OK\r\n"});
                phase_ = Phase::quitting;
                break;
            case Phase::quitting: break;
        }
    }
    write();
    read();
    const bool waits = !expected_.empty() || phase_ == Phase::catching_up;
    if (end_ == Client::End::none && waits && network_.now() - heard_at_ > Client::patience) {
        broken("waits for ever: " + description());
    }
}

void Listener::begin() {
    fd_ = world_.common.connect();
    heard_at_ = network_.now();
    if (version_ == 3) {
        say({"HELLO", "3"});
        expect({.what = "HELLO"});
    }
}

void Listener::say(const Words& words) {
    output_ += request(words);
}

void Listener::expect(Expected expected) {
    if (expected_.empty()) heard_at_ = network_.now();
    expected_.push_back(std::move(expected));
}

void Listener::change_channels() {
    test::Random& random = network_.random;
    if (turns_left_-- == 0) {
        for (const std::string& channel : channels)
            targets_[channel] = world_.published(channel).size();
        heard_at_ = network_.now();
        phase_ = Phase::catching_up;
        return;
    }
    if (!names_.empty() && random.below(2) == 0) return ask_for_value();
    const bool leaves = !names_.empty() && random.below(3) == 0;
    const bool patterns = random.below(3) == 0;
    const std::string what =
        std::string(patterns ? "p" : "") + (leaves ? "unsubscribe" : "subscribe");
    Words words{what};
    const std::size_t count = random.between(1, 2);
    const std::size_t first = random.below(channels.size());
    for (std::size_t at = 0; at < count; ++at) {
        const std::string& channel = channels[(first + at) % channels.size()];
        words.push_back(patterns ? (at == 0 ? "new*" : "news*") : channel);
        expect({.what = what, .name = words.back(), .more = count - at - 1});
    }
    say(words);
}

/// RESP2 allows a subscriber PING alone, whose answer has the form of a message
/// then.
void Listener::ask_for_value() {
    if (version_ == 2) {
        say({"PING"});
        return expect({.bytes = "*2\r\n" + bulk("pong") + bulk("")});
    }
    const std::string key = std::to_string(id_) + ":" + std::to_string(++serial_);
    say({"GET", key});
    expect({.bytes = bulk(key + "@0/3")});
}

bool Listener::caught_up() {
    if (world_.faulty() || errors_) return true;
    return std::ranges::all_of(names_, [this](const auto& name) {
        return std::ranges::all_of(name.second, [this](const auto& channel) {
            const Place& place = channel.second;
            return place.next.value_or(place.most) >= targets_[channel.first];
        });
    });
}

void Listener::give_up() {
    phase_ = Phase::giving_up;
    if (network_.random.below(3) == 0) return;  // QUIT with all that it has.
    for (const bool patterns : {false, true}) {
        const std::string what = patterns ? "punsubscribe" : "unsubscribe";
        Words words{what};
        std::vector<std::string> held;
        for (const auto& [name, places] : names_) {
            if (is_pattern(name) == patterns) held.push_back(name);
        }
        for (const std::string& name : held) {
            words.push_back(name);
            expect({.what = what, .name = name});
        }
        if (!held.empty()) say(words);
    }
}

void Listener::write() {
    while (!output_.empty()) {
        const auto count = network_.write(fd_, wire::as_bytes(output_));
        if (count <= 0) return;
        output_.erase(0, static_cast<std::size_t>(count));
    }
}

void Listener::read() {
    std::array<std::byte, 4096> room;
    if (reads_slowly_ && network_.random.below(4) != 0) return;
    for (std::size_t reads = reads_slowly_ ? 1 : 100; reads > 0; --reads) {
        const auto into = reads_slowly_ ? std::span(room).first(400) : std::span(room);
        const auto count = network_.read(fd_, into);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            network_.close(fd_);
            end_ = Client::End::cut;
            return;
        }
        heard_at_ = network_.now();
        input_ += wire::as_text(wire::Bytes(room).first(static_cast<std::size_t>(count)));
        for (;;) {
            const auto bytes = reply_bytes(input_);
            if (!bytes) return broken("is sent no RESP: " + input_.substr(0, 60));
            if (*bytes == 0) break;
            judge(std::string_view(input_).substr(0, *bytes));
            if (end_ != Client::End::none) return;
            input_.erase(0, *bytes);
        }
    }
}

bool Listener::is_message(const Words& words) const {
    return (words.size() == 3 && words[0] == "message") ||
           (words.size() == 4 && words[0] == "pmessage");
}

void Listener::judge(std::string_view reply) {
    const auto words = words_of(reply);
    if (words && is_message(*words)) return message(reply, *words);
    if (expected_.empty()) {
        if (!reply.starts_with("-ERR "))
            broken("is sent what it has not asked for: " + std::string(reply));
        return;
    }
    const Expected next = std::move(expected_.front());
    expected_.pop_front();
    if (reply.starts_with("-ERR sluice: ")) {
        // One error is the answer to all of a request.
        for (std::size_t more = next.more; more > 0; --more)
            expected_.pop_front();
        errors_ = true;
        if (!world_.faulty()) broken("is refused: " + std::string(reply));
        return;
    }
    if (next.what == "HELLO" && reply.starts_with('%')) return;
    if (!next.bytes.empty() && reply == next.bytes) {
        if (phase_ == Phase::quitting) {
            network_.close(fd_);
            end_ = Client::End::finished;
            for (const auto& [name, places] : names_)
                check_left(name);
        }
        return;
    }
    const bool acknowledges = words && words->size() == 3 && (*words)[0] == next.what &&
                              (*words)[1] == next.name &&
                              reply.front() == (version_ == 3 ? '>' : '*');
    if (!acknowledges) {
        broken("expects " + next.bytes + next.what + ' ' + next.name + " and is sent " +
               std::string(reply.substr(0, 100)));
        return;
    }
    acknowledged(next, *words);
}

void Listener::acknowledged(const Expected& expected, const Words& words) {
    if (expected.what.ends_with("unsubscribe")) {
        names_.erase(expected.name);
        check_left(expected.name);
    } else if (!names_.contains(expected.name)) {
        for (const std::string& channel : channels) {
            if (!covers(expected.name, channel)) continue;
            // What was on its way to others that listen already may still be heard.
            names_[expected.name][channel] = {heard_to_[expected.name + ' ' + channel],
                                              std::nullopt, world_.published(channel).size()};
        }
    }
    if (words[2] != std::to_string(names_.size())) {
        broken("has " + std::to_string(names_.size()) + " and is told " + words[2]);
    }
}

bool Listener::concerned_with(const std::string& name) const {
    return end_ == Client::End::none &&
           (names_.contains(name) || std::ranges::any_of(expected_, [&](const Expected& expected) {
                return expected.name == name;
            }));
}

/// Who has been told that it has left may publish, and ask how many have heard it.
void Listener::check_left(const std::string& name) {
    if (world_.faulty() || errors_ || !world_.left_behind(name)) return;
    broken("is told that it has left " + name + ", which the server still has for nobody");
}

void Listener::message(std::string_view reply, const Words& words) {
    ++message_count_;
    const bool by_pattern = words[0] == "pmessage";
    const std::string& channel = words[by_pattern ? 2 : 1];
    const std::string& text = words.back();
    const auto name = names_.find(words[1]);
    if (name == names_.end() || is_pattern(name->first) != by_pattern ||
        !name->second.contains(channel) || reply.front() != (version_ == 3 ? '>' : '*')) {
        return broken("hears what it does not listen to: " + words[1] + ' ' + text);
    }
    Place& place = name->second[channel];
    const auto& all = world_.published(channel);
    const auto from = static_cast<std::ptrdiff_t>(place.next.value_or(place.least));
    const auto found = std::find(all.begin() + from, all.end(), text);
    if (found == all.end()) return broken("hears twice, too late or a lie: " + text);
    const auto index = static_cast<std::size_t>(found - all.begin());
    const bool gap = index > place.next.value_or(place.most);
    if (gap && !world_.faulty()) broken("misses what comes before " + text + " on " + channel);
    place.next = heard_to_[name->first + ' ' + channel] = index + 1;
}

}  // namespace sluice::redis_sim
