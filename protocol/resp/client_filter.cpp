// Source: "CLIENT LIST", "CLIENT KILL", redis.io, and the replies of Redis 7.0.15.

#include "protocol/resp/client_filter.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::resp {

namespace {

constexpr std::string_view syntax_error = "ERR syntax error";

std::optional<std::uint64_t> positive(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || number == 0) return std::nullopt;
    return number;
}

std::string read_type(std::string_view word, std::optional<ClientType>& type) {
    if (is_word(word, "normal")) {
        type = ClientType::normal;
    } else if (is_word(word, "pubsub")) {
        type = ClientType::pubsub;
    } else if (is_word(word, "master") || is_word(word, "replica") || is_word(word, "slave")) {
        type = ClientType::none_of_ours;
    } else {
        return "ERR Unknown client type '" + std::string(word.substr(0, 128)) + "'";
    }
    return {};
}

/// One pair of the new form of CLIENT KILL.
std::string read_pair(ClientFilter& filter, std::string_view name, std::string_view value) {
    if (is_word(name, "id")) {
        const auto id = positive(value);
        if (!id) return "ERR client-id should be greater than 0";
        filter.ids.assign(1, *id);
    } else if (is_word(name, "maxage")) {
        const auto age = positive(value);
        if (!age) return "ERR maxage should be greater than 0";
        filter.age_seconds_min = *age;
    } else if (is_word(name, "type")) {
        return read_type(value, filter.type);
    } else if (is_word(name, "addr")) {
        filter.address = value;
    } else if (is_word(name, "laddr")) {
        filter.local_address = value;
    } else if (is_word(name, "user")) {
        filter.user = value;
    } else if (is_word(name, "skipme") && (is_word(value, "yes") || is_word(value, "no"))) {
        filter.spares_asker = is_word(value, "yes");
    } else {
        return std::string(syntax_error);
    }
    return {};
}

}  // namespace

std::string ClientFilter::read_list(ArgumentReader arguments) {
    const auto word = arguments.next();
    if (!word) return {};
    if (is_word(*word, "type") && arguments.left() == 1) {
        return read_type(arguments.next().value_or(std::string_view{}), type);
    }
    if (!is_word(*word, "id") || arguments.left() == 0) return std::string(syntax_error);
    while (const auto text = arguments.next()) {
        // Nobody has the number 0.
        const auto id = *text == "0" ? std::optional<std::uint64_t>(0) : positive(*text);
        if (!id) return "ERR Invalid client ID";
        ids.push_back(*id);
    }
    return {};
}

std::string ClientFilter::read_kill(ArgumentReader arguments) {
    if (arguments.left() == 1) {
        address = arguments.next().value_or(std::string_view{});
        by_address = true;
        spares_asker = false;
        return {};
    }
    while (const auto name = arguments.next()) {
        const auto value = arguments.next();
        std::string error = value ? read_pair(*this, *name, *value) : std::string(syntax_error);
        if (!error.empty()) return error;
    }
    return {};
}

bool ClientFilter::matches(const Candidate& candidate) const {
    if (!ids.empty() && std::ranges::find(ids, candidate.id) == ids.end()) return false;
    if (address && *address != candidate.address) return false;
    if (local_address && *local_address != candidate.local_address) return false;
    if (user && *user != candidate.user) return false;
    if (type && *type != candidate.type) return false;
    return candidate.age_seconds >= age_seconds_min;
}

}  // namespace sluice::resp
