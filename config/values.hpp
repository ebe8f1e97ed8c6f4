#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How single values are written in the file, the console and the documents: each parse_ has a
/// show() that writes what it reads.
namespace sluice::config {

/// "250ms", "5s", "1m", "2h", "1d", or "0". Whole numbers only, at most ten years.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

/// "64KiB", "1MiB", "2GiB" (powers of 1024), "4kB", "1MB", "1GB" (powers of 1000), "512B", "512".
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// A Unix file mode without special bits: three octal digits, with or without a leading zero.
[[nodiscard]] std::optional<std::uint32_t> parse_file_mode(std::string_view text);

/// Decimal digits and nothing else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

template <class Enum>
struct Named {
    std::string_view name;
    Enum value;
};

/// The words of an enumeration, as the file spells them. The argument only chooses the table.
[[nodiscard]] std::span<const Named<PoolMode>> names_of(PoolMode);
[[nodiscard]] std::span<const Named<AutoPrepare>> names_of(AutoPrepare);
[[nodiscard]] std::span<const Named<MemoryGate>> names_of(MemoryGate);
[[nodiscard]] std::span<const Named<TrackPolicy>> names_of(TrackPolicy);
[[nodiscard]] std::span<const Named<ListenPolicy>> names_of(ListenPolicy);
[[nodiscard]] std::span<const Named<KeepPolicy>> names_of(KeepPolicy);
[[nodiscard]] std::span<const Named<Probe>> names_of(Probe);
[[nodiscard]] std::span<const Named<ProtocolVersion>> names_of(ProtocolVersion);
[[nodiscard]] std::span<const Named<AuthMethod>> names_of(AuthMethod);
[[nodiscard]] std::span<const Named<LogLevel>> names_of(LogLevel);
[[nodiscard]] std::span<const Named<LogFormat>> names_of(LogFormat);

[[nodiscard]] std::string show(PoolMode value);
[[nodiscard]] std::string show(AutoPrepare value);
[[nodiscard]] std::string show(MemoryGate value);
[[nodiscard]] std::string show(TrackPolicy value);
[[nodiscard]] std::string show(ListenPolicy value);
[[nodiscard]] std::string show(KeepPolicy value);
[[nodiscard]] std::string show(Probe value);
[[nodiscard]] std::string show(ProtocolVersion value);
[[nodiscard]] std::string show(AuthMethod value);
[[nodiscard]] std::string show(LogLevel value);
[[nodiscard]] std::string show(LogFormat value);
[[nodiscard]] std::string show(bool value);
[[nodiscard]] std::string show(std::uint16_t value);
[[nodiscard]] std::string show(std::uint32_t value);
[[nodiscard]] std::string show(Duration value);
[[nodiscard]] std::string show(const std::string& value);
[[nodiscard]] std::string show(const std::vector<std::string>& values);
/// "(set)" or "(none)".
[[nodiscard]] std::string show(const Secret& secret);
/// A size; a count of anything else is 32 bits wide.
[[nodiscard]] std::string show(std::uint64_t bytes);
[[nodiscard]] std::string show_file_mode(std::uint32_t mode);

}  // namespace sluice::config
