#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <variant>

/// The log tells lives: clients accepted, refused, closed; backends opened, reset, lost; settings
/// reloaded. One line an event, its ids as fields. Never SQL, parameters or secrets. What repeats
/// for each frame is a counter and not a line.
namespace sluice::server::log {

struct Field {
    template <typename Value>
    Field(std::string_view field_name, const Value& field_value) : name(field_name) {
        if constexpr (std::is_integral_v<Value>) {
            value = static_cast<std::int64_t>(field_value);
        } else {
            value = std::string_view(field_value);
        }
    }
    std::string_view name;
    std::variant<std::string_view, std::int64_t> value;
};

/// Starts the writing thread; lines go to standard error. Called once, before any worker.
void start(const config::Log& settings);
/// Takes over a changed level and format. From any thread; lines that wait keep theirs.
void configure(const config::Log& settings);
/// Writes out what is waiting.
void stop();

[[nodiscard]] bool writes(config::LogLevel level) noexcept;

/// Lines dropped since start().
[[nodiscard]] std::uint64_t lines_lost() noexcept;

/// Does not block: when the writer cannot keep up, the oldest waiting lines are dropped. Text from
/// peers is escaped.
void event(config::LogLevel level, std::string_view text, std::initializer_list<Field> fields = {});

inline void info(std::string_view text, std::initializer_list<Field> fields = {}) {
    event(config::LogLevel::info, text, fields);
}
inline void warning(std::string_view text, std::initializer_list<Field> fields = {}) {
    event(config::LogLevel::warning, text, fields);
}
inline void error(std::string_view text, std::initializer_list<Field> fields = {}) {
    event(config::LogLevel::error, text, fields);
}

}  // namespace sluice::server::log
