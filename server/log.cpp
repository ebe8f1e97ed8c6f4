#include "server/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

namespace sluice::server::log {

namespace {

constexpr std::size_t lines_waiting_max = 8192;

std::atomic<config::LogLevel> threshold{config::LogLevel::info};
std::atomic<config::LogFormat> format{config::LogFormat::text};
/// One a format, so that a line keeps the pattern that its text was made for. They share the
/// writing thread and its queue, so that lines keep their order.
std::array<std::shared_ptr<spdlog::async_logger>, 2> loggers;

/// By LogFormat. What a line's text goes into.
constexpr std::array<const char*, loggers.size()> patterns{
    "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v", R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"};

spdlog::level::level_enum to_spdlog(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug: return spdlog::level::debug;
        case config::LogLevel::info: return spdlog::level::info;
        case config::LogLevel::warning: return spdlog::level::warn;
        case config::LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

/// JSON string escapes serve for text lines too: a peer's name cannot fake a line of its own.
void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += byte;
        } else if (static_cast<unsigned char>(byte) < 0x20U || byte == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(byte));
            out += escape;
        } else {
            out += byte;
        }
    }
    out += '"';
}

void append_value(std::string& out, const Field& field) {
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
        out += std::to_string(*number);
    } else {
        append_quoted(out, std::get<std::string_view>(field.value));
    }
}

std::string line_of(config::LogFormat as, std::string_view text,
                    std::initializer_list<Field> fields) {
    std::string line;
    if (as == config::LogFormat::json) {
        line += "\"message\":";
        append_quoted(line, text);
        for (const Field& field : fields) {
            line += ',';
            append_quoted(line, field.name);
            line += ':';
            append_value(line, field);
        }
        return line;
    }
    line += text;
    for (const Field& field : fields) {
        line += ' ';
        line += field.name;
        line += '=';
        append_value(line, field);
    }
    return line;
}

}  // namespace

void start(const config::Log& settings) {
    configure(settings);
    spdlog::init_thread_pool(lines_waiting_max, 1);
    for (std::size_t at = 0; at < loggers.size(); ++at) {
        loggers[at] = std::make_shared<spdlog::async_logger>(
            "sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::thread_pool(),
            spdlog::async_overflow_policy::overrun_oldest);
        loggers[at]->set_level(spdlog::level::debug);
        loggers[at]->set_pattern(patterns[at]);
        loggers[at]->flush_on(spdlog::level::debug);
    }
}

void configure(const config::Log& settings) {
    threshold = settings.level;
    format = settings.format;
}

void stop() {
    // The writing thread ends first: each line that waits holds the logger too.
    spdlog::shutdown();
    loggers = {};
}

std::uint64_t lines_lost() noexcept {
    const auto pool = spdlog::thread_pool();
    return pool == nullptr ? 0 : pool->overrun_counter();
}

bool writes(config::LogLevel level) noexcept {
    return level >= threshold.load(std::memory_order_relaxed) && loggers[0] != nullptr;
}

void event(config::LogLevel level, std::string_view text, std::initializer_list<Field> fields) {
    if (!writes(level)) return;
    const config::LogFormat as = format.load(std::memory_order_relaxed);
    const std::string line = line_of(as, text, fields);
    loggers[static_cast<std::size_t>(as)]->log(to_spdlog(level),
                                               spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sluice::server::log
