#include "tests/sim/redis_sim_wire.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::redis_sim {

namespace {

struct Line {
    std::string_view text;
    std::size_t bytes = 0;
};

std::optional<Line> line_of(std::string_view input) {
    const auto end = input.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    return Line{input.substr(0, end), end + 2};
}

std::optional<long long> number_of(std::string_view text) {
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string request(const Words& words) {
    std::string out = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words)
        out += bulk(word);
    return out;
}

std::string map_of(unsigned version, const Words& names_and_values) {
    const std::size_t count = names_and_values.size();
    std::string out = version == 3 ? "%" + std::to_string(count / 2) : "*" + std::to_string(count);
    out += "\r\n";
    for (const std::string& word : names_and_values)
        out += bulk(word);
    return out;
}

std::optional<Cut> cut_request(std::string_view input) {
    if (input.empty()) return Cut{};
    if (input.front() != '*') return std::nullopt;
    const auto head = line_of(input);
    if (!head) return Cut{};
    const auto count = number_of(head->text.substr(1));
    if (!count || *count < 1) return std::nullopt;
    Cut cut;
    std::size_t at = head->bytes;
    for (long long word = 0; word < *count; ++word) {
        const auto line = line_of(input.substr(at));
        if (!line) return Cut{};
        const auto length =
            line->text.starts_with('$') ? number_of(line->text.substr(1)) : std::nullopt;
        if (!length || *length < 0) return std::nullopt;
        at += line->bytes;
        const auto bytes = static_cast<std::size_t>(*length);
        if (input.size() < at + bytes + 2) return Cut{};
        if (input.substr(at + bytes, 2) != "\r\n") return std::nullopt;
        cut.words.emplace_back(input.substr(at, bytes));
        at += bytes + 2;
    }
    cut.bytes = at;
    return cut;
}

std::optional<std::size_t> reply_bytes(std::string_view input) {
    std::size_t at = 0;
    for (std::size_t wanted = 1; wanted > 0; --wanted) {
        const auto line = line_of(input.substr(std::min(at, input.size())));
        if (!line) return 0;
        if (line->text.empty()) return std::nullopt;
        at += line->bytes;
        const char kind = line->text.front();
        if (kind == '+' || kind == '-' || kind == ':' || kind == '_') continue;
        const auto count = number_of(line->text.substr(1));
        if (!count) return std::nullopt;
        if (*count < 0) continue;
        const auto size = static_cast<std::size_t>(*count);
        if (kind == '$') {
            at += size + 2;
            if (at > input.size()) return 0;
        } else if (kind == '*' || kind == '>') {
            wanted += size;
        } else if (kind == '%') {
            wanted += size * 2;
        } else {
            return std::nullopt;
        }
    }
    return at;
}

std::string filling(std::string_view key, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
        out += key;
        out += '/';
    }
    out.resize(bytes);
    return out;
}

std::optional<Words> words_of(std::string_view reply) {
    if (reply.empty() || (reply.front() != '*' && reply.front() != '>')) return std::nullopt;
    const auto head = line_of(reply);
    const auto count = head ? number_of(head->text.substr(1)) : std::nullopt;
    if (!count) return std::nullopt;
    Words words;
    std::size_t at = head->bytes;
    for (long long word = 0; word < *count; ++word) {
        const auto line = line_of(reply.substr(std::min(at, reply.size())));
        if (!line || line->text.empty()) return std::nullopt;
        at += line->bytes;
        const std::string_view text = line->text.substr(1);
        if (line->text.front() == ':') {
            words.emplace_back(text);
            continue;
        }
        const auto bytes = line->text.front() == '$' ? number_of(text) : std::nullopt;
        if (!bytes) return std::nullopt;
        const auto length = static_cast<std::size_t>(std::max(*bytes, 0LL));
        words.emplace_back(reply.substr(at, length));
        at += *bytes < 0 ? 0 : length + 2;
    }
    return words;
}

std::uint32_t client_of(std::string_view key) {
    return static_cast<std::uint32_t>(number_of(key.substr(0, key.find(':'))).value_or(0));
}

std::uint32_t serial_of(std::string_view key) {
    const auto from = key.find(':') + 1;
    const auto to = key.find_first_not_of("0123456789", from);
    const auto length = to == std::string_view::npos ? to : to - from;
    return static_cast<std::uint32_t>(number_of(key.substr(from, length)).value_or(0));
}

}  // namespace sluice::redis_sim
