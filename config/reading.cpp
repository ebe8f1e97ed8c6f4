#include "config/reading.hpp"

#include "config/addresses.hpp"
#include "config/values.hpp"

#include <algorithm>

namespace sluice::config {

namespace {

/// Text as such, or whatever was given on the command line.
const std::string* text_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value.content)) return text;
    const bool is_scalar = !std::holds_alternative<List>(value.content) &&
                           !std::holds_alternative<Table>(value.content);
    return is_scalar && !value.as_written.empty() ? &value.as_written : nullptr;
}

bool wanted(const Found& found, const std::string& what) {
    return found.reject("wanted " + what + ", found " + kind_of(found.value));
}

std::string quoted(const std::string& text) {
    return text.size() > 80 ? "a long text" : "\"" + text + "\"";
}

bool take_number(const Found& found, std::uint64_t& out) {
    const auto* number = std::get_if<std::int64_t>(&found.value.content);
    if (number == nullptr) return wanted(found, "a whole number (without quotes)");
    if (*number < 0 || static_cast<std::uint64_t>(*number) < found.range.low ||
        static_cast<std::uint64_t>(*number) > found.range.high) {
        return found.reject("wanted " + std::to_string(found.range.low) + " to " +
                            std::to_string(found.range.high) + ", found " +
                            std::to_string(*number));
    }
    out = static_cast<std::uint64_t>(*number);
    return true;
}

template <class Number>
bool take_narrow(const Found& found, Number& out) {
    Found narrow = found;
    narrow.range.high =
        std::min<std::uint64_t>(found.range.high, std::numeric_limits<Number>::max());
    std::uint64_t number = 0;
    if (!take_number(narrow, number)) return false;
    out = static_cast<Number>(number);
    return true;
}

template <class Enum>
bool take_word(const Found& found, Enum& out) {
    std::string words;
    for (const auto& named : names_of(Enum{})) {
        words += (words.empty() ? "\"" : ", \"") + std::string(named.name) + "\"";
    }
    const auto* text = std::get_if<std::string>(&found.value.content);
    if (text == nullptr) return wanted(found, "one of " + words);
    for (const auto& named : names_of(Enum{})) {
        if (named.name != *text) continue;
        out = named.value;
        return true;
    }
    return found.reject("wanted one of " + words + ", found " + quoted(*text));
}

/// A text, and the value to point at when it is wrong.
struct Item {
    std::string text;
    const Value* value;
};

/// The elements of a list, where one text may stand for a list of one.
std::optional<std::vector<Item>> items_of(const Found& found, const char* what) {
    std::vector<Item> items;
    if (const auto* one = text_of(found.value)) {
        items.push_back({*one, &found.value});
    } else if (const auto* list = std::get_if<List>(&found.value.content)) {
        for (const auto& element : *list) {
            const auto* text = std::get_if<std::string>(&element.content);
            if (text == nullptr) {
                found.reject_item(element, std::string("wanted ") + what + ", found " +
                                               kind_of(element) + " in the list");
                return std::nullopt;
            }
            items.push_back({*text, &element});
        }
    } else {
        wanted(found, std::string(what) + " or a list of them");
        return std::nullopt;
    }
    return items;
}

/// Reads every item by `parse`; all that are wrong are reported.
template <class Out, class Parse>
bool take_items(const Found& found, const char* what, const std::string& forms, Parse parse,
                std::vector<Out>& out) {
    const auto items = items_of(found, what);
    if (!items) return false;
    std::vector<Out> parsed;
    for (const auto& item : *items) {
        if (auto one = parse(item.text)) {
            parsed.push_back(std::move(*one));
        } else {
            found.reject_item(*item.value, "wanted " + forms + ", found " + quoted(item.text));
        }
    }
    if (parsed.size() != items->size()) return false;
    out = std::move(parsed);
    return true;
}

/// A name in a list. PgBouncer separates them by commas in one text, which is no name here.
std::optional<std::string> parse_list_name(const std::string& text) {
    const bool is_name = !text.empty() && text.find('\0') == std::string::npos &&
                         text.find(',') == std::string::npos;
    return is_name ? std::optional(text) : std::nullopt;
}

}  // namespace

Place Places::find(std::string_view path) const {
    for (;;) {
        if (const auto found = places_.find(path); found != places_.end()) return found->second;
        const auto dot = path.rfind('.');
        if (dot == std::string_view::npos) return {file_, 0, 0};
        path = path.substr(0, dot);
    }
}

bool Found::reject(const std::string& text) const {
    return reject_item(value, text);
}

bool Found::reject_item(const Value& item, const std::string& text) const {
    reading.places.mark_broken(path);
    reading.error(item.place, path + ": " + text);
    return false;
}

bool take(const Found& found, bool& out) {
    const auto* flag = std::get_if<bool>(&found.value.content);
    if (flag == nullptr) return wanted(found, "true or false (without quotes)");
    out = *flag;
    return true;
}

bool take(const Found& found, std::uint16_t& out) {
    return take_narrow(found, out);
}
bool take(const Found& found, std::uint32_t& out) {
    return take_narrow(found, out);
}

bool take(const Found& found, std::uint64_t& out) {
    std::optional<std::uint64_t> bytes;
    if (const auto* text = std::get_if<std::string>(&found.value.content)) {
        bytes = parse_bytes(*text);
        if (!bytes) {
            return found.reject("wanted a size such as \"64KiB\", \"1MiB\" or \"4kB\", found " +
                                quoted(*text));
        }
    } else if (const auto* number = std::get_if<std::int64_t>(&found.value.content);
               number != nullptr && *number >= 0) {
        bytes = static_cast<std::uint64_t>(*number);
    } else {
        return wanted(found, "a size such as \"64KiB\", or a whole number of bytes");
    }
    if (*bytes < found.range.low || *bytes > found.range.high) {
        return found.reject("wanted " + show(found.range.low) + " to " + show(found.range.high) +
                            ", found " + show(*bytes));
    }
    out = *bytes;
    return true;
}

bool take(const Found& found, Duration& out) {
    std::optional<Duration> duration;
    if (const auto* text = std::get_if<std::string>(&found.value.content)) {
        duration = parse_duration(*text);
        if (!duration) {
            return found.reject(
                "wanted a duration such as \"250ms\", \"5s\", \"1m\", \"2h\" or \"1d\", found " +
                quoted(*text));
        }
    } else if (const auto* number = std::get_if<std::int64_t>(&found.value.content)) {
        if (*number != 0) {
            return found.reject("wanted a duration with its unit; did you mean \"" +
                                std::to_string(*number) + "s\"?");
        }
        duration = Duration{0};
    } else {
        return wanted(found, "a duration such as \"5s\"");
    }
    const auto count = static_cast<std::uint64_t>(duration->count());
    if (count < found.range.low || count > found.range.high) {
        return found.reject("wanted " +
                            show(Duration{static_cast<Duration::rep>(found.range.low)}) + " to " +
                            show(Duration{static_cast<Duration::rep>(found.range.high)}) +
                            ", found " + show(*duration));
    }
    out = *duration;
    return true;
}

bool take(const Found& found, std::string& out) {
    const auto* text = text_of(found.value);
    if (text == nullptr) return wanted(found, "text");
    // Text goes into zero-terminated fields of the wire, and a cut-off value is another value.
    if (text->find('\0') != std::string::npos) return found.reject("holds a zero byte");
    out = *text;
    return true;
}

bool take(const Found& found, std::vector<std::string>& out) {
    return take_items(found, "text", "a list of names such as [\"a\", \"b\"]", parse_list_name,
                      out);
}

bool take(const Found& found, std::vector<ListenAddress>& out) {
    return take_items(found, "an address in quotes",
                      "a numeric address such as \"127.0.0.1:6432\", \"[::1]:6432\", \"*:6432\" "
                      "or \"unix:/run/sluice\" (of names only localhost is known)",
                      parse_client_address, out);
}

bool take_redis_listen(const Found& found, std::vector<ListenAddress>& out) {
    return take_items(found, "an address in quotes",
                      "a numeric address such as \"127.0.0.1:6380\", \"[::1]:6380\", \"*:6380\" "
                      "or \"unix:/run/sluice/redis.sock\" (of names only localhost is known)",
                      parse_redis_client_address, out);
}

bool take(const Found& found, std::vector<HostPort>& out) {
    return take_items(found, "a host in quotes",
                      "\"host\", \"host:port\" or \"/socket/folder\", or a list of them",
                      parse_host, out);
}

bool take(const Found& found, PoolMode& out) {
    return take_word(found, out);
}
bool take(const Found& found, AutoPrepare& out) {
    return take_word(found, out);
}
bool take(const Found& found, MemoryGate& out) {
    return take_word(found, out);
}
bool take(const Found& found, TrackPolicy& out) {
    return take_word(found, out);
}
bool take(const Found& found, ListenPolicy& out) {
    return take_word(found, out);
}
bool take(const Found& found, KeepPolicy& out) {
    return take_word(found, out);
}
bool take(const Found& found, Probe& out) {
    return take_word(found, out);
}
bool take(const Found& found, ProtocolVersion& out) {
    return take_word(found, out);
}
bool take(const Found& found, AuthMethod& out) {
    return take_word(found, out);
}
bool take(const Found& found, LogLevel& out) {
    return take_word(found, out);
}
bool take(const Found& found, LogFormat& out) {
    return take_word(found, out);
}

}  // namespace sluice::config
