#include "tests/sim/redis_sim_client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::redis_sim {

Client::Client(const World& world, const Habits& habits, std::uint32_t id)
    : world_(world), habits_(habits), network_(world.network), id_(id) {
    test::Random& random = network_.random;
    operations_left_ = random.between(1, habits.operations_max);
    window_ = random.per_mille(habits.pipelines) ? random.between(2, 40) : 1;
    reads_slowly_ = random.per_mille(habits.slow_reader);
    insists_ = random.per_mille(habits.insists);
    next_at_ = network_.now() + milliseconds(random.below(40));
}

void Client::turn() {
    if (end_ != End::none || network_.now() < next_at_) return;
    if (fd_ < 0) {
        fd_ = world_.connect();
        heard_at_ = network_.now();
        if (!world_.password.empty()) {
            ask({"AUTH", world_.password}, {"+OK\r\n", '+', false, false});
        }
    }
    if (network_.random.per_mille(habits_.vanishes)) {
        if (network_.random.below(2) == 0) {
            network_.reset(fd_);
        } else {
            network_.close(fd_);
        }
        end_ = End::vanished;
        return;
    }
    if (expected_.size() < window_ && output_.size() < 4096 && !misbehaves_) begin_operation();
    write();
    read();
    if (end_ == End::none && !expected_.empty() && network_.now() - heard_at_ > patience) {
        world_.broken("client " + std::to_string(id_) + " waits for ever: " + description());
    }
}

std::string Client::description() const {
    return std::to_string(expected_.size()) + " replies expected" +
           (expected_.empty() ? "" : ", first " + expected_.front().bytes.substr(0, 60)) + ", " +
           std::to_string(output_.size()) + " bytes unsent, " + std::to_string(operations_left_) +
           " operations left";
}

std::string Client::key() {
    return std::to_string(id_) + ":" + std::to_string(++serial_);
}

std::string Client::place() const {
    return "@" + database_ + "/" + std::to_string(version_);
}

void Client::ask(const Words& words, Expected expected) {
    if (expected_.empty()) heard_at_ = network_.now();
    world_.trace("client " + std::to_string(id_) + " asks " + words[0] +
                 (words.size() > 1 ? " " + words[1] : ""));
    output_ += request(words);
    expected_.push_back(std::move(expected));
}

void Client::begin_operation() {
    test::Random& random = network_.random;
    if (operations_left_ == 0) {
        if (insists_) return insist();
        if (quits_) return;
        quits_ = true;
        ask({"QUIT"}, {"+OK\r\n", '+', false, true});
        return;
    }
    --operations_left_;
    next_at_ = network_.now() + milliseconds(random.below(habits_.think_ms_max + 1));
    if (random.per_mille(habits_.hostile)) return hostile();
    if (watches_) return watch();
    if (random.per_mille(habits_.blocking)) {
        const Words words{"BLPOP", key(), "0"};
        return ask(words, {answer_to(words), '*', true, false});
    }
    if (random.per_mille(habits_.watch)) return watch();
    if (random.per_mille(habits_.multi)) return multi();
    if (random.per_mille(habits_.large)) return value_of("SET", habits_.large_bytes);
    if (random.per_mille(habits_.big_reply)) return value_of("GETRANGE", 60'000);
    if (random.per_mille(habits_.moves)) return move();
    if (random.per_mille(habits_.quiet)) return be_quiet();
    if (random.per_mille(habits_.heavy)) return be_heavy();
    if (random.per_mille(habits_.publishes)) {
        return ask({"PUBLISH", "news" + std::to_string(random.below(3)), key()},
                   {"", ':', true, false});
    }
    operate();
}

/// Commands that are slow by their nature, and replies that make their client
/// heavy.
void Client::be_heavy() {
    if (network_.random.below(3) == 0) return value_of("GETRANGE", 200'000);
    const Words words{"SUNION", key()};
    ask(words, {answer_to(words), '*', true, false});
}

/// Writes again and again until it may: a server that has memory is not refused
/// for ever.
void Client::insist() {
    if (!expected_.empty()) return;
    if (insists_since_ == TimePoint{}) insists_since_ = network_.now();
    if (network_.now() - insists_since_ > stubbornness) {
        world_.broken("client " + std::to_string(id_) + " may never write");
    }
    next_at_ = network_.now() + milliseconds(20);
    value_of("SET", 30);
}

std::string Client::answer_to(const Words& words) const {
    const std::string& name = words[0];
    if (name == "GET") return bulk(words[1] + place());
    if (name == "GETRANGE") return bulk(filling(words[1] + place(), std::stoul(words[3]) + 1));
    if (name == "HGETALL") return map_of(version_, {"key", words[1] + place()});
    if (name == "LPUSH") return "-WRONGTYPE " + words[1] + place() + "\r\n";
    if (name == "DEL") return ":1\r\n";
    if (name == "SUNION") return "*1\r\n" + bulk(words[1] + place());
    if (name == "BLPOP") return "*2\r\n" + bulk(words[1]) + bulk(place());
    return "+OK\r\n";
}

void Client::get() {
    const Words words{"GET", key()};
    ask(words, {answer_to(words), '$', true, false});
}

void Client::value_of(std::string_view name, std::size_t bytes_max) {
    const std::string own = key();
    const std::size_t bytes = network_.random.between(1, bytes_max);
    const Words words = name == "SET" ? Words{"SET", own, filling(own, bytes)}
                                      : Words{"GETRANGE", own, "0", std::to_string(bytes - 1)};
    ask(words, {answer_to(words), 0, true, false, name == "SET"});
}

void Client::operate() {
    switch (network_.random.below(10)) {
        case 0: return value_of("SET", 300);
        case 1: return value_of("GETRANGE", 2'000);
        case 2: {
            const Words words{"HGETALL", key()};
            return ask(words, {answer_to(words), 0, true, false});
        }
        case 3: {
            const Words words{"LPUSH", key(), "v"};
            return ask(words, {answer_to(words), 0, true, false, true});
        }
        case 4: return ask({"PING"}, {"+PONG\r\n", '+', true, false});
        case 5: {
            const std::string word = key();
            return ask({"ECHO", word}, {bulk(word), '$', true, false});
        }
        case 6: {
            // An inline command becomes an array on its way.
            const Words words{"GET", key()};
            if (expected_.empty()) heard_at_ = network_.now();
            output_ += "GET " + words[1] + "\r\n";
            expected_.push_back({answer_to(words), '$', true, false});
            return;
        }
        case 7: {
            const Words words{"DEL", key()};
            return ask(words, {answer_to(words), ':', true, false});
        }
        default: return get();
    }
}

/// What the client changes of itself; what comes behind is answered
/// accordingly.
void Client::move() {
    test::Random& random = network_.random;
    switch (random.below(3)) {
        case 0:
            database_ = std::to_string(random.below(3));
            return ask({"SELECT", database_}, {"+OK\r\n", '+', false, false});
        case 1:
            version_ = random.below(2) == 0 ? 3 : 2;
            return ask({"HELLO", std::to_string(version_)},
                       {"", version_ == 3 ? '%' : '*', false, false});
        default:
            if (!world_.password.empty()) return get();
            database_ = "0";
            version_ = 2;
            return ask({"RESET"}, {"+RESET\r\n", '+', false, false});
    }
}

void Client::be_quiet() {
    if (network_.random.below(2) == 0) {
        say({"CLIENT", "REPLY", "SKIP"});
        return say({"GET", key()});
    }
    say({"CLIENT", "REPLY", "OFF"});
    say({"GET", key()});
    say({"SET", key(), ""});
    ask({"CLIENT", "REPLY", "ON"}, {"+OK\r\n", '+', false, false});
}

void Client::multi() {
    test::Random& random = network_.random;
    ask({"MULTI"}, {"+OK\r\n", '+', true, false});
    std::string all;
    const std::size_t count = random.below(5);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string own = key();
        const std::size_t bytes =
            random.per_mille(habits_.large) ? habits_.large_bytes : random.below(100);
        const Words words =
            random.below(2) == 0 ? Words{"GET", own} : Words{"SET", own, filling(own, bytes)};
        all += answer_to(words);
        ask(words, {"+QUEUED\r\n", '+', true, false, true});
    }
    if (random.below(6) == 0) return ask({"DISCARD"}, {"+OK\r\n", '+', true, false});
    ask({"EXEC"}, {"*" + std::to_string(count) + "\r\n" + all, '*', true, false, true});
}

/// In steps, so that anything may happen in between.
void Client::watch() {
    if (!watches_) {
        watches_ = true;
        return ask({"WATCH", key()}, {"+OK\r\n", '+', true, false});
    }
    if (network_.random.below(3) == 0) return operate();
    watches_ = false;
    if (network_.random.below(3) == 0) return ask({"UNWATCH"}, {"+OK\r\n", '+', true, false});
    multi();
}

/// Against the protocol, or half a request and silence. What follows is not
/// compared.
void Client::hostile() {
    misbehaves_ = true;
    static constexpr std::array<std::string_view, 5> nonsense{"*1\r\n+PING\r\n", "*x\r\n",
                                                              "*2\r\n$-5\r\n", "get \"half\r\n",
                                                              "*2\r\n$3\r\nGET\r\n$9\r\nha"};
    output_ += nonsense[network_.random.below(nonsense.size())];
}

void Client::write() {
    while (!output_.empty()) {
        const auto count = network_.write(fd_, wire::as_bytes(output_));
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0) {
            output_.clear();  // What was said before the end can still be read.
            break;
        }
        output_.erase(0, static_cast<std::size_t>(count));
    }
    // Half a request and silence must end some time.
    if (misbehaves_ && output_.empty() && network_.random.below(20) == 0) {
        network_.close(fd_);
        end_ = End::misbehaved;
    }
}

void Client::read() {
    std::array<std::byte, 4096> room;
    const bool lazy = reads_slowly_ && network_.random.below(4) != 0;
    for (std::size_t reads = reads_slowly_ ? 1 : 100; reads > 0 && end_ == End::none && !lazy;
         --reads) {
        const auto into = reads_slowly_ ? std::span(room).first(400) : std::span(room);
        const auto count = network_.read(fd_, into);
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0) return closed(count == 0 ? End::refused : End::cut);
        heard_at_ = network_.now();
        input_ += wire::as_text(wire::Bytes(room).first(static_cast<std::size_t>(count)));
        for (;;) {
            const auto bytes = reply_bytes(input_);
            if (!bytes) {
                world_.broken("client " + std::to_string(id_) +
                              " is sent no RESP: " + input_.substr(0, 60));
                return;
            }
            if (*bytes == 0) break;
            judge(std::string_view(input_).substr(0, *bytes));
            input_.erase(0, *bytes);
        }
    }
}

bool Client::is_failure(std::string_view reply) {
    if (reply.starts_with("-OOM ") && expected_.front().takes_memory) {
        ++memory_errors_;
        return true;
    }
    // A command that could not be queued spoils its transaction, whose words are
    // the server's.
    if (reply.starts_with("-EXECABORT ") && habits_.insists > 0) return true;
    if (reply.starts_with("-EXECABORT "))
        return wait_errors_ + lost_errors_ + timeouts_ + memory_errors_ > 0;
    if (!reply.starts_with("-ERR sluice: ")) return false;
    const bool waited = reply.find("(waited") != std::string_view::npos ||
                        reply.find("(too many clients") != std::string_view::npos;
    const bool late = reply.find("query_timeout") != std::string_view::npos;
    ++(waited ? wait_errors_ : late ? timeouts_ : lost_errors_);
    return true;
}

void Client::judge(std::string_view reply) {
    ++reply_count_;
    world_.trace("client " + std::to_string(id_) + " hears " + std::string(reply.substr(0, 60)));
    if (misbehaves_ && (expected_.empty() || reply.starts_with("-ERR Protocol error"))) return;
    if (reply.starts_with('-')) last_error_ = reply;
    if (expected_.empty()) {
        // A farewell that nobody asked for: an end must follow.
        if (!reply.starts_with("-ERR ")) {
            world_.broken("client " + std::to_string(id_) +
                          " is sent what it has not asked for: " + std::string(reply));
        }
        return;
    }
    const Expected& next = expected_.front();
    const bool equal = next.bytes.empty() ? reply.front() == next.kind : reply == next.bytes;
    if (equal) last_error_.clear();
    if (equal && insists_since_ != TimePoint{}) insists_ = false;
    if (!equal && !is_failure(reply) && !reply.starts_with("-ERR max number of clients")) {
        world_.broken("client " + std::to_string(id_) + " expects " + next.bytes.substr(0, 80) +
                      " and is sent " + std::string(reply.substr(0, 80)));
    }
    if (!equal && !next.may_fail && !reply.starts_with("-ERR max number") &&
        !reply.starts_with("-ERR sluice: shutting down") &&
        !reply.starts_with("-ERR sluice: out of buffer")) {
        world_.broken("client " + std::to_string(id_) +
                      " is refused what needs no backend: " + std::string(reply));
    }
    const bool last = next.last;
    expected_.pop_front();
    if (equal && last) {
        network_.close(fd_);
        end_ = End::finished;
    }
}

void Client::closed(End how) {
    network_.close(fd_);
    if (misbehaves_) {
        end_ = End::misbehaved;
    } else if (how == End::cut || last_error_.empty()) {
        end_ = End::cut;
    } else {
        end_ = End::refused;
    }
}

}  // namespace sluice::redis_sim
