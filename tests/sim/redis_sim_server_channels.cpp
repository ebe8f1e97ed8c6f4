// Who listens at the simulated Redis, and what it hears.

#include "tests/sim/redis_sim_server.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::redis_sim {

namespace {

std::string told(std::string_view what, std::string_view name, std::size_t count) {
    return "*3\r\n" + bulk(what) + bulk(name) + ":" + std::to_string(count) + "\r\n";
}

bool matches(std::string_view pattern, std::string_view channel) {
    return channel.starts_with(pattern.substr(0, pattern.find('*')));
}

}  // namespace

bool Server::change_channels(Session& session, const Words& words) {
    std::string name = words[0];
    std::ranges::transform(name, name.begin(), [](unsigned char letter) {
        return static_cast<char>(std::toupper(letter));
    });
    const bool patterns = name.starts_with('P') && name.ends_with("SUBSCRIBE");
    if (patterns) name.erase(0, 1);
    if (name != "SUBSCRIBE" && name != "UNSUBSCRIBE") return false;
    if (session.version != 2) broken(session, "subscribes in RESP3");
    std::set<std::string>& known = patterns ? session.patterns : session.channels;
    const std::string what =
        std::string(patterns ? "p" : "") + (name == "SUBSCRIBE" ? "subscribe" : "unsubscribe");
    for (std::size_t at = 1; at < words.size(); ++at) {
        if (name == "SUBSCRIBE") {
            known.insert(words[at]);
        } else {
            known.erase(words[at]);
        }
        reply(session, told(what, words[at], session.channels.size() + session.patterns.size()));
    }
    return true;
}

bool Server::has_channel(const std::string& name) const {
    return std::ranges::any_of(sessions_, [&](const auto& session) {
        return !session->dead &&
               (session->channels.contains(name) || session->patterns.contains(name));
    });
}

std::size_t Server::publish(const std::string& channel, const std::string& message) {
    published_[channel].push_back(message);
    std::size_t count = 0;
    for (const auto& session : sessions_) {
        if (session->dead) continue;
        if (session->channels.contains(channel)) {
            ++count;
            reply(*session, "*3\r\n" + bulk("message") + bulk(channel) + bulk(message));
        }
        for (const std::string& pattern : session->patterns) {
            if (!matches(pattern, channel)) continue;
            ++count;
            reply(*session,
                  "*4\r\n" + bulk("pmessage") + bulk(pattern) + bulk(channel) + bulk(message));
        }
    }
    return count;
}

}  // namespace sluice::redis_sim
