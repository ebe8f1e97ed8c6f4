#include "tests/sim/redis_sim_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace sluice::redis_sim {

namespace {

constexpr std::string_view no_memory =
    "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

}  // namespace

Server::Server(test::SimNetwork& network, std::uint16_t port, Trace trace)
    : network_(network), trace_(std::move(trace)) {
    network.listen(
        port, [this] { return fate(); },
        [this](int fd) {
            sessions_.push_back(std::make_unique<Session>());
            sessions_.back()->fd = fd;
        });
}

test::ConnectFate Server::fate() {
    using Kind = test::ConnectFate::Kind;
    test::Random& random = network_.random;
    if (random.per_mille(faults.connect_refused)) {
        ++fault_count_;
        return {random.below(2) == 0 ? Kind::fails_at_once : Kind::fails_later, milliseconds(2)};
    }
    if (random.per_mille(faults.connect_hangs)) {
        ++fault_count_;
        return {Kind::hangs, {}};
    }
    const bool slow = random.per_mille(faults.connect_slow);
    return {Kind::accepted, milliseconds(random.below(slow ? 300 : 3))};
}

std::size_t Server::live_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(sessions_, [this](const auto& session) {
        return !session->dead && network_.peer_open(session->fd);
    }));
}

void Server::turn() {
    test::Random& random = network_.random;
    if (network_.now() >= memory_spent_until_ && random.per_mille(faults.memory_spent)) {
        memory_spent_until_ = network_.now() + milliseconds(random.below(faults.memory_ms_max));
    }
    for (const auto& session : sessions_) {
        if (!session->dead) act(*session);
    }
    std::erase_if(sessions_, [](const auto& session) { return session->dead; });
}

void Server::act(Session& session) {
    test::Random& random = network_.random;
    if (random.per_mille(faults.turn_death)) return die(session);
    read(session);
    while (!session.dead) {
        const auto cut = cut_request(session.input);
        if (!cut) return broken(session, "a request is broken: " + session.input.substr(0, 60));
        if (cut->bytes == 0) break;
        session.input.erase(0, cut->bytes);
        serve(session, cut->words);
    }
    while (!session.dead && !session.replies.empty() &&
           session.replies.front().due <= network_.now()) {
        session.output += session.replies.front().bytes;
        session.replies.pop_front();
    }
    write(session);
    const bool idle = !session.dead && session.replies.empty() && session.output.empty();
    if (idle && session.used && random.per_mille(faults.idle_close)) die(session);
}

void Server::read(Session& session) {
    std::array<std::byte, 4096> room;
    for (;;) {
        const auto count = network_.read(session.fd, room);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            network_.close(session.fd);
            session.dead = true;
            return;
        }
        session.input += wire::as_text(wire::Bytes(room).first(static_cast<std::size_t>(count)));
    }
}

void Server::write(Session& session) {
    while (!session.dead && !session.output.empty()) {
        const auto count = network_.write(session.fd, wire::as_bytes(session.output));
        if (count <= 0) return;
        session.output.erase(0, static_cast<std::size_t>(count));
    }
}

void Server::die(Session& session) {
    ++fault_count_;
    trace_("session " + std::to_string(session.fd) + " dies");
    // Some of what it had to say leaves, perhaps half a reply.
    for (const Reply& left : session.replies)
        session.output += left.bytes;
    session.output.resize(network_.random.below(session.output.size() + 1));
    write(session);
    if (network_.random.below(2) == 0) {
        network_.reset(session.fd);
    } else {
        network_.close(session.fd);
    }
    session.dead = true;
}

void Server::reply(Session& session, std::string bytes, std::uint32_t client, bool blocks) {
    test::Random& random = network_.random;
    milliseconds delay(random.below(3));
    if (random.per_mille(faults.late)) delay = milliseconds(random.below(faults.late_ms_max));
    if (blocks) delay = milliseconds(random.below(faults.blocking_ms_max));
    TimePoint due = network_.now() + delay;
    if (!session.replies.empty()) due = std::max(due, session.replies.back().due);
    session.replies.push_back({std::move(bytes), due, client, blocks});
}

void Server::broken(const Session& session, const std::string& what) {
    if (problem_.empty()) problem_ = "session " + std::to_string(session.fd) + ": " + what;
}

bool Server::log_in(Session& session, const Words& words) {
    test::Random& random = network_.random;
    const bool known = words[0] == "HELLO" || words[0] == "SELECT" || words[0] == "CLIENT" ||
                       words[0] == "COMMAND";
    if (!known) return false;
    if (session.used) broken(session, words[0] + " behind a client's request");
    if (words[0] == "HELLO") {
        if (random.per_mille(faults.login_closed)) {
            die(session);
            return true;
        }
        if (random.per_mille(faults.login_refused)) {
            ++fault_count_;
            reply(session, "-LOADING Redis is loading the dataset in memory\r\n");
            return true;
        }
        session.greeted = true;
        session.version = words[1] == "3" ? 3 : 2;
        reply(session, map_of(session.version, {"server", "redis", "version", "7.0.15"}));
        return true;
    }
    // It does not tell its commands, so that the program's own list serves.
    if (words[0] == "COMMAND") {
        reply(session, "-NOPERM this user has no permissions to run the 'command' command\r\n");
        return true;
    }
    if (words[0] == "SELECT") session.database = words[1];
    reply(session, "+OK\r\n");
    return true;
}

void Server::serve(Session& session, const Words& words) {
    trace_("session " + std::to_string(session.fd) + " serves " + words[0] +
           (words.size() > 1 ? " " + words[1].substr(0, 40) : ""));
    if (session.confused || log_in(session, words)) return;
    test::Random& random = network_.random;
    if (random.per_mille(faults.request_death)) return die(session);
    if (random.per_mille(faults.hostile)) {
        ++fault_count_;
        session.confused = true;
        return reply(session, "nonsense\r\n");
    }
    if (!session.greeted) broken(session, words[0] + " before HELLO");
    // The program's own, to see whether an idle backend lives.
    if (words[0] == "PING" && words.size() == 1) {
        const bool listens = !session.channels.empty() || !session.patterns.empty();
        return reply(session, listens ? "*2\r\n" + bulk("pong") + bulk("") : "+PONG\r\n");
    }
    session.used = true;
    ++request_count_;
    std::uint32_t client = 0;
    for (const std::string& word : words) {
        if (word.find(':') == std::string::npos) continue;
        const std::uint32_t named = client_of(word);
        if (client == 0) client = named;
        if (named != client) broken(session, "a request of two clients");
    }
    if (change_channels(session, words)) return;
    check_owner(session, words, client);
    check_order(session, words);
    transact(session, words, client);
}

/// Nothing is sent twice or out of order, and nobody is served in two places at
/// once.
void Server::check_order(const Session& session, const Words& words) {
    const auto named = std::ranges::find_if(
        words, [](const std::string& word) { return word.find(':') != std::string::npos; });
    if (named == words.end()) return;
    const std::uint32_t client = client_of(*named);
    const std::uint32_t serial = serial_of(*named);
    if (!served_.insert(std::to_string(client) + ':' + std::to_string(serial)).second) {
        broken(session, words[0] + ' ' + named->substr(0, 40) + " comes a second time");
    }
    // What the program has given up is still on its way, and may be overtaken.
    if (!in_order || !network_.peer_open(session.fd)) return;
    if (serial < std::exchange(last_serials_[client], serial)) {
        broken(session, words[0] + ' ' + named->substr(0, 40) + " comes too late");
    }
    for (const auto& other : sessions_) {
        if (other->dead || other.get() == &session || !network_.peer_open(other->fd)) continue;
        const bool owes = std::ranges::any_of(
            other->replies, [client](const Reply& left) { return left.client == client; });
        if (owes) {
            broken(session, words[0] + " of client " + std::to_string(client) + " while session " +
                                std::to_string(other->fd) + " owes it");
        }
    }
}

/// A request that names no client can only be one of those that end what
/// another has begun.
void Server::check_owner(Session& session, const Words& words, std::uint32_t client) {
    const std::uint32_t holder = session.watcher != 0 ? session.watcher : session.in_multi;
    if (client != 0 && holder != 0 && client != holder) {
        broken(session, words[0] + " of client " + std::to_string(client) + " where client " +
                            std::to_string(holder) + " watches or is within MULTI");
    }
    for (const Reply& left : session.replies) {
        if (!left.blocks || client == 0 || left.client == client) continue;
        broken(session, words[0] + " of client " + std::to_string(client) + " where client " +
                            std::to_string(left.client) + " waits");
    }
}

void Server::transact(Session& session, const Words& words, std::uint32_t client) {
    const std::string& name = words[0];
    if (name == "WATCH") {
        session.watcher = client;
        return reply(session, "+OK\r\n", client);
    }
    if (name == "UNWATCH") {
        session.watcher = 0;
        return reply(session, "+OK\r\n");
    }
    if (name == "MULTI") {
        if (session.multi_open) broken(session, "MULTI within MULTI");
        session.multi_open = true;
        return reply(session, "+OK\r\n");
    }
    if (name == "EXEC" || name == "DISCARD") {
        if (!session.multi_open) broken(session, name + " without MULTI");
        std::string all = "*" + std::to_string(session.queued.size()) + "\r\n";
        for (const std::string& one : session.queued)
            all += one;
        const std::uint32_t whose = session.in_multi;
        session.multi_open = false;
        session.in_multi = session.watcher = 0;
        session.queued.clear();
        if (name == "EXEC" && std::exchange(session.spoilt, false)) {
            all = "-EXECABORT Transaction discarded because of previous errors.\r\n";
        }
        session.spoilt = false;
        return reply(session, name == "EXEC" ? all : "+OK\r\n", whose);
    }
    if (session.multi_open) {
        session.in_multi = client;
        if (spent_for(words)) {
            session.spoilt = true;
            return reply(session, std::string(no_memory), client);
        }
        session.queued.push_back(answer(session, words));
        return reply(session, "+QUEUED\r\n", client);
    }
    if (spent_for(words)) return reply(session, std::string(no_memory), client);
    reply(session, answer(session, words), client, name == "BLPOP");
}

bool Server::spent_for(const Words& words) const {
    if (network_.now() >= memory_spent_until_) return false;
    return words[0] == "SET" || words[0] == "LPUSH";
}

std::string Server::answer(Session& session, const Words& words) {
    const std::string& name = words[0];
    const std::string place = "@" + session.database + "/" + std::to_string(session.version);
    const std::string& key = words.size() > 1 ? words[1] : name;
    if (name == "GET") return bulk(key + place);
    if (name == "ECHO") return bulk(key);
    if (name == "SET") {
        if (words[2] != filling(key, words[2].size())) broken(session, "SET has others' bytes");
        return "+OK\r\n";
    }
    if (name == "GETRANGE") return bulk(filling(key + place, std::stoul(words[3]) + 1));
    if (name == "DEL") return ":1\r\n";
    if (name == "SUNION") return "*1\r\n" + bulk(key + place);
    if (name == "PUBLISH") return ":" + std::to_string(publish(key, words[2])) + "\r\n";
    if (name == "HGETALL") return map_of(session.version, {"key", key + place});
    if (name == "LPUSH") return "-WRONGTYPE " + key + place + "\r\n";
    if (name == "BLPOP") return "*2\r\n" + bulk(key) + bulk(place);
    broken(session, "unknown to the simulation: " + name);
    return "-ERR\r\n";
}

}  // namespace sluice::redis_sim
