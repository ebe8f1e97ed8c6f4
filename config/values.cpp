#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace sluice::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array duration_units{
    Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
};
constexpr std::uint64_t duration_max = 3'650ULL * 86'400'000;

constexpr std::array byte_units{
    Unit{"B", 1},      Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20},   Unit{"GiB", 1ULL << 30},
    Unit{"kB", 1'000}, Unit{"MB", 1'000'000},   Unit{"GB", 1'000'000'000},
};

/// A whole number and a unit of the table, multiplied. Nothing when it does not fit.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_number(text.substr(0, digits));
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
        return candidate.name == text.substr(digits);
    });
    if (!number || unit == units.end()) return std::nullopt;
    if (*number > std::numeric_limits<std::uint64_t>::max() / unit->factor) return std::nullopt;
    return *number * unit->factor;
}

/// In the largest unit that leaves no rest.
std::string show_with_unit(std::uint64_t value, std::span<const Unit> ascending) {
    const Unit* best = &ascending.front();
    for (const auto& unit : ascending) {
        if (value % unit.factor == 0) best = &unit;
    }
    return std::to_string(value / best->factor) + std::string(best->name);
}

template <class Enum>
std::string name_of(Enum value) {
    for (const auto& named : names_of(value)) {
        if (named.value == value) return std::string(named.name);
    }
    return {};
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration{0};
    const auto value = parse_with_unit(text, duration_units);
    if (!value || *value > duration_max) return std::nullopt;
    return Duration{static_cast<Duration::rep>(*value)};
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    if (const auto plain = parse_number(text)) return plain;
    return parse_with_unit(text, byte_units);
}

std::optional<std::uint32_t> parse_file_mode(std::string_view text) {
    if (text.size() == 4 && text.front() == '0') text.remove_prefix(1);
    if (text.size() != 3) return std::nullopt;
    std::uint32_t mode = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '7') return std::nullopt;
        mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
    }
    return mode;
}

std::span<const Named<PoolMode>> names_of(PoolMode) {
    static constexpr std::array names{
        Named<PoolMode>{"session", PoolMode::session},
        Named<PoolMode>{"transaction", PoolMode::transaction},
        Named<PoolMode>{"statement", PoolMode::statement},
    };
    return names;
}

std::span<const Named<AutoPrepare>> names_of(AutoPrepare) {
    static constexpr std::array names{
        Named<AutoPrepare>{"off", AutoPrepare::off},
        Named<AutoPrepare>{"on", AutoPrepare::on},
        Named<AutoPrepare>{"always", AutoPrepare::always},
    };
    return names;
}

std::span<const Named<MemoryGate>> names_of(MemoryGate) {
    static constexpr std::array names{
        Named<MemoryGate>{"auto", MemoryGate::automatic},
        Named<MemoryGate>{"off", MemoryGate::off},
        Named<MemoryGate>{"on", MemoryGate::on},
    };
    return names;
}

std::span<const Named<TrackPolicy>> names_of(TrackPolicy) {
    static constexpr std::array names{
        Named<TrackPolicy>{"track", TrackPolicy::track},
        Named<TrackPolicy>{"pin", TrackPolicy::pin},
        Named<TrackPolicy>{"reject", TrackPolicy::reject},
        Named<TrackPolicy>{"warn", TrackPolicy::warn},
    };
    return names;
}

std::span<const Named<ListenPolicy>> names_of(ListenPolicy) {
    static constexpr std::array names{
        Named<ListenPolicy>{"fan-out", ListenPolicy::fan_out},
        Named<ListenPolicy>{"pin", ListenPolicy::pin},
        Named<ListenPolicy>{"reject", ListenPolicy::reject},
        Named<ListenPolicy>{"warn", ListenPolicy::warn},
    };
    return names;
}

std::span<const Named<KeepPolicy>> names_of(KeepPolicy) {
    static constexpr std::array names{
        Named<KeepPolicy>{"pin", KeepPolicy::pin},
        Named<KeepPolicy>{"reject", KeepPolicy::reject},
        Named<KeepPolicy>{"warn", KeepPolicy::warn},
    };
    return names;
}

std::span<const Named<Probe>> names_of(Probe) {
    static constexpr std::array names{
        Named<Probe>{"off", Probe::off},
        Named<Probe>{"unknown", Probe::unknown},
        Named<Probe>{"always", Probe::always},
    };
    return names;
}

std::span<const Named<ProtocolVersion>> names_of(ProtocolVersion) {
    static constexpr std::array names{
        Named<ProtocolVersion>{"3.0", ProtocolVersion::v3_0},
        Named<ProtocolVersion>{"3.2", ProtocolVersion::v3_2},
    };
    return names;
}

std::span<const Named<AuthMethod>> names_of(AuthMethod) {
    static constexpr std::array names{
        Named<AuthMethod>{"trust", AuthMethod::trust},
        Named<AuthMethod>{"password", AuthMethod::password},
        Named<AuthMethod>{"md5", AuthMethod::md5},
        Named<AuthMethod>{"scram-sha-256", AuthMethod::scram_sha_256},
    };
    return names;
}

std::span<const Named<LogLevel>> names_of(LogLevel) {
    static constexpr std::array names{
        Named<LogLevel>{"debug", LogLevel::debug},
        Named<LogLevel>{"info", LogLevel::info},
        Named<LogLevel>{"warning", LogLevel::warning},
        Named<LogLevel>{"error", LogLevel::error},
    };
    return names;
}

std::span<const Named<LogFormat>> names_of(LogFormat) {
    static constexpr std::array names{
        Named<LogFormat>{"text", LogFormat::text},
        Named<LogFormat>{"json", LogFormat::json},
    };
    return names;
}

std::string show(PoolMode value) {
    return name_of(value);
}
std::string show(AutoPrepare value) {
    return name_of(value);
}
std::string show(MemoryGate value) {
    return name_of(value);
}
std::string show(TrackPolicy value) {
    return name_of(value);
}
std::string show(ListenPolicy value) {
    return name_of(value);
}
std::string show(KeepPolicy value) {
    return name_of(value);
}
std::string show(Probe value) {
    return name_of(value);
}
std::string show(ProtocolVersion value) {
    return name_of(value);
}
std::string show(AuthMethod value) {
    return name_of(value);
}
std::string show(LogLevel value) {
    return name_of(value);
}
std::string show(LogFormat value) {
    return name_of(value);
}
std::string show(bool value) {
    return value ? "true" : "false";
}
std::string show(std::uint16_t value) {
    return std::to_string(value);
}
std::string show(std::uint32_t value) {
    return std::to_string(value);
}
std::string show(const std::string& value) {
    return value;
}

std::string show(Duration value) {
    if (value.count() <= 0) return "0";
    return show_with_unit(static_cast<std::uint64_t>(value.count()), duration_units);
}

std::string show(std::uint64_t bytes) {
    if (bytes == 0 || bytes % 1024 != 0) return std::to_string(bytes);
    return show_with_unit(bytes, std::span(byte_units).first(4));
}

std::string show(const std::vector<std::string>& values) {
    std::string text;
    for (const auto& value : values)
        text += (text.empty() ? "" : ", ") + value;
    return text;
}

std::string show(const Secret& secret) {
    return secret.empty() ? "(none)" : "(set)";
}

std::string show_file_mode(std::uint32_t mode) {
    std::string text = "0";
    for (const std::uint32_t shift : {6U, 3U, 0U}) {
        text += static_cast<char>('0' + ((mode >> shift) & 7U));
    }
    return text;
}

}  // namespace sluice::config
