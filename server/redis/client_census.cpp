#include "server/redis/client_census.hpp"

#include "protocol/resp/channel_kind.hpp"
#include "protocol/resp/replies.hpp"

#include "server/net/address.hpp"
#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/side.hpp"
#include "server/redis/subscriber.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace sluice::server {

namespace {

std::string_view user_of(const RedisClient& client) {
    const std::string_view user = client.session().user();
    return user.empty() ? std::string_view("default") : user;
}

/// As a Redis writes them: without brackets.
std::string shown(const net::SocketAddress& address) {
    std::string text = address.text();
    std::erase_if(text, [](char letter) { return letter == '[' || letter == ']'; });
    return text;
}

std::uint64_t seconds(std::chrono::nanoseconds duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

std::string flags_of(const RedisClient& client) {
    std::string flags;
    if (client.subscribed()) flags += 'P';
    if (client.session().in_transaction()) flags += 'x';
    if (client.session().tracking()) flags += 't';
    if (client.blocked()) flags += 'b';
    return flags.empty() ? "N" : flags;
}

/// Who asks is at that; of the others only what lasts is known.
std::string_view command_of(const RedisClient& client, std::string_view asked) {
    if (!asked.empty()) return asked;
    const auto channels = client.channel_counts();
    for (std::size_t kind = 0; kind < channels.size(); ++kind) {
        if (channels[kind] > 0) return resp::channel_words[kind].subscribe;
    }
    return "NULL";
}

std::string_view lent_to(const RedisClient& client) {
    if (client.backend() == nullptr) return "none";
    if (client.pinned()) return resp::name_of(client.pin_reason());
    return client.backend()->lane() == RedisBackend::Lane::slow ? "slow" : "shared";
}

resp::ClientFilter::Candidate candidate_of(const RedisClient& client, const std::string& address,
                                           const std::string& local_address) {
    return {client.id(),
            address,
            local_address,
            user_of(client),
            seconds(client.engine().now() - client.accepted_at()),
            client.subscribed() ? resp::ClientType::pubsub : resp::ClientType::normal};
}

}  // namespace

std::string ClientCensus::line_of(const RedisClient& client, std::string_view asked) {
    const resp::ClientSession& session = client.session();
    const net::TimePoint now = client.engine().now();
    const auto channels = client.channel_counts();
    std::string line;
    const auto add = [&line](std::string_view name, const auto& value) {
        if (!line.empty()) line += ' ';
        line += name;
        line += '=';
        if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
            line += std::to_string(value);
        } else {
            line += value;
        }
    };
    add("id", client.id());
    add("addr", shown(net::peer_address_of(client.fd())));
    add("laddr", shown(net::local_address_of(client.fd())));
    add("fd", client.fd());
    add("name", session.name());
    add("age", seconds(now - client.accepted_at()));
    add("idle", seconds(now - client.heard_from_at()));
    add("flags", flags_of(client));
    add("db", session.database());
    add("sub", channels[0]);
    add("psub", channels[1]);
    add("ssub", channels[2]);
    add("multi", session.queued_count());
    add("qbuf", client.kept_bytes());
    // What a Redis counts besides is nothing here; client libraries take apart all that it names.
    for (const std::string_view unknown :
         {"qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl", "oll"})
        add(unknown, 0);
    add("omem", client.pending_output_bytes());
    add("tot-mem", client.kept_bytes() + client.pending_output_bytes());
    add("events", "r");
    add("cmd", command_of(client, asked));
    add("user", user_of(client));
    add("redir", -1);
    add("resp", static_cast<unsigned>(session.version()));
    add("lib-name", session.library_name());
    add("lib-ver", session.library_version());
    add("backend", lent_to(client));
    return line + '\n';
}

void ClientCensus::begin(RedisClient& asker, Question question) {
    const auto census = std::make_shared<ClientCensus>(asker, std::move(question));
    for (const auto& worker : asker.side().worker().shared().workers) {
        worker->post([census, worker = worker.get()] {
            if (!census->visit(worker->redis())) return;
            census->home_.worker().post([census] { census->finish(); });
        });
    }
}

ClientCensus::ClientCensus(RedisClient& asker, Question question)
    : question_(std::move(question)),
      user_(user_of(asker)),
      asker_id_(asker.id()),
      asker_slot_(asker.slot()),
      asker_question_(asker.question()),
      home_(asker.side()),
      workers_left_(asker.side().worker().shared().workers.size()) {}

bool ClientCensus::concerns(const RedisClient& client) const {
    // Who has not logged in is nobody's client yet, but the operator's.
    const bool own = client.session().logged_in() && user_of(client) == user_;
    if (!own && question_.scope == Scope::own_user) return false;
    if (question_.task == Task::kill && question_.filter.spares_asker && client.id() == asker_id_) {
        return false;
    }
    const std::string address = shown(net::peer_address_of(client.fd()));
    const std::string local_address = shown(net::local_address_of(client.fd()));
    return question_.filter.matches(candidate_of(client, address, local_address));
}

bool ClientCensus::visit(RedisSide& side) {
    std::vector<std::pair<std::uint64_t, std::string>> lines;
    std::uint64_t killed = 0;
    bool asker_killed = false;
    side.for_each_client([&](RedisClient& client) {
        if (client.phase() == RedisClient::Phase::leaving || !client.is_open()) return;
        if (!concerns(client)) return;
        if (question_.task == Task::list) {
            const bool asks = client.id() == asker_id_;
            lines.emplace_back(client.id(), line_of(client, asks ? "client|list" : ""));
            return;
        }
        ++killed;
        if (client.id() == asker_id_) {
            asker_killed = true;  // Behind its answer.
        } else {
            client.leave("CLIENT KILL", RedisClient::Ending::cut);
        }
    });
    {
        const std::lock_guard lock(mutex_);
        std::ranges::move(lines, std::back_inserter(lines_));
        killed_ += killed;
        asker_killed_ = asker_killed_ || asker_killed;
    }
    return --workers_left_ == 0;
}

void ClientCensus::finish() {
    std::ranges::sort(lines_);
    RedisClient* const asker = home_.find_client(asker_slot_, asker_id_);
    if (asker == nullptr) return;
    const auto farewell =
        asker_killed_ ? RedisClient::Farewell::leaves : RedisClient::Farewell::stays;
    asker->answered(asker_question_, question_.muted ? std::string() : reply(), farewell);
}

std::string ClientCensus::reply() const {
    std::string out;
    if (question_.task == Task::kill) {
        if (!question_.filter.by_address) {
            resp::append_integer(out, static_cast<std::int64_t>(killed_));
        } else if (killed_ == 0) {
            resp::append_error(out, "ERR No such client");
        } else {
            out = "+OK\r\n";
        }
        return out;
    }
    std::string text;
    for (const auto& [id, line] : lines_)
        text += line;
    resp::append_verbatim(out, text, question_.version);
    return out;
}

}  // namespace sluice::server
